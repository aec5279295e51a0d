/**
 * Rebuilds the log from its records, by the same rules by which it was written. Entries at and
 * below the mark are kept until the end: a damaged snapshot may have to be replaced by an older
 * one and the entries behind that.
 */

import { ok, type Result } from "../base/mod.ts";
import type { Entry, Index, Position } from "../raft/mod.ts";
import { type Checkpoint, LogShape } from "./log_shape.ts";
import { type LogRecord, readRecords } from "./records.ts";

export class Replay {
  readonly shape: LogShape;
  /** Where the oldest segment begins. */
  readonly oldest: Checkpoint;
  /** Contiguous, beginning right behind `#startIndex`; payloads are views of the segments. */
  #entries: Entry[] = [];
  #startIndex: Index;
  /** The largest index among the entries of the segment being read, 0 for none. */
  #segmentIndexMax: Index = 0;

  /** Begins where the oldest segment begins. */
  constructor(checkpoint: Checkpoint) {
    this.oldest = checkpoint;
    this.shape = new LogShape(checkpoint);
    this.#startIndex = this.shape.startIndex;
  }

  /** All records of a frame, or why they cannot be. */
  read(payload: Uint8Array): Result<void, string> {
    return readRecords(payload, (record) => this.#apply(record));
  }

  takeSegmentIndexMax(): Index {
    const max = this.#segmentIndexMax;
    this.#segmentIndexMax = 0;
    return max;
  }

  /** Whether every entry between `index` and the end of the log is here. */
  reaches(index: Index): boolean {
    return this.#startIndex <= index;
  }

  holds(position: Position): boolean {
    if (position.index === 0) return this.reaches(0);
    return this.#entries[position.index - this.#startIndex - 1]?.term === position.term;
  }

  entriesAfter(index: Index): Entry[] {
    return this.#entries.slice(Math.max(0, index - this.#startIndex));
  }

  #apply(record: LogRecord): Result<void, string> {
    const applied = this.shape.apply(record);
    if (!applied.ok) return applied;
    if (record.kind === "entry") this.#keep(record.entry);
    else this.#follow();
    return ok();
  }

  #keep(entry: Entry): void {
    this.#segmentIndexMax = Math.max(this.#segmentIndexMax, entry.index);
    if (entry.index <= this.shape.mark.position.index) return; // superseded by the snapshot
    this.#entries.push(entry);
  }

  /** Cuts the entries as a truncation or a mark has cut the shape of the log. */
  #follow(): void {
    const { startIndex, lastIndex } = this.shape;
    if (startIndex !== this.#startIndex) {
      this.#startIndex = startIndex;
      this.#entries = [];
    }
    this.#entries.length = Math.min(this.#entries.length, lastIndex - startIndex);
  }
}
