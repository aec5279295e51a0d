/**
 * Takes a snapshot in from the leader, chunk by chunk, and hands the leader's install message to
 * Raft once the file is verified and durable. One at a time: the newest transfer wins.
 */

import type { Log } from "../base/mod.ts";
import type { Install, NodeId } from "../raft/mod.ts";
import type { SnapshotAck, SnapshotChunk } from "../peers/mod.ts";
import { describeStorageError, type SnapshotReceiver, type SnapshotStore } from "../storage/mod.ts";

type Transfer = {
  readonly from: NodeId;
  readonly attempt: number;
  readonly receiver: SnapshotReceiver;
  finishing: boolean;
};

export type SnapshotIntakeOptions = {
  readonly self: NodeId;
  readonly log: Log;
  readonly store: SnapshotStore;
  readonly send: (to: NodeId, ack: SnapshotAck) => void;
  /** This node's term and commit index: what is older is not worth receiving. */
  readonly standing: () => { readonly term: number; readonly commit: number };
  readonly deliver: (install: Install) => void;
};

export class SnapshotIntake {
  readonly #options: SnapshotIntakeOptions;
  #transfer: Transfer | null = null;
  #received = 0;

  constructor(options: SnapshotIntakeOptions) {
    this.#options = options;
  }

  /** Snapshots taken in since the start. */
  get received(): number {
    return this.#received;
  }

  onChunk(from: NodeId, chunk: SnapshotChunk): void {
    const { term, commit } = this.#options.standing();
    if (chunk.term < term) return;
    if (chunk.snapshot.position.index <= commit) {
      // Nothing new in it: Raft answers the leader with how far this node is.
      this.#ack(from, chunk, { done: true, offset: chunk.sizeBytes });
      return this.#deliver(from, chunk);
    }
    const transfer = this.#transferFor(from, chunk);
    if (transfer === null || transfer.finishing) return;
    const { receiver } = transfer;
    if (chunk.offset === receiver.offset) {
      const written = receiver.write(chunk.offset, chunk.bytes);
      if (!written.ok) return this.#refuse(from, chunk, describeStorageError(written.error));
    }
    if (receiver.offset === chunk.sizeBytes) void this.#finish(from, chunk, transfer);
    else this.#ack(from, chunk, { done: false, offset: receiver.offset });
  }

  /** Keeps what has arrived; a new transfer of the same snapshot continues there. */
  suspend(): void {
    if (this.#transfer && !this.#transfer.finishing) this.#transfer.receiver.suspend();
    this.#transfer = null;
  }

  #transferFor(from: NodeId, chunk: SnapshotChunk): Transfer | null {
    const current = this.#transfer;
    if (current?.from === from && current.attempt === chunk.attempt) return current;
    if (current?.finishing) return null; // its file is being verified; the sender will ask again
    this.suspend();
    const receiver = this.#options.store.receive(chunk.snapshot, chunk.sizeBytes);
    if (!receiver.ok) {
      this.#refuse(from, chunk, describeStorageError(receiver.error));
      return null;
    }
    this.#transfer = { from, attempt: chunk.attempt, receiver: receiver.value, finishing: false };
    return this.#transfer;
  }

  async #finish(from: NodeId, chunk: SnapshotChunk, transfer: Transfer): Promise<void> {
    transfer.finishing = true;
    const finished = await transfer.receiver.finish();
    if (this.#transfer === transfer) this.#transfer = null;
    if (!finished.ok) return this.#refuse(from, chunk, describeStorageError(finished.error));
    this.#received++;
    this.#options.log.info("snapshot received", { from, index: chunk.snapshot.position.index });
    this.#ack(from, chunk, { done: true, offset: chunk.sizeBytes });
    this.#deliver(from, chunk);
  }

  #deliver(from: NodeId, { term, snapshot }: SnapshotChunk): void {
    this.#options.deliver({ kind: "install", from, to: this.#options.self, term, snapshot });
  }

  #refuse(from: NodeId, chunk: SnapshotChunk, reason: string): void {
    this.suspend();
    this.#options.log.warn("snapshot not taken in", { from, reason });
    this.#ack(from, chunk, { done: false, offset: 0, refused: reason });
  }

  #ack(
    to: NodeId,
    chunk: SnapshotChunk,
    answer: { done: boolean; offset: number; refused?: string },
  ): void {
    this.#options.send(to, {
      kind: "snapshotAck",
      term: chunk.term,
      position: chunk.snapshot.position,
      attempt: chunk.attempt,
      ...answer,
    });
  }
}
