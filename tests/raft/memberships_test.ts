import assert from "node:assert/strict";
import fc from "fast-check";
import { memberIds, Memberships, refuseChange } from "../../src/raft/membership.ts";
import { majority } from "../../src/raft/quorum.ts";
import type { Index, Membership } from "../../src/raft/mod.ts";
import { crowdedMembershipArbitrary } from "./arbitraries.ts";

const stepArbitrary = fc.record({
  kind: fc.constantFrom("push", "push", "truncate", "compact", "reset"),
  by: fc.integer({ min: 1, max: 6 }),
});

function named(index: Index): Membership {
  return { voters: [{ id: `n${index}`, directory: "" }], learners: [] };
}

Deno.test("Memberships answer like a list of all memberships ever appended", () => {
  fc.assert(fc.property(fc.array(stepArbitrary, { maxLength: 40 }), (steps) => {
    let all = [{ index: 0, membership: named(0) }];
    let bottom = 0;
    let last = 0;
    const stack = new Memberships(named(0), 0);
    for (const { kind, by } of steps) {
      if (kind === "push") {
        last += by;
        all.push({ index: last, membership: named(last) });
        stack.push(last, named(last));
      } else if (kind === "truncate") {
        const index = Math.max(bottom + 1, last - by);
        const left = all.filter((one) => one.index < index);
        assert.equal(stack.truncate(index), left.length < all.length);
        all = left;
        last = Math.max(all.at(-1)!.index, index - 1);
      } else if (kind === "compact") {
        bottom = Math.min(last, bottom + by);
        stack.compact(bottom);
      } else {
        bottom = last = last + by;
        all = [{ index: last, membership: named(last) }];
        stack.reset(last, named(last));
      }
      const inForce = (index: Index): number => all.findLastIndex((one) => one.index <= index);
      assert.deepEqual(stack.current, all.at(-1)!.membership);
      assert.equal(stack.index, all.at(-1)!.index);
      for (let index = bottom; index <= last; index++) {
        assert.deepEqual(stack.at(index), all[inForce(index)]!.membership);
        const since = all.slice(inForce(index)).map(({ membership }) => membership);
        assert.deepEqual(stack.since(index), since);
      }
    }
  }));
});

Deno.test("R4 Memberships refuse to go back", () => {
  const stack = new Memberships(named(3), 3);
  assert.throws(() => stack.push(3, named(3)), /R4/);
  assert.throws(() => stack.at(2), /R4/);
});

Deno.test("R5 refuseChange() allows what differs by one voter at most", () => {
  const property = fc.property(
    crowdedMembershipArbitrary,
    crowdedMembershipArbitrary,
    (current, next) => {
      const spell = ({ voters }: Membership): string[] =>
        voters.map(({ id, directory }) => `${id} ${directory}`);
      const [old, young] = [spell(current), spell(next)];
      const changed = old.filter((one) => !young.includes(one)).length +
        young.filter((one) => !old.includes(one)).length;
      const ids = memberIds(next);
      const isLegal = young.length > 0 && new Set(ids).size === ids.length && changed <= 1;
      assert.equal(refuseChange(current, next) === null, isLegal);
    },
  );
  fc.assert(property, { numRuns: 500 });
});

Deno.test("R5 the majorities of memberships that may follow each other intersect", () => {
  const all = subsets(["n1", "n2", "n3", "n4", "n5"]).filter((ids) => ids.length > 0);
  let pairs = 0;
  for (const old of all) {
    for (const young of all) {
      if (refuseChange(membershipOf(old), membershipOf(young)) !== null) continue;
      pairs++;
      for (const one of majorities(old)) {
        for (const other of majorities(young)) {
          assert.ok(one.some((id) => other.includes(id)), `${one} and ${other}`);
        }
      }
    }
  }
  assert.ok(pairs > all.length);
});

function membershipOf(ids: readonly string[]): Membership {
  return { voters: ids.map((id) => ({ id, directory: "" })), learners: [] };
}

function majorities(ids: readonly string[]): string[][] {
  return subsets(ids).filter(({ length }) => length === majority(ids.length));
}

function subsets(ids: readonly string[]): string[][] {
  return ids.reduce<string[][]>(
    (found, id) => [...found, ...found.map((subset) => [...subset, id])],
    [[]],
  );
}
