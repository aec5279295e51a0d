/** What callers may do: exactly what Casbin says, and fast. */

import assert from "node:assert/strict";
import { type Enforcer, newEnforcer, newModelFromString } from "casbin";
import fc from "fast-check";
import { compareBytes, limits } from "../../src/base/mod.ts";
import { begins, MODEL, rowsOf } from "../../src/access/casbin.ts";
import {
  type Action,
  ACTIONS,
  loadCasbin,
  parseRule,
  Permissions,
  type Rule,
  type Who,
} from "../../src/access/mod.ts";
import { NAMES, ROLES, rules } from "./arbitraries.ts";

const casbin = await loadCasbin();

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function permissionsOf(...lines: string[]): Permissions {
  return new Permissions(
    casbin,
    lines.map((line) => {
      const rule = parseRule(line);
      assert.ok(rule.ok, line);
      return rule.value;
    }),
  );
}

/** Casbin as its own documentation has it: all rules, its own role manager, one question. */
async function reference(rules: readonly Rule[], { name, roles }: Who): Promise<Enforcer> {
  const enforcer = await newEnforcer(newModelFromString(MODEL));
  await enforcer.addFunction("begins", begins);
  for (const row of rowsOf(rules)) await enforcer.addPolicy(...row);
  for (const rule of rules) {
    if (rule.kind === "role") await enforcer.addGroupingPolicy(rule.name, `role:${rule.role}`);
  }
  if (name !== null) await enforcer.addGroupingPolicy("who asks", name);
  for (const role of roles) await enforcer.addGroupingPolicy("who asks", `role:${role}`);
  return enforcer;
}

/** Few bytes, with the last one among them: ends of prefixes meet. */
const text = fc.string({ unit: fc.constantFrom("a", "b", "\xfe", "\xff", "\0"), maxLength: 4 });
const who = fc.record({
  name: fc.constantFrom(...NAMES, null),
  roles: fc.subarray([...ROLES]),
}, { noNullPrototype: true });

Deno.test("Permissions says what Casbin says, about keys and about ranges", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(rules(text), { maxLength: 12 }),
      who,
      fc.constantFrom(...ACTIONS),
      fc.array(text, { minLength: 1, maxLength: 8 }),
      async (rules, who, action, keys) => {
        const grants = new Permissions(casbin, rules).of(who);
        const enforcer = await reference(rules, who);
        const expected = async (key: string) => await enforcer.enforce("who asks", key, action);
        for (const key of keys) {
          assert.equal(grants.allows(action, bytes(key)), await expected(key), JSON.stringify(key));
          assert.equal(grants.explain(action, bytes(key)).allowed, await expected(key));
          const isIn = grants.ranges(action).some(({ start, end }) =>
            compareBytes(start, bytes(key)) <= 0 &&
            (end === null || compareBytes(bytes(key), end) < 0)
          );
          assert.equal(isIn, await expected(key), "in a range");
        }
        // A range is allowed when every key is that could matter: each end of a prefix is one.
        const [start = "", end = ""] = keys.slice(0, 2).sort();
        const inside = [
          start,
          ...rules.flatMap((rule) => rule.kind === "role" ? [] : ends(rule.prefix)),
        ]
          .filter((key) => key >= start && key < end);
        const all = (await Promise.all(inside.map(expected))).every((allowed) => allowed);
        if (start < end) {
          assert.equal(grants.allowsAll(action, bytes(start), bytes(end)), all, `${start}-${end}`);
        }
      },
    ),
    { numRuns: 300 },
  );
});

function ends(prefix: string): string[] {
  const cut = prefix.replace(/\xff+$/, "");
  const last = cut.charCodeAt(cut.length - 1);
  return cut === "" ? [prefix] : [prefix, cut.slice(0, -1) + String.fromCharCode(last + 1)];
}

Deno.test("Permissions keeps names and roles apart", () => {
  const permissions = permissionsOf(
    "p, role:ops, *, admin",
    "p, ann, *, write",
    "g, bob, role:ops",
  );
  const may = (who: Who, action: Action) => permissions.of(who).allows(action, bytes("k"));
  assert.ok(may({ name: "x", roles: ["ops"] }, "admin"));
  assert.ok(may({ name: "bob", roles: [] }, "admin"), "by the rule that gives him the role");
  assert.ok(!may({ name: "ops", roles: [] }, "admin"), "who is called as a role is called");
  assert.ok(!may({ name: "role:ops", roles: [] }, "admin"), "no name begins so");
  assert.ok(may({ name: "ann", roles: [] }, "write"));
  assert.ok(
    !may({ name: "x", roles: ["ann"] }, "write"),
    "who has a role that is called as a name",
  );
  assert.ok(!may({ name: null, roles: [] }, "write"));
  // What is remembered for one caller must not be another's.
  assert.ok(!may({ name: "a ops", roles: [] }, "admin"));
  assert.ok(!may({ name: "", roles: ["a"] }, "admin"));
});

Deno.test("Permissions lets a denial win over whatever else there is", () => {
  const permissions = permissionsOf(
    "p, role:all, *, consume",
    "p, ann, app/secret/, read, deny",
    "p, role:all, app/secret/ann, read",
  );
  const ann = permissions.of({ name: "ann", roles: ["all"] });
  assert.ok(ann.allows("read", bytes("app/")));
  assert.ok(!ann.allows("read", bytes("app/secret/ann")));
  assert.ok(ann.allows("watch", bytes("app/secret/ann")), "only reading is denied");
  assert.deepEqual(ann.explain("read", bytes("app/secret/ann")), {
    allowed: false,
    by: ["ann", "app/secret/", "read", "deny"],
  });
  assert.equal(ann.explain("write", bytes("app/")).by, null);
  assert.ok(ann.allowsAll("read", bytes("a"), bytes("app/secret/")));
  assert.ok(!ann.allowsAll("read", bytes("a"), bytes("app/secret/\0")));
  assert.ok(!ann.allowsAll("read", bytes("a"), null));
  assert.ok(ann.allowsAll("read", bytes("b"), null));
});

Deno.test("Permissions knows nobody for another after it has forgotten all", () => {
  const permissions = permissionsOf("p, c0, *, read", "p, role:r, *, write");
  const before = permissions.of({ name: "c0", roles: [] });
  for (let i = 1; i <= limits.knownCallersMax; i++) {
    const grants = permissions.of({ name: `c${i}`, roles: i % 2 === 0 ? ["r"] : [] });
    assert.equal(grants.allows("read", bytes("k")), false);
    assert.equal(grants.allows("write", bytes("k")), i % 2 === 0);
  }
  assert.ok(before.allows("read", bytes("other")), "who holds it may go on to use it");
  assert.notEqual(permissions.of({ name: "c0", roles: [] }), before);
});
