/**
 * The log in memory: all entries since `base`, and how far they have got on their way to disk.
 *
 * Invariants:
 * - R1 entries are contiguous, their terms never decrease, and none is at or below `base`.
 * - R2 base ≤ stable ≤ written ≤ last: nothing is durable that was not handed to storage.
 * - R3 a completed write counts only for entries that it carried and that were not truncated since
 *   (an old acknowledgement must not vouch for an entry re-appended at the same position).
 */

import { invariant } from "../base/mod.ts";
import { Entries } from "./entries.ts";
import type { Entry, Index, Position, Term, WriteId } from "./types.ts";

/** A write on its way to disk; `last` shrinks when a truncation takes entries out from under it. */
type Pending = { readonly id: WriteId; last: Index };

/** Roughly what an entry costs on the wire and in memory beside its payload, in bytes. */
const ENTRY_OVERHEAD_BYTES = 32;

export function entryBytes(entry: Entry): number {
  return entry.payload.length + ENTRY_OVERHEAD_BYTES;
}

export class Log {
  #base: Position;
  #last: Position;
  #entries: Entries;
  #written: Index;
  #stable: Index;
  #pending: Pending[] = [];
  /** Lowest index cut off since the last `takeUnwritten`, when storage had been given it. */
  #truncatedFrom: Index | undefined;

  /** `entries` were read from disk, so they are stable. */
  constructor(base: Position, entries: readonly Entry[]) {
    this.#base = this.#last = base;
    this.#entries = new Entries(base.index + 1);
    for (const entry of entries) this.append(entry);
    this.#written = this.#stable = this.#last.index;
  }

  get base(): Position {
    return this.#base;
  }

  /** The first index that this log still holds (or will hold next). */
  get first(): Index {
    return this.#base.index + 1;
  }

  get last(): Position {
    return this.#last;
  }

  /** Everything up to here is on this node's disk. */
  get stable(): Index {
    return this.#stable;
  }

  /** The term at `index`, or undefined when the log does not reach or no longer holds it. */
  term(index: Index): Term | undefined {
    if (index === this.#base.index) return this.#base.term;
    return this.#holds(index) ? this.#entries.term(index) : undefined;
  }

  matches(position: Position): boolean {
    return this.term(position.index) === position.term;
  }

  /** Whether a log ending at `other` is at least as up to date as this one (§3.6.1). */
  notAheadOf(other: Position): boolean {
    const last = this.#last;
    return other.term > last.term || (other.term === last.term && other.index >= last.index);
  }

  entry(index: Index): Entry {
    invariant("R1", this.#holds(index), () => `no entry ${index} in ${this.describe()}`);
    return this.#entries.at(index);
  }

  /** Entries `from` to `to` inclusive, ending early at `bytesMax` but never before one entry. */
  slice(from: Index, to: Index, countMax: number, bytesMax: number): Entry[] {
    const entries: Entry[] = [];
    let bytes = 0;
    const end = Math.min(to, this.#last.index);
    for (let index = from; index <= end && entries.length < countMax; index++) {
      const entry = this.entry(index);
      bytes += entryBytes(entry);
      if (entries.length > 0 && bytes > bytesMax) break;
      entries.push(entry);
    }
    return entries;
  }

  append(entry: Entry): void {
    const last = this.#last;
    invariant(
      "R1",
      entry.index === last.index + 1 && entry.term >= last.term,
      () => `appending ${entry.index}@${entry.term} after ${last.index}@${last.term}`,
    );
    this.#entries.push(entry);
    this.#last = { index: entry.index, term: entry.term };
  }

  /** Drops the entries from `index` on. */
  truncate(index: Index): void {
    invariant(
      "R1",
      this.#holds(index),
      () => `truncating from ${index} in ${this.describe()}`,
    );
    this.#entries.truncate(index);
    const term = this.term(index - 1) as Term; // of the base, or of an entry that stayed
    this.#last = { index: index - 1, term };
    if (index <= this.#written) {
      this.#truncatedFrom = Math.min(index, this.#truncatedFrom ?? index);
      this.#written = index - 1;
      this.#stable = Math.min(this.#stable, index - 1);
      for (const write of this.#pending) write.last = Math.min(write.last, index - 1);
    }
  }

  /** Forgets entries up to `index`, which a durable snapshot covers. */
  compact(index: Index): void {
    const term = this.term(index);
    invariant("R1", term !== undefined, () => `compacting to ${index} in ${this.describe()}`);
    this.#entries.forgetBefore(index + 1);
    this.#base = { index, term };
    this.#written = Math.max(this.#written, index);
    this.#stable = Math.max(this.#stable, index);
  }

  /**
   * Starts over after `position`, whose snapshot is durable; all entries here contradict it.
   * Storage holds only those behind `mark`, the snapshot before, so only they are cut off there.
   */
  reset(position: Position, mark: Index): void {
    if (this.#written > mark) this.#truncatedFrom = mark + 1;
    this.#entries = new Entries(position.index + 1);
    this.#base = this.#last = position;
    this.#written = this.#stable = position.index;
    for (const write of this.#pending) write.last = 0;
  }

  /** What storage has not been given yet. */
  get hasUnwritten(): boolean {
    return this.#written < this.#last.index || this.#truncatedFrom !== undefined;
  }

  /** Hands the unwritten part over as write `id`, whose completion `stored` will be told. */
  takeUnwritten(id: WriteId): { truncateFrom?: Index; entries: readonly Entry[] } {
    invariant(
      "R3",
      id > (this.#pending.at(-1)?.id ?? 0),
      () => `write ${id} after ${this.#pending.at(-1)?.id}`,
    );
    const truncateFrom = this.#truncatedFrom;
    const entries = this.slice(this.#written + 1, this.#last.index, Infinity, Infinity);
    this.#truncatedFrom = undefined;
    this.#written = this.#last.index;
    this.#pending.push({ id, last: this.#written });
    return truncateFrom === undefined ? { entries } : { truncateFrom, entries };
  }

  get writesPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Write `id`, and all before it, are durable. */
  stored(id: WriteId): void {
    while (this.#pending.length > 0 && (this.#pending[0] as Pending).id <= id) {
      const write = this.#pending.shift() as Pending;
      this.#stable = Math.max(this.#stable, write.last);
    }
    invariant("R2", this.#stable <= this.#written, () => this.describe());
  }

  #holds(index: Index): boolean {
    return index > this.#base.index && index <= this.#last.index;
  }

  describe(): string {
    const { index, term } = this.#last;
    return `log (${this.#base.index}@${this.#base.term}, ${index}@${term}], ` +
      `stable ${this.#stable}, written ${this.#written}`;
  }
}
