/**
 * A disk as the core sees it: what the replay of all completed writes gives, in the order that
 * `Write` documents. It also checks what storage may rely on: entries without a gap, no truncation
 * that reaches the snapshot mark or entries that were never written.
 */

import { assert } from "../../../src/base/mod.ts";
import {
  type Entry,
  type HardState,
  type Index,
  type Membership,
  ORIGIN,
  type Position,
  type Recovered,
  type SnapshotRef,
  type Term,
  type Write,
} from "../../../src/raft/mod.ts";

export class Disk {
  hard: HardState = { term: 0, vote: null, commit: 0 };
  snapshot: SnapshotRef;
  entries: Entry[] = [];

  constructor(membership: Membership) {
    this.snapshot = { position: ORIGIN, membership };
  }

  get last(): Position {
    return this.entries.at(-1) ?? this.snapshot.position;
  }

  term(index: Index): Term | undefined {
    const { position } = this.snapshot;
    if (index === position.index) return position.term;
    return this.entries[index - position.index - 1]?.term;
  }

  /** Whether the entry at `position` is here, or was when the snapshot was taken. */
  holds(position: Position): boolean {
    if (position.index < this.snapshot.position.index) return true;
    return this.term(position.index) === position.term;
  }

  apply(write: Write): void {
    if (write.hard) {
      assert(write.hard.term >= this.hard.term, "the stored term never decreases");
      this.hard = write.hard;
    }
    if (write.truncateFrom !== undefined) this.truncate(write.truncateFrom);
    if (write.snapshot) this.#mark(write.snapshot);
    for (const entry of write.entries) this.#append(entry);
  }

  truncate(index: Index): void {
    const { position } = this.snapshot;
    assert(index > position.index, `truncation from ${index} spares the mark ${position.index}`);
    assert(index <= this.last.index, `truncation from ${index} hits entries`);
    this.entries.length = index - position.index - 1;
  }

  copy(): Disk {
    const copy = new Disk(this.snapshot.membership);
    copy.hard = this.hard;
    copy.snapshot = this.snapshot;
    copy.entries = [...this.entries];
    return copy;
  }

  recovered(): Recovered {
    return { hard: this.hard, snapshot: this.snapshot, entries: [...this.entries] };
  }

  #mark(snapshot: SnapshotRef): void {
    const { position } = snapshot;
    const before = this.snapshot.position.index;
    assert(position.index > before, `mark ${position.index} follows mark ${before}`);
    const known = this.term(position.index);
    assert(known === undefined || known === position.term, "no mark contradicts the log before it");
    this.entries = this.entries.filter(({ index }) => index > position.index);
    this.snapshot = snapshot;
  }

  #append(entry: Entry): void {
    if (entry.index <= this.snapshot.position.index) return;
    assert(
      entry.index === this.last.index + 1 && entry.term >= this.last.term,
      `entry ${entry.index}@${entry.term} follows ${this.last.index}@${this.last.term}`,
    );
    this.entries.push(entry);
  }
}
