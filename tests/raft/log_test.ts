import assert from "node:assert/strict";
import fc from "fast-check";
import { EMPTY } from "../../src/base/mod.ts";
import { Log } from "../../src/raft/log.ts";
import { type Entry, type Index, ORIGIN, type Position, type Term } from "../../src/raft/mod.ts";
import { Disk } from "./explore/disk.ts";

const NOBODY = { voters: [], learners: [] };

function entryAt(index: Index, term: Term): Entry {
  return { index, term, kind: "command", payload: EMPTY };
}

/** A log beside a plain array of the same entries, and the disk that it hands its writes to. */
class Model {
  readonly log = new Log(ORIGIN, []);
  readonly disk = new Disk({
    hard: { term: 0, vote: null, commit: 0 },
    snapshot: { position: ORIGIN, membership: NOBODY },
    entries: [],
  });
  entries: Entry[] = [];
  base: Position = ORIGIN;
  /** The snapshot: what it covers is never truncated. */
  mark: Position = ORIGIN;
  #isMarkNew = false;
  #term = 1;
  #writeId = 0;

  get last(): Position {
    return this.entries.at(-1) ?? this.base;
  }

  append(count: number): void {
    for (let i = 0; i < count; i++) {
      const entry = entryAt(this.last.index + 1, this.#term);
      this.entries.push(entry);
      this.log.append(entry);
    }
  }

  /** What is appended afterwards has another term, as it does when leaders change. */
  truncate(count: number): void {
    const index = Math.max(this.mark.index + 1, this.last.index - count + 1);
    if (index > this.last.index) return;
    this.#term++;
    this.entries = this.entries.filter((entry) => entry.index < index);
    this.log.truncate(index);
  }

  take(): void {
    const id = ++this.#writeId;
    const write = { id, ...this.log.takeUnwritten(id), thenSend: [] };
    const snapshot = this.#isMarkNew ? { position: this.mark, membership: NOBODY } : undefined;
    this.#isMarkNew = false;
    this.disk.submit({ ...write, ...(snapshot && { snapshot }) });
    assert.equal(this.log.hasUnwritten, false);
    const wanted = this.entries.filter(({ index }) => index > this.mark.index);
    assert.deepEqual(this.disk.full.entries, wanted, "the disk will hold what memory holds");
  }

  complete(): void {
    if (this.disk.pending.length > 0) this.log.stored(this.disk.complete().id);
  }

  /** A snapshot of a part of what is in the log; some entries below it stay. */
  compact(count: number, tail: number): void {
    const index = Math.min(this.mark.index + count, this.last.index);
    if (index <= this.mark.index) return;
    this.#setMark({ index, term: this.log.term(index)! });
    const base = Math.max(this.base.index, index - tail);
    this.base = { index: base, term: this.log.term(base)! };
    this.entries = this.entries.filter((entry) => entry.index > base);
    this.log.compact(base);
  }

  /** A snapshot that contradicts the log. */
  reset(count: number): void {
    const position = { index: this.mark.index + count, term: ++this.#term };
    this.log.reset(position, this.mark.index);
    this.#setMark(position);
    this.base = position;
    this.entries = [];
  }

  #setMark(position: Position): void {
    this.mark = position;
    this.#isMarkNew = true;
  }

  check(): void {
    const { log } = this;
    assert.deepEqual(
      [log.base, log.first, { index: log.last.index, term: log.last.term }],
      [this.base, this.base.index + 1, { index: this.last.index, term: this.last.term }],
    );
    for (let index = this.base.index - 1; index <= this.last.index + 1; index++) {
      const entry = this.entries.find((one) => one.index === index);
      const term = index === this.base.index ? this.base.term : entry?.term;
      assert.equal(log.term(index), term);
      assert.equal(term !== undefined && log.matches({ index, term }), term !== undefined);
    }
    assert.deepEqual(log.slice(log.first, log.last.index, 1_000, 1e9), this.entries);
    // R3: what counts as stable is on the disk, as the entry that it is now, or in the snapshot.
    assert.ok(log.stable <= log.last.index);
    const term = log.term(log.stable);
    assert.ok(
      log.stable <= this.mark.index || this.disk.durable.term(log.stable) === term,
      `${log.describe()} counts ${log.stable}@${term}, the disk ends at ` +
        `${this.disk.durable.last.index}@${this.disk.durable.last.term}`,
    );
  }
}

const stepArbitrary = fc.record({
  kind: fc.constantFrom(
    "append",
    "append",
    "truncate",
    "take",
    "take",
    "complete",
    "compact",
    "reset",
  ),
  count: fc.integer({ min: 1, max: 6 }),
  tail: fc.nat(3),
});

Deno.test("R1 R2 R3 Log agrees with an array, and with the disk that replays its writes", () => {
  const property = fc.property(fc.array(stepArbitrary, { maxLength: 60 }), (steps) => {
    const model = new Model();
    for (const { kind, count, tail } of steps) {
      if (kind === "append") model.append(count);
      else if (kind === "truncate") model.truncate(count);
      else if (kind === "take") model.take();
      else if (kind === "complete") model.complete();
      else if (kind === "compact") model.compact(count, tail);
      else if (count <= 2) model.reset(count + tail);
      model.check();
    }
    model.take();
    while (model.disk.pending.length > 0) model.complete();
    model.check();
    assert.equal(model.log.stable, model.log.last.index, "all is stable once all is written");
  });
  fc.assert(property, { numRuns: 3_000 });
});

Deno.test("R3 a late completion does not vouch for an entry re-appended at its position", () => {
  const log = new Log(ORIGIN, []);
  log.append(entryAt(1, 1));
  log.append(entryAt(2, 1));
  log.takeUnwritten(1);
  log.truncate(2);
  log.append(entryAt(2, 2));
  const { truncateFrom, entries } = log.takeUnwritten(2);
  assert.equal(truncateFrom, 2);
  assert.deepEqual(entries, [entryAt(2, 2)]);
  log.stored(1);
  assert.equal(log.stable, 1);
  log.stored(2);
  assert.equal(log.stable, 2);
});

Deno.test("R3 a write from before a snapshot does not vouch for entries after it", () => {
  const log = new Log(ORIGIN, []);
  for (let index = 1; index <= 9; index++) log.append(entryAt(index, 1));
  log.takeUnwritten(1);
  log.reset({ index: 5, term: 2 }, 0);
  for (let index = 6; index <= 9; index++) log.append(entryAt(index, 2));
  assert.equal(log.takeUnwritten(2).truncateFrom, 1);
  log.stored(1);
  assert.equal(log.stable, 5);
});

Deno.test("Log.slice() respects its bounds, but never returns nothing where there is something", () => {
  const log = new Log(ORIGIN, []);
  for (let index = 1; index <= 9; index++) log.append(entryAt(index, 1));
  const indexes = (entries: Entry[]): number[] => entries.map(({ index }) => index);
  assert.deepEqual(indexes(log.slice(3, 9, 2, 1e9)), [3, 4]);
  assert.deepEqual(indexes(log.slice(3, 4, 9, 1e9)), [3, 4]);
  assert.deepEqual(indexes(log.slice(3, 9, 9, 0)), [3]);
  assert.deepEqual(indexes(log.slice(3, 9, 9, 3 * 32)), [3, 4, 5]);
  assert.deepEqual(log.slice(10, 12, 9, 1e9), []);
});

Deno.test("R1 Log refuses gaps, terms that decrease, and truncation outside of it", () => {
  const log = new Log({ index: 3, term: 2 }, [entryAt(4, 2)]);
  assert.throws(() => log.append(entryAt(6, 2)), /R1/);
  assert.throws(() => log.append(entryAt(5, 1)), /R1/);
  assert.throws(() => log.truncate(3), /R1/);
  assert.throws(() => log.truncate(5), /R1/);
  assert.throws(() => log.compact(5), /R1/);
  assert.throws(() => log.entry(3), /R1/);
});

Deno.test("Log.notAheadOf() compares the last term before the length", () => {
  const log = new Log(ORIGIN, [entryAt(1, 1), entryAt(2, 3)]);
  assert.equal(log.notAheadOf({ index: 2, term: 3 }), true);
  assert.equal(log.notAheadOf({ index: 1, term: 4 }), true);
  assert.equal(log.notAheadOf({ index: 1, term: 3 }), false);
  assert.equal(log.notAheadOf({ index: 9, term: 2 }), false);
});
