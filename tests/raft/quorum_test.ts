import assert from "node:assert/strict";
import fc from "fast-check";
import { majority, reachedByMajority } from "../../src/raft/quorum.ts";

const values = fc.array(fc.nat(9), { minLength: 1, maxLength: 9 });

Deno.test("reachedByMajority() is the highest value that more than half have reached", () => {
  fc.assert(fc.property(values, (reached) => {
    const isHeld = (value: number): boolean =>
      reached.filter((one) => one >= value).length * 2 > reached.length;
    const naive = Math.max(...reached.filter(isHeld));
    assert.equal(reachedByMajority(reached), naive);
    assert.equal(isHeld(naive + 1), false);
  }));
});

Deno.test("reachedByMajority() leaves its argument alone and needs a voter", () => {
  const reached = [1, 3, 2];
  reachedByMajority(reached);
  assert.deepEqual(reached, [1, 3, 2]);
  assert.throws(() => reachedByMajority([]));
});

Deno.test("two majorities have a voter in common, and half is no majority", () => {
  for (let voters = 1; voters <= 9; voters++) {
    assert.ok(2 * majority(voters) > voters);
    assert.ok(2 * (majority(voters) - 1) <= voters);
  }
});
