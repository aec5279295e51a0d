/** What every Random must do. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Random } from "../../src/base/mod.ts";

export function randomSuite(name: string, make: () => Random): void {
  Deno.test(`${name} below() stays inside its bound`, () => {
    const random = make();
    fc.assert(fc.property(fc.integer({ min: 1, max: 2 ** 32 }), (bound) => {
      const drawn = random.below(bound);
      return Number.isInteger(drawn) && drawn >= 0 && drawn < bound;
    }));
    assert.equal(random.below(1), 0);
  });

  Deno.test(`${name} below() reaches every value about equally often`, () => {
    const random = make();
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 60_000; i++) (counts[random.below(6)] as number)++;
    // Ten standard deviations: a fair generator fails this less than once in 10^22 runs.
    for (const count of counts) assert.ok(Math.abs(count - 10_000) < 920, `${counts}`);
  });

  Deno.test(`${name} below() refuses an impossible bound`, () => {
    const random = make();
    for (const bound of [0, -1, 1.5, 2 ** 32 + 1, NaN]) assert.throws(() => random.below(bound));
  });

  Deno.test(`${name} bytes() gives as many bytes as asked for, different each time`, () => {
    const random = make();
    for (const length of [0, 1, 16, 70_000]) assert.equal(random.bytes(length).length, length);
    assert.notDeepEqual(random.bytes(16), random.bytes(16));
    assert.ok(random.bytes(70_000).subarray(66_000).some((byte) => byte !== 0));
  });
}
