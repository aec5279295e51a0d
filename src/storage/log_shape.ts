/**
 * What the log looks like after a sequence of records, without the entries themselves: the one
 * set of rules that the writer follows and recovery repeats, so that they cannot disagree.
 */

import { assert, err, ok, type Result } from "../base/mod.ts";
import type { HardState, Index, Position, SnapshotRef, Term } from "../raft/mod.ts";
import type { LogRecord } from "./records.ts";

/** The state in which a segment begins. */
export type Checkpoint = {
  readonly hard: HardState;
  readonly mark: SnapshotRef;
  /** The last entry of the log, or the mark's position when no entry follows the mark. */
  readonly last: Position;
};

/** Entries from `from` on have this term, up to the next run. */
type TermRun = { readonly from: Index; readonly term: Term };

export class LogShape {
  #hard: HardState;
  #mark: SnapshotRef;
  /** Entries up to this index are not in the records seen: they stand in retired segments. */
  #startIndex: Index;
  #startTerm: Term | undefined;
  #lastIndex: Index;
  #runs: TermRun[] = [];

  constructor(checkpoint: Checkpoint) {
    this.#hard = checkpoint.hard;
    this.#mark = checkpoint.mark;
    this.#startIndex = this.#lastIndex = checkpoint.last.index;
    this.#startTerm = checkpoint.last.term;
  }

  get startIndex(): Index {
    return this.#startIndex;
  }

  get lastIndex(): Index {
    return this.#lastIndex;
  }

  get checkpoint(): Checkpoint {
    const term = this.#termAt(this.#lastIndex);
    assert(term !== undefined, `the term at the end of the log, ${this.#lastIndex}, is known`);
    const last = { index: this.#lastIndex, term };
    return { hard: this.#hard, mark: this.#mark, last };
  }

  get hard(): HardState {
    return this.#hard;
  }

  get mark(): SnapshotRef {
    return this.#mark;
  }

  /** Takes the record into account, or says why no correct writer can have written it (W8). */
  apply(record: LogRecord): Result<void, string> {
    switch (record.kind) {
      case "hard":
        return this.#setHard(record.hard);
      case "truncate":
        return this.#truncate(record.from);
      case "mark":
        return this.#setMark(record.mark);
      case "entry":
        return this.#append(record.entry);
    }
  }

  /** A segment repeats the state it begins in. Only its mark may differ: recovery falls back. */
  resume(checkpoint: Checkpoint): Result<void, string> {
    const { hard, last } = checkpoint;
    const before = this.#hard;
    if (hard.term !== before.term || hard.vote !== before.vote) {
      return err(`the hard state is of term ${hard.term}, expected ${before.term}`);
    }
    const term = this.#termAt(this.#lastIndex) ?? last.term;
    if (last.index !== this.#lastIndex || last.term !== term) {
      return err(`it continues a log that ends at ${last.index}, expected ${this.#lastIndex}`);
    }
    if (checkpoint.mark.position.index > this.#mark.position.index) {
      return err(`its snapshot mark ${checkpoint.mark.position.index} was never set`);
    }
    this.#mark = checkpoint.mark;
    return ok();
  }

  #setHard(hard: HardState): Result<void, string> {
    const { term, vote } = this.#hard;
    if (hard.term < term) return err(`term ${hard.term} follows term ${term}`);
    if (hard.term === term && vote !== null && hard.vote !== vote) {
      return err(`a second vote in term ${term}`);
    }
    this.#hard = hard;
    return ok();
  }

  #truncate(from: Index): Result<void, string> {
    if (from <= this.#mark.position.index) {
      return err(`truncation from ${from} reaches the snapshot at ${this.#mark.position.index}`);
    }
    if (from > this.#lastIndex + 1) {
      return err(`truncation from ${from} of a log that ends at ${this.#lastIndex}`);
    }
    if (from <= this.#startIndex) this.#restart(from - 1, undefined);
    while ((this.#runs.at(-1)?.from ?? 0) >= from) this.#runs.pop();
    this.#lastIndex = from - 1;
    return ok();
  }

  /**
   * The log now starts after the mark. What follows the mark stays if the log holds its position;
   * a log that is shorter or has another term there is not the one that the snapshot continues.
   */
  #setMark(mark: SnapshotRef): Result<void, string> {
    const { index, term } = mark.position;
    if (index < this.#mark.position.index) {
      return err(`snapshot mark ${index} follows mark ${this.#mark.position.index}`);
    }
    const known = this.#termAt(index);
    this.#mark = mark;
    if (index > this.#lastIndex || (known !== undefined && known !== term)) {
      this.#restart(index, term);
    }
    return ok();
  }

  #append(entry: { index: Index; term: Term }): Result<void, string> {
    const { index, term } = entry;
    if (index <= this.#mark.position.index) return ok(); // superseded by the snapshot
    if (index !== this.#lastIndex + 1) return err(`entry ${index} follows ${this.#lastIndex}`);
    const before = this.#termAt(this.#lastIndex);
    if (before !== undefined && term < before) return err(`term ${term} follows term ${before}`);
    if (this.#runs.at(-1)?.term !== term) this.#runs.push({ from: index, term });
    this.#lastIndex = index;
    return ok();
  }

  #restart(index: Index, term: Term | undefined): void {
    this.#startIndex = this.#lastIndex = index;
    this.#startTerm = term;
    this.#runs = [];
  }

  /** Undefined when the records seen do not tell. */
  #termAt(index: Index): Term | undefined {
    for (let i = this.#runs.length - 1; i >= 0; i--) {
      const run = this.#runs[i] as TermRun;
      if (run.from <= index) return index <= this.#lastIndex ? run.term : undefined;
    }
    if (index === this.#startIndex && this.#startTerm !== undefined) return this.#startTerm;
    return index === this.#mark.position.index ? this.#mark.position.term : undefined;
  }
}
