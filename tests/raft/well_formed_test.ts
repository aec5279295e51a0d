import assert from "node:assert/strict";
import fc from "fast-check";
import { EMPTY } from "../../src/base/mod.ts";
import type { Append, Entry, Message } from "../../src/raft/mod.ts";
import { isWellFormed } from "../../src/raft/well_formed.ts";

const envelope = { from: "n2", to: "n1", term: 5 } as const;
const snapshot = {
  position: { index: 3, term: 4 },
  membership: { voters: [{ id: "n2", directory: "" }], learners: [] },
};

const GOOD: readonly Message[] = [
  { ...envelope, kind: "voteRequest", pre: true, transfer: false, last: { index: 1, term: 1 } },
  { ...envelope, kind: "voteReply", pre: false, granted: true },
  { ...envelope, kind: "append", previous: { index: 0, term: 0 }, commit: 9, entries: [] },
  { ...envelope, kind: "accepted", matched: 4 },
  { ...envelope, kind: "rejected", previous: 4, hint: { index: 4, term: 2 } },
  { ...envelope, kind: "heartbeat", commit: 0, round: 0 },
  { ...envelope, kind: "echo", round: 3 },
  { ...envelope, kind: "readRequest", attempt: 2 ** 40 },
  { ...envelope, kind: "readReply", attempt: 2 ** 40, index: 3 },
  { ...envelope, kind: "install", snapshot },
  { ...envelope, kind: "timeoutNow" },
];

Deno.test("isWellFormed() accepts one message of each kind", () => {
  assert.equal(new Set(GOOD.map(({ kind }) => kind)).size, 11);
  for (const message of GOOD) assert.equal(isWellFormed(message, "n1"), true, message.kind);
});

Deno.test("isWellFormed() refuses what is misdirected or has no term", () => {
  for (const message of GOOD) {
    assert.equal(isWellFormed(message, "n3"), false);
    assert.equal(isWellFormed({ ...message, from: "n1" }, "n1"), false);
    for (const term of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
      assert.equal(isWellFormed({ ...message, term }, "n1"), false);
    }
  }
});

Deno.test("isWellFormed() refuses numbers that contradict each other", () => {
  const bad: readonly Message[] = [
    { ...envelope, kind: "append", previous: { index: 1, term: 6 }, commit: 0, entries: [] },
    { ...envelope, kind: "append", previous: { index: -1, term: 1 }, commit: 0, entries: [] },
    { ...envelope, kind: "append", previous: { index: 1, term: NaN }, commit: 0, entries: [] },
    { ...envelope, kind: "append", previous: { index: 1, term: 1 }, commit: 0.5, entries: [] },
    { ...envelope, kind: "accepted", matched: -1 },
    { ...envelope, kind: "rejected", previous: 4, hint: { index: 5, term: 2 } },
    { ...envelope, kind: "heartbeat", commit: NaN, round: 0 },
    { ...envelope, kind: "install", snapshot: { ...snapshot, position: { index: 0, term: 0 } } },
    { ...envelope, kind: "install", snapshot: { ...snapshot, position: { index: 3, term: 6 } } },
  ];
  for (const message of bad) assert.equal(isWellFormed(message, "n1"), false, message.kind);
});

Deno.test("isWellFormed() accepts exactly the entries that continue each other", () => {
  const entryArbitrary = fc.record({ index: fc.nat(4), term: fc.nat(6) });
  const property = fc.property(
    entryArbitrary,
    fc.array(entryArbitrary, { maxLength: 3 }),
    fc.boolean(),
    (previous, drawn, isContiguous) => {
      const entries = drawn.map(({ index, term }, i): Entry => ({
        index: isContiguous ? previous.index + 1 + i : index,
        term,
        kind: "command",
        payload: EMPTY,
      }));
      const message: Append = { ...envelope, kind: "append", previous, commit: 0, entries };
      const all = [previous, ...entries];
      const isGood = all.every(({ index, term }, i) =>
        index === previous.index + i && term <= 5 && (i === 0 || term >= all[i - 1]!.term)
      );
      assert.equal(isWellFormed(message, "n1"), isGood);
    },
  );
  fc.assert(property, { numRuns: 2_000 });
});
