/** Values in shared memory: what is handed out stays, and garbage does not pile up. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Cell, Slabs } from "../../src/kv/slabs.ts";

const SLAB_BYTES = 64 * 1024;

type Step = { readonly at: number; readonly length: number; readonly act: "replace" | "swap" };

const lengths = fc.oneof(
  fc.nat(300),
  fc.nat(9_000),
  fc.constantFrom(0, 8_192, 8_193, 65_536, 70_000),
);
const step: fc.Arbitrary<Step> = fc.record({
  at: fc.nat(39),
  length: lengths,
  act: fc.constantFrom("replace", "swap"),
});

Deno.test("Slabs keep every value, and every view that was handed out (S6)", () => {
  fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 400 }), (steps) => {
    const slabs = new Slabs();
    const cells: (Cell | undefined)[] = [];
    const views: { readonly view: Uint8Array; readonly expected: Uint8Array }[] = [];
    steps.forEach(({ at, length, act }, number) => {
      const expected = new Uint8Array(length).fill(number);
      const cell = cells[at];
      if (cell === undefined || act === "swap") {
        cells[at] = slabs.store(expected);
        if (cell !== undefined) slabs.release(cell);
      } else slabs.replace(cell, expected);
      views.push({ view: (cells[at] as Cell).value, expected });
    });
    for (const { view, expected } of views) assert.deepEqual(view, expected);
  }));
});

Deno.test("Slabs hold no more garbage than values once they are full (S7)", () => {
  fc.assert(fc.property(fc.array(step, { minLength: 100, maxLength: 2_000 }), (steps) => {
    const slabs = new Slabs();
    const cells: (Cell | undefined)[] = [];
    for (const { at, length, act } of steps) {
      const cell = cells[at];
      const value = new Uint8Array(length);
      if (cell === undefined) cells[at] = slabs.store(value);
      else if (act === "replace") slabs.replace(cell, value);
      else {
        slabs.release(cell);
        cells[at] = undefined;
      }
      const live = cells.reduce((sum, one) => sum + (one?.length ?? 0), 0);
      assert.ok(slabs.sizeBytes <= 2 * live + SLAB_BYTES, `${slabs.sizeBytes} for ${live}`);
    }
  }));
});

Deno.test("Slabs leave a released cell as it was, for the image that may hold it", () => {
  const slabs = new Slabs();
  const frozen = slabs.store(new Uint8Array(200).fill(7));
  slabs.release(frozen);
  for (let i = 0; i < 2_000; i++) slabs.release(slabs.store(new Uint8Array(200).fill(1)));
  assert.deepEqual(frozen.value, new Uint8Array(200).fill(7));
  assert.throws(() => slabs.release(frozen), /once/);
});
