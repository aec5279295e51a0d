/**
 * The core under everything that disks, networks, processes, users and operators do to it.
 * `SEED=… SEEDS=…` chooses the first seed and their number.
 */

import assert from "node:assert/strict";
import { explore } from "./explore.ts";

const FIRST = Number(Deno.env.get("SEED") ?? 1);
const COUNT = Number(Deno.env.get("SEEDS") ?? 600);

Deno.test(`the core keeps its promises under ${COUNT} seeds from ${FIRST}`, () => {
  let committed = 0;
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    const outcome = explore(seed);
    if (outcome.failure !== null) assert.fail(outcome.failure);
    committed += outcome.committed;
  }
  assert.ok(committed >= COUNT, `only ${committed} entries were ever committed`);
});

Deno.test("one seed decides everything about an exploration", () => {
  const first = explore(FIRST);
  explore(FIRST + 1);
  assert.deepEqual(explore(FIRST), first);
});
