/**
 * Linearizable reads waiting for their turn: first for a read index from the leader, then for this
 * node to have applied that much.
 *
 * Invariant N3: a read is released only after its own ticket was granted and the granted index was
 * applied.
 */

import { err, Histogram, limits, ok, type Result } from "../base/mod.ts";
import type { Index, NodeId, ReadGrant, ReadTicket } from "../raft/mod.ts";
import { failures } from "./submission.ts";
import type { Failure } from "./types.ts";

type Reader = {
  readonly deadlineAt: number;
  readonly settle: (result: Result<void, Failure>) => void;
};

/** All reads that joined the same batch. */
type Batch = { readonly ticket: ReadTicket; index: Index | null; readers: Reader[] };

export class Reads {
  /** In the order of their tickets. Granted indexes never decrease along it. */
  #batches: Batch[] = [];
  #count = 0;
  /** Reads in each batch that was released. */
  readonly batchReads = Histogram.ofBatches();

  get count(): number {
    return this.#count;
  }

  /** Waits for `ticket`. Never rejects. */
  wait(ticket: ReadTicket, deadlineAt: number): Promise<Result<void, Failure>> {
    if (this.#count >= limits.readsWaitingMax) {
      return Promise.resolve(err(failures.overloaded("reads", null)));
    }
    let batch = this.#batches.at(-1);
    if (batch?.ticket !== ticket) {
      batch = { ticket, index: null, readers: [] };
      this.#batches.push(batch);
    }
    this.#count++;
    const readers = batch.readers;
    return new Promise((settle) => readers.push({ deadlineAt, settle }));
  }

  granted({ through, index }: ReadGrant): void {
    for (const batch of this.#batches) {
      if (batch.ticket <= through) batch.index ??= index;
    }
  }

  /** Releases every batch whose index this node has applied. */
  applied(index: Index): void {
    while (this.#batches.length > 0) {
      const batch = this.#batches[0] as Batch;
      if (batch.index === null || batch.index > index) return;
      this.#batches.shift();
      this.#count -= batch.readers.length;
      this.batchReads.observe(batch.readers.length);
      for (const reader of batch.readers) reader.settle(ok());
    }
  }

  /** `trouble` says why this node knows no leader, if it can tell. */
  expire(nowMs: number, leader: NodeId | null, trouble: string | null): void {
    const failure = leader === null
      ? failures.noLeader(null, trouble)
      : failures.readTimedOut(leader);
    for (const batch of this.#batches) {
      const late = batch.readers.filter((reader) => reader.deadlineAt <= nowMs);
      if (late.length === 0) continue;
      batch.readers = batch.readers.filter((reader) => reader.deadlineAt > nowMs);
      this.#count -= late.length;
      for (const reader of late) reader.settle(err(failure));
    }
  }

  failAll(failure: Failure): void {
    const batches = this.#batches;
    this.#batches = [];
    this.#count = 0;
    for (const batch of batches) for (const reader of batch.readers) reader.settle(err(failure));
  }
}
