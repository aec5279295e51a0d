/** Rules of who may do what, as people write them. */

import { parsePolicy, parseRule, ruleText } from "../../../src/access/mod.ts";
import { latin1Bytes } from "../corpus.ts";
import type { Target } from "../target.ts";
import { expect, expectPrintable } from "./check.ts";

const decoder = new TextDecoder();

export const policies: Target = {
  name: "policies",
  smokeCases: 2_000,
  seeds: () => [
    latin1Bytes("# comment\np, ann, app/, read\n\np, role:ops, *, admin\r\ng, ann, role:ops\n"),
    latin1Bytes("p, ci, %00%ff%2C, consume, deny\np,ci,a b,produce,allow"),
  ],
  tokens: ["p, ", "g, ", "role:", "*", "%2C", "%", ", deny", "inspect", "watch", '"', "\u001b[2J"],
  run(input) {
    const parsed = parsePolicy("policy.csv", decoder.decode(input));
    if (!parsed.ok) {
      for (const line of parsed.error.split("\n")) expectPrintable(line, "a reason");
      return `refused ${parsed.error.slice(0, 40)}`;
    }
    for (const { rule } of parsed.value) {
      const text = ruleText(rule);
      expectPrintable(text, "a rule");
      const again = parseRule(text);
      expect(again.ok && ruleText(again.value) === text, () => `${text} does not return`);
    }
    return `${parsed.value.length} rules`;
  },
};
