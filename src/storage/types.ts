/**
 * The public face of storage on one page: what the node holds while it runs. Nothing here throws
 * and nothing rejects, except on a broken invariant.
 */

import type { Clock, Disk, Hash, Histogram, Log, Random, Result } from "../base/mod.ts";
import type {
  Index,
  Membership,
  NodeId,
  Position,
  Recovered,
  SnapshotRef,
  Write,
} from "../raft/mod.ts";
import type { StorageError } from "./errors.ts";

export type StorageSettings = {
  /** A WAL segment that has reached this size is followed by a new one. */
  readonly segmentBytes: number;
};

/** Who this data directory is. `directory` is drawn once, when it is made, and never changes. */
export type Identity = {
  readonly formatVersion: number;
  readonly cluster: Uint8Array;
  readonly node: NodeId;
  readonly directory: Uint8Array;
  /** Counts starts on this directory, durably: an old copy of it shows by a lower count. */
  readonly boot: number;
};

/** A row of the decision table that recovery took, where, and why. */
export type Decision = {
  readonly row: string;
  readonly path: string;
  readonly offset?: number;
  readonly reason: string;
};

export type OpenOptions = {
  readonly disk: Disk;
  readonly hash: Hash;
  readonly random: Random;
  readonly clock: Clock;
  readonly log: Log;
  readonly path: string;
  /** 16 bytes. */
  readonly cluster: Uint8Array;
  readonly node: NodeId;
  /** The membership before the first entry; read only when the directory is made. */
  readonly bootstrap: Membership;
  readonly settings: StorageSettings;
  readonly events: WalEvents;
};

export type DataDirectory = {
  readonly identity: Identity;
  /** Until `forgetRecovered`. */
  readonly recovered: Recovered;
  /** Whoever goes on from there has taken it over: else its entries would stay in memory twice. */
  forgetRecovered(): void;
  readonly wal: Wal;
  readonly snapshots: SnapshotStore;
  readonly decisions: readonly Decision[];
  /**
   * Gives up everything that is only needed to restart from a position before `index`: segments
   * first, oldest first, then snapshots. Never goes past the durable snapshot mark. Pass the index
   * of the previous snapshot, not of the newest, to keep a fall-back for a damaged newest one.
   */
  retire(index: Index): Promise<Result<void, StorageError>>;
  /** Waits for the frame being written, closes the files and gives up the lock. */
  release(): Promise<void>;
};

/** Called in a later microtask than the `append` or `retry` that caused it, never from within. */
export type WalEvents = {
  /** These writes are durable, in the order in which they were appended. */
  onStored(writes: readonly Write[]): void;
  /** Once, then never again: nothing is written any more and the process must end. */
  onFailure(error: StorageError): void;
  /** The device is full. Nothing is stored until `retry` succeeds; what is stored is safe. */
  onFull(error: StorageError): void;
  /** A `retry` succeeded: the writes that waited are being stored again. */
  onSpace(): void;
};

export interface Wal {
  /** Queues the write. Everything appended while a frame is on its way shares the next frame. */
  append(write: Write): void;
  /** After `onFull`: tries the same frame again. Calls `onSpace`, or `onFull` again. */
  retry(): void;
  status(): WalStatus;
  readonly meters: WalMeters;
}

export type WalMeters = {
  /** How long the device took for each sync of a frame. */
  readonly syncMs: Histogram;
  /** Log entries in each frame. */
  readonly frameEntries: Histogram;
};

export type WalStatus = {
  readonly state: "open" | "full" | "failed" | "closed";
  /** Frames, bytes and syncs since start. */
  readonly frames: number;
  readonly bytes: number;
  readonly syncs: number;
  /** How long the sync now under way has been waiting for the device; 0 when there is none. */
  readonly pendingSyncMs: number;
  readonly queuedWrites: number;
  /** Segments on disk, and their bytes in all. */
  readonly segments: number;
  readonly sizeBytes: number;
  /** The durable snapshot mark. */
  readonly mark: Position;
};

export interface SnapshotStore {
  /** The snapshot to start from and to send: the newest that is durable and verified. */
  latest(): SnapshotRef | undefined;
  create(ref: SnapshotRef): Result<SnapshotWriter, StorageError>;
  /** Held open files outlive deletion: close the reader. */
  open(position: Position): Result<SnapshotReader, StorageError>;
  /** Continues a transfer of the same snapshot that was broken off, also by a restart. */
  receive(ref: SnapshotRef, sizeBytes: number): Result<SnapshotReceiver, StorageError>;
}

export interface SnapshotWriter {
  /**
   * A block of about `limits.imageBlockBytes` bytes, or of one larger item: whatever fits into a
   * frame, as every command does. Waits for the device every MiB.
   */
  append(block: Uint8Array): Promise<Result<void, StorageError>>;
  /**
   * After this resolves, and not before, a snapshot mark may go into the WAL. A failure aborts.
   */
  finish(digest: string): Promise<Result<void, StorageError>>;
  /** Removes what was written. No effect after `finish`. */
  abort(): void;
}

export interface SnapshotReader {
  readonly ref: SnapshotRef;
  readonly sizeBytes: number;
  /** The next block, verified; undefined once the trailer was reached and verified too. */
  next(): Result<Uint8Array | undefined, StorageError>;
  /** The digest in the trailer; undefined until `next` has returned undefined. */
  readonly digest: string | undefined;
  /** File bytes as they are, for a peer, who verifies them. Shorter only at the end. */
  readRaw(offset: number, lengthBytes: number): Result<Uint8Array, StorageError>;
  close(): void;
}

export interface SnapshotReceiver {
  /** Where the next `write` must start. Not 0 at first when a transfer is continued. */
  readonly offset: number;
  write(offset: number, bytes: Uint8Array): Result<void, StorageError>;
  /** Verifies every frame and that it is the snapshot that was announced; then it is durable. */
  finish(): Promise<Result<SnapshotRef, StorageError>>;
  /** Closes the file and keeps it, so that `receive` can go on from `offset`. */
  suspend(): void;
}
