/**
 * Takes this node's own snapshots: a frozen image of the state machine, written block by block
 * beside the running node, then the mark that lets the log forget its start.
 */

import {
  type Clock,
  type Distribution,
  err,
  Histogram,
  type Log,
  ok,
  type Result,
} from "../base/mod.ts";
import type { Image } from "../kv/mod.ts";
import type { SnapshotRef } from "../raft/mod.ts";
import {
  describeStorageError,
  type SnapshotStore,
  type SnapshotWriter,
  type StorageError,
} from "../storage/mod.ts";

export type SnapshotterMetrics = {
  /** Of each snapshot that was taken. */
  readonly durationMs: Distribution;
  readonly failed: number;
  /** Undefined before the first. */
  readonly lastBytes: number | undefined;
};

export class Snapshotter {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #store: SnapshotStore;
  #busy = false;
  #failedAt = Number.NEGATIVE_INFINITY;
  readonly #durationMs = Histogram.ofLatency();
  #failed = 0;
  #lastBytes: number | undefined;

  constructor(options: { clock: Clock; log: Log; store: SnapshotStore }) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#store = options.store;
  }

  /** Whether a snapshot may start now: one at a time, and not at once after a failure. */
  get idle(): boolean {
    return !this.#busy && this.#clock.now() - this.#failedAt >= RETRY_MS;
  }

  /** Snapshots taken, and failed, since the start. */
  get metrics(): SnapshotterMetrics {
    const durationMs = this.#durationMs.snapshot();
    return { durationMs, failed: this.#failed, lastBytes: this.#lastBytes };
  }

  /**
   * Writes `image` as the snapshot `ref`, and closes it; true once it is durable. A failure costs
   * nothing but the space that the log goes on to use, so it is logged and tried again later.
   */
  async take(ref: SnapshotRef, image: Image): Promise<boolean> {
    this.#busy = true;
    const startedAt = this.#clock.now();
    const written = await this.#write(ref, image);
    image.close();
    this.#busy = false;
    const { index } = ref.position;
    if (!written.ok) {
      this.#failedAt = this.#clock.now();
      this.#failed++;
      this.#log.warn("snapshot failed", { index, reason: describeStorageError(written.error) });
      return false;
    }
    const ms = this.#clock.now() - startedAt;
    this.#durationMs.observe(ms);
    this.#lastBytes = written.value;
    this.#log.info("snapshot taken", { index, bytes: written.value, ms: Math.round(ms) });
    return true;
  }

  async #write(ref: SnapshotRef, image: Image): Promise<Result<number, StorageError>> {
    const created = this.#store.create(ref);
    if (!created.ok) return created;
    const bytes = await this.#writeBlocks(created.value, image);
    if (!bytes.ok) {
      created.value.abort();
      return bytes;
    }
    const finished = await created.value.finish(image.digest);
    return finished.ok ? bytes : err(finished.error);
  }

  async #writeBlocks(writer: SnapshotWriter, image: Image): Promise<Result<number, StorageError>> {
    let bytes = 0;
    let startedAt = this.#clock.now();
    for (const block of image.blocks()) {
      const appended = await writer.append(block);
      if (!appended.ok) return appended;
      bytes += block.length;
      await this.#pause(this.#clock.now() - startedAt);
      startedAt = this.#clock.now();
    }
    return ok(bytes);
  }

  /** After each block the node has its time for whatever else there is. */
  #pause(workedMs: number): Promise<void> {
    const ms = Math.min(PAUSE_SHARE * workedMs, PAUSE_MS_MAX);
    return new Promise((resolve) => this.#clock.after(ms, resolve));
  }
}

/** A snapshot takes at most a quarter of the node's time, and of its disk's, */
const PAUSE_SHARE = 3;
/** unless its disk is so slow that it would never end. */
const PAUSE_MS_MAX = 100;

const RETRY_MS = 10_000;
