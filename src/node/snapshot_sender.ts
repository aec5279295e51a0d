/**
 * Brings snapshots to followers that are too far behind for the log: chunk after chunk over the
 * ordinary links, each acknowledged, continued where the receiver says.
 */

import { type Clock, limits, type Log } from "../base/mod.ts";
import type { Install, NodeId } from "../raft/mod.ts";
import type { SnapshotAck, SnapshotChunk } from "../peers/mod.ts";
import { describeStorageError, type SnapshotReader, type SnapshotStore } from "../storage/mod.ts";

type Transfer = {
  readonly attempt: number;
  readonly install: Install;
  readonly reader: SnapshotReader;
  /** What the receiver has, and what was sent. */
  acknowledged: number;
  sent: number;
  heardAt: number;
};

export type SnapshotSenderOptions = {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: SnapshotStore;
  readonly send: (to: NodeId, chunk: SnapshotChunk) => boolean;
  /** The follower did not get it: Raft finds out afresh what it needs. */
  readonly onFailure: (to: NodeId) => void;
  /** Without any acknowledgement for this long, a transfer has failed. */
  readonly patienceMs: number;
};

/** Chunks under way before the first is acknowledged. */
const WINDOW_BYTES = 4 * limits.snapshotChunkBytes;

export class SnapshotSender {
  readonly #options: SnapshotSenderOptions;
  readonly #transfers = new Map<NodeId, Transfer>();
  #attempt = 0;

  constructor(options: SnapshotSenderOptions) {
    this.#options = options;
  }

  /** Starts to bring what `install` promises. An earlier transfer to the same node is dropped. */
  start(install: Install): void {
    const { to, snapshot } = install;
    this.cancel(to);
    const reader = this.#options.store.open(snapshot.position);
    if (!reader.ok) {
      this.#options.log.warn("snapshot cannot be sent", {
        to,
        reason: describeStorageError(reader.error),
      });
      return this.#options.onFailure(to);
    }
    this.#options.log.info("snapshot transfer started", {
      to,
      index: snapshot.position.index,
      bytes: reader.value.sizeBytes,
    });
    const transfer: Transfer = {
      attempt: ++this.#attempt,
      install,
      reader: reader.value,
      acknowledged: 0,
      sent: 0,
      heardAt: this.#options.clock.now(),
    };
    this.#transfers.set(to, transfer);
    this.#pump(to, transfer);
  }

  acknowledged(from: NodeId, ack: SnapshotAck): void {
    const transfer = this.#transfers.get(from);
    if (transfer === undefined || transfer.attempt !== ack.attempt) return;
    transfer.heardAt = this.#options.clock.now();
    if (ack.refused !== undefined) {
      this.#options.log.warn("snapshot refused", { by: from, reason: ack.refused });
      return this.#fail(from);
    }
    if (ack.done) {
      this.#options.log.info("snapshot delivered", {
        to: from,
        index: transfer.install.snapshot.position.index,
      });
      return this.cancel(from);
    }
    // The receiver's word on where it stands, backwards or forwards, is what counts.
    if (ack.offset > transfer.sent || ack.offset < transfer.acknowledged) {
      transfer.sent = ack.offset;
    }
    transfer.acknowledged = ack.offset;
    this.#pump(from, transfer);
  }

  cancel(to: NodeId): void {
    this.#transfers.get(to)?.reader.close();
    this.#transfers.delete(to);
  }

  cancelAll(): void {
    for (const to of [...this.#transfers.keys()]) this.cancel(to);
  }

  tick(): void {
    const { clock, patienceMs } = this.#options;
    for (const [to, transfer] of this.#transfers) {
      if (clock.now() - transfer.heardAt >= patienceMs) this.#fail(to);
    }
  }

  #fail(to: NodeId): void {
    this.cancel(to);
    this.#options.onFailure(to);
  }

  #pump(to: NodeId, transfer: Transfer): void {
    const { reader, install, attempt } = transfer;
    while (
      transfer.sent < reader.sizeBytes && transfer.sent - transfer.acknowledged < WINDOW_BYTES
    ) {
      const bytes = reader.readRaw(transfer.sent, limits.snapshotChunkBytes);
      if (!bytes.ok || bytes.value.length === 0) return this.#fail(to);
      const left = this.#options.send(to, {
        kind: "snapshotChunk",
        term: install.term,
        snapshot: install.snapshot,
        sizeBytes: reader.sizeBytes,
        offset: transfer.sent,
        bytes: bytes.value,
        attempt,
      });
      if (!left) return; // the link is full or down: the next acknowledgement or `tick` decides
      transfer.sent += bytes.value.length;
    }
  }
}
