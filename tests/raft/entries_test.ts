/** Packed entries beside a plain array of the same ones. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Entries } from "../../src/raft/entries.ts";
import type { Entry, EntryKind, Index } from "../../src/raft/mod.ts";

const FIRST: Index = 7;
const KINDS: readonly EntryKind[] = ["noop", "command", "membership"];

/** From many in a block to a block that is not enough for one. */
const lengthBytes = fc.oneof(fc.nat(40), fc.nat(20_000), fc.constantFrom(65_535, 65_536, 70_000));

type Step =
  | {
    readonly push: {
      readonly lengthBytes: number;
      readonly kind: EntryKind;
      readonly fill: number;
    };
  }
  | { readonly truncate: number }
  | { readonly forget: number };

const push: fc.Arbitrary<Step> = fc.record({
  push: fc.record({ lengthBytes, kind: fc.constantFrom(...KINDS), fill: fc.nat(255) }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: push },
  { weight: 1, arbitrary: fc.record({ truncate: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ forget: fc.nat(20) }) },
);

Deno.test("Entries holds what an array would, whatever was cut off at either end", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const entries = new Entries(FIRST);
    let model: Entry[] = [];
    let first = FIRST;
    let term = 1;
    for (const step of steps) {
      const next = first + model.length;
      if ("push" in step) {
        const { lengthBytes, kind, fill } = step.push;
        const entry = { index: next, term, kind, payload: new Uint8Array(lengthBytes).fill(fill) };
        entries.push(entry);
        model.push(entry);
      } else if ("truncate" in step) {
        const from = Math.max(first, next - step.truncate);
        entries.truncate(from);
        model.length = from - first;
        term++;
      } else {
        const to = Math.min(next, first + step.forget);
        entries.forgetBefore(to);
        model = model.slice(to - first);
        first = to;
      }
      const kept = model.map(({ index }) => entries.at(index));
      assert.deepEqual(kept, model);
      assert.deepEqual(
        model.map(({ index }) => entries.term(index)),
        model.map(({ term }) => term),
      );
    }
  }));
});

Deno.test("a payload that was handed out stays what it was when another entry takes its place", () => {
  const entries = new Entries(1);
  const push = (index: Index, fill: number): void => {
    const payload = new Uint8Array(100).fill(fill);
    entries.push({ index, term: fill, kind: "command", payload });
  };
  for (const index of [1, 2, 3]) push(index, index);
  const held = entries.at(2).payload;
  entries.truncate(2);
  for (const index of [2, 3]) push(index, 6 + index);
  assert.deepEqual(held, new Uint8Array(100).fill(2));
  assert.deepEqual(entries.at(2).payload, new Uint8Array(100).fill(8));
});

Deno.test("what Entries is given may be changed afterwards: it keeps a copy", () => {
  const entries = new Entries(1);
  const payload = Uint8Array.of(1, 2, 3);
  entries.push({ index: 1, term: 1, kind: "command", payload });
  payload.fill(0);
  assert.deepEqual(entries.at(1).payload, Uint8Array.of(1, 2, 3));
});
