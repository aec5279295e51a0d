/** Rules for properties. */

import fc from "fast-check";
import { parseRule, type Rule } from "../../src/access/mod.ts";

export const NAMES = ["ann", "bob", "ops"] as const;
export const ROLES = ["ops", "ann"] as const;

/** Any rules over few names, so that some speak of the same caller; `prefix` has a character per byte. */
export function rules(prefix: fc.Arbitrary<string>): fc.Arbitrary<Rule> {
  const subject = fc.constantFrom(...NAMES, ...ROLES.map((role) => `role:${role}`));
  const permission = fc.tuple(
    subject,
    prefix,
    fc.constantFrom("read", "write", "watch", "consume", "produce"),
    fc.constantFrom("allow", "allow", "deny"),
  ).map(([subject, text, word, effect]) => {
    const escaped = Array.from(
      text,
      (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
    ).join("");
    return `p, ${subject}, ${escaped || "*"}, ${word}, ${effect}`;
  });
  const about = fc.tuple(subject, fc.constantFrom("inspect", "admin"))
    .map(([subject, word]) => `p, ${subject}, *, ${word}`);
  const role = fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...ROLES))
    .map(([name, role]) => `g, ${name}, role:${role}`);
  return fc.oneof({ weight: 5, arbitrary: permission }, about, role).map((line) => {
    const rule = parseRule(line);
    if (!rule.ok) throw new Error(`${line}: ${rule.error}`);
    return rule.value;
  });
}
