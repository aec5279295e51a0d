/** Rules and policies as text. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { limits } from "../../src/base/mod.ts";
import { isName, parsePolicy, parseRule, readPolicyFiles, ruleText } from "../../src/access/mod.ts";
import { DiskError } from "../../src/base/mod.ts";
import { rules } from "./arbitraries.ts";

const anyBytes = fc.uint8Array({ maxLength: 20 }).map((bytes) => String.fromCharCode(...bytes));

Deno.test("ruleText() and parseRule() are inverse, byte by byte", () => {
  fc.assert(fc.property(rules(anyBytes), (rule) => {
    const text = ruleText(rule);
    assert.match(text, /^[\x20-\x7e]+$/);
    assert.deepEqual(parseRule(text), { ok: true, value: rule });
  }));
});

Deno.test("parseRule() takes rules as people write them, and gives them one spelling", () => {
  const cases: readonly [string, string][] = [
    ["p,ann,app/,read", "p, ann, app/, read"],
    ["p, role:ops , *, admin ,allow", "p, role:ops, *, admin"],
    ["p, ann, a b%2c%E2%82%AC%ff, write, deny", "p, ann, a%20b%2C%E2%82%AC%FF, write, deny"],
    ["p, ann, €, watch", "p, ann, %E2%82%AC, watch"],
    ["p, root, *, produce", "p, root, *, produce"],
    ["p, root, %2A, consume", "p, root, %2A, consume"],
    ["g, ann, role:ops", "g, ann, role:ops"],
  ];
  for (const [line, text] of cases) {
    const rule = parseRule(line);
    assert.ok(rule.ok, rule.ok ? "" : rule.error);
    assert.equal(ruleText(rule.value), text);
  }
});

Deno.test("parseRule() says in one sentence what is wrong", () => {
  const cases: readonly [string, RegExp][] = [
    ["ann, app/, read", /^a rule begins with "p,"/],
    ["p, ann, app/", /^behind "p," stand a subject/],
    ["p, ann, app/, read, allow, x", /^behind "p," stand a subject/],
    ["p, two words, app/, read", /^"two words" is no subject: a name, or role:NAME$/],
    ["p, role:, app/, read", /^"role:" is no subject/],
    ["p, role:role:x, app/, read", /^"role:role:x" is no subject/],
    ["p, ann, app/, reed", /^"reed" is no action: read, write, watch, inspect, admin, consume/],
    ["p, ann, app/, toString", /^"toString" is no action/],
    ["p, ann, app/, read, maybe", /^"maybe" is neither allow nor deny$/],
    ["p, ann, , read", /^the key prefix is missing/],
    ["p, ann, app/*, read", /^a prefix stands for all that begins with it: leave out the \*/],
    ["p, ann, app%2, read", /^behind % stand two hexadecimal digits/],
    ["p, ann, app/, admin", /^admin is about no key: write \* in place of "app\/"$/],
    ['p, "ann", app/, read', /^quotes have no meaning here/],
    ["g, ann, ops", /^"ops" is no role: one is written as role:NAME$/],
    ["g, role:ops, role:all", /^a role has no roles/],
    ["g, ann", /^behind "g," stand a name and a role$/],
    [`p, ann, ${"a".repeat(limits.policyRuleBytesMax)}, read`, /^a rule has at most 4096/],
    ["p, \u202eann, app/, read", /^"\\u\{202e\}ann" is no subject/],
  ];
  for (const [line, complaint] of cases) {
    const rule = parseRule(line);
    assert.ok(!rule.ok, line);
    assert.match(rule.error, complaint);
  }
});

Deno.test("isName() takes what needs no escape anywhere", () => {
  const names = ["a", "A1", "ci", "ann@example.com", "x".repeat(64), "9-_."];
  const others = ["", "-a", ".a", "a b", "a:b", "a,b", "ä", "a\n", "x".repeat(65), "__proto__"];
  for (const name of names) assert.ok(isName(name), name);
  for (const name of others) assert.ok(!isName(name), JSON.stringify(name));
});

Deno.test("parsePolicy() takes a rule from each line, and names file and line of each fault", () => {
  const text = "# who may do what\r\n\r\np, ann, app/, read\r\n  # more\np, ann, app/,read\n" +
    "g, ann, role:ops";
  const rules = parsePolicy("policy.csv", text);
  assert.ok(rules.ok);
  assert.deepEqual(rules.value.map(({ rule, source }) => [ruleText(rule), source]), [
    ["p, ann, app/, read", "policy.csv:5"],
    ["g, ann, role:ops", "policy.csv:6"],
  ]);
  const faulty = parsePolicy("policy.csv", "p, ann, app/, reed\np, ann, a, read\n\nx");
  assert.ok(!faulty.ok);
  const lines = faulty.error.split("\n");
  assert.deepEqual(lines.map((line) => line.split(": ")[0]), ["policy.csv:1", "policy.csv:4"]);
});

Deno.test("readPolicyFiles() puts files together, and says which one it cannot use", () => {
  const files: Record<string, string | Uint8Array> = {
    "a.csv": "p, ann, a/, read",
    "b.csv": "p, ann, b/, read",
    "binary.csv": Uint8Array.of(0xff),
    "long.csv": Array.from({ length: 1_001 }, (_, i) => `p, ann, ${i}, read`).join("\n"),
  };
  const disk = {
    read: (path: string) => {
      const content = files[path];
      if (content === undefined) throw new DiskError("missing", path, "read", "no such file");
      return typeof content === "string" ? new TextEncoder().encode(content) : content;
    },
  };
  const read = (...paths: string[]) => {
    const rules = readPolicyFiles(disk, paths);
    return rules.ok ? rules.value.map(({ source }) => source).join(" ") : rules.error;
  };
  assert.equal(read("a.csv", "b.csv"), "a.csv:1 b.csv:1");
  assert.match(
    read("a.csv", "none.csv"),
    /^none\.csv: there is no such file; access\.policy names/,
  );
  assert.equal(read("binary.csv"), "binary.csv: it is not UTF-8 text");
  assert.match(read("a.csv", "long.csv"), /^a\.csv, long\.csv: there are 1002 rules; at most 1000/);
});
