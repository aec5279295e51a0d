/** What a node keeps of a client's token. */

import { decodeTokenCheck, encodeTokenCheck } from "../../../src/service/token_text.ts";
import type { Target } from "../target.ts";
import { expectSame } from "./check.ts";

const hashed = { salt: new Uint8Array(16).fill(1), hash: new Uint8Array(32).fill(2) };

export const tokens: Target = {
  name: "tokens",
  smokeCases: 10_000,
  seeds: () => [
    encodeTokenCheck({ id: "0123456789ab", createdAtMs: 0, roles: [], ...hashed }),
    encodeTokenCheck({ id: "fedcba987654", createdAtMs: 7, roles: ["a", "b.c"], ...hashed }),
  ],
  run(input) {
    const decoded = decodeTokenCheck(input);
    if (!decoded.ok) return decoded.error;
    expectSame(encodeTokenCheck(decoded.value), input, "written again");
    return `${decoded.value.roles.length} roles`;
  },
};
