/**
 * A disk as the core sees it: writes complete late and in order, a crash loses the incomplete ones,
 * and what recovery finds is the completed writes replayed in the order documented on `Write`.
 */

import type {
  Entry,
  HardState,
  Index,
  Membership,
  Position,
  Recovered,
  Term,
  Write,
} from "../../../src/raft/mod.ts";
import { decodeMembership } from "../../../src/raft/mod.ts";

/** What replaying writes yields. */
export class Replay {
  hard: HardState;
  snapshot: { readonly position: Position; readonly membership: Membership };
  entries: Entry[];

  constructor(recovered: Recovered) {
    this.hard = recovered.hard;
    this.snapshot = recovered.snapshot;
    this.entries = [...recovered.entries];
  }

  apply(write: Write): void {
    if (write.hard) this.hard = write.hard;
    if (write.truncateFrom !== undefined) this.#keep((entry) => entry.index < write.truncateFrom!);
    if (write.snapshot) {
      this.snapshot = write.snapshot;
      const mark = write.snapshot.position.index;
      if (this.entries.length > 0 && this.entries[0]!.index <= mark) {
        this.#keep((entry) => entry.index > mark);
      }
    }
    for (const entry of write.entries) {
      if (entry.index <= this.snapshot.position.index) continue;
      if (entry.index !== this.last.index + 1) {
        throw new Error(`storage was given entry ${entry.index} after ${this.last.index}`);
      }
      this.entries.push(entry);
    }
  }

  get last(): Position {
    return this.entries.at(-1) ?? this.snapshot.position;
  }

  entry(index: Index): Entry | undefined {
    return this.entries[index - this.snapshot.position.index - 1];
  }

  term(index: Index): Term | undefined {
    const { position } = this.snapshot;
    return index === position.index ? position.term : this.entry(index)?.term;
  }

  /** Whether the entry is there, or in the snapshot. */
  holds(index: Index, term: Term): boolean {
    return index <= this.snapshot.position.index || this.term(index) === term;
  }

  /** The membership in force at the end of the log. */
  get membership(): Membership {
    const entry = this.entries.findLast(({ kind }) => kind === "membership");
    return entry === undefined ? this.snapshot.membership : membershipIn(entry);
  }

  recovered(): Recovered {
    return { hard: this.hard, snapshot: this.snapshot, entries: [...this.entries] };
  }

  #keep(wanted: (entry: Entry) => boolean): void {
    this.entries = this.entries.filter(wanted);
  }
}

export class Disk {
  /** What a crash leaves. */
  durable: Replay;
  /** What will be durable once all writes have completed: the log in memory must equal it. */
  full: Replay;
  readonly pending: Write[] = [];

  constructor(recovered: Recovered) {
    this.durable = new Replay(recovered);
    this.full = new Replay(recovered);
  }

  submit(write: Write): void {
    this.pending.push(write);
    this.full.apply(write);
  }

  /** The oldest write completes. */
  complete(): Write {
    const write = this.pending.shift() as Write;
    this.durable.apply(write);
    return write;
  }

  crash(): Recovered {
    this.pending.length = 0;
    const recovered = this.durable.recovered();
    this.full = new Replay(recovered);
    return recovered;
  }
}

export function membershipIn(entry: Entry): Membership {
  const decoded = decodeMembership(entry.payload);
  if (!decoded.ok) throw new Error(decoded.error);
  return decoded.value;
}
