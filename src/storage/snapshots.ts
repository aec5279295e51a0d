/**
 * The snapshots of a data directory. A file under its final name is durable; which of them to
 * start from is what the log's mark says, not which is newest.
 */

import { assert, type Clock, type Disk, err, type Hash, ok, type Result } from "../base/mod.ts";
import type { Index, Position, SnapshotRef } from "../raft/mod.ts";
import { attempt, attemptAsync, type StorageError, storageError } from "./errors.ts";
import { snapshotName, snapshotPosition } from "./snapshot_file.ts";
import { SnapshotFileReader } from "./snapshot_reader.ts";
import { SnapshotFileReceiver } from "./snapshot_receiver.ts";
import { SnapshotFileWriter } from "./snapshot_writer.ts";
import type { SnapshotReader, SnapshotReceiver, SnapshotStore, SnapshotWriter } from "./types.ts";

/** What writers, readers and receivers need of the world around them. */
export type SnapshotContext = {
  readonly disk: Disk;
  readonly hash: Hash;
  readonly clock: Clock;
  readonly cluster: Uint8Array;
  readonly path: string;
  readonly incomingPath: string;
  /** Tells the store that this snapshot is durable under its final name. */
  readonly added: (ref: SnapshotRef) => void;
};

export class SnapshotFiles implements SnapshotStore {
  readonly #context: SnapshotContext;
  #latest: SnapshotRef | undefined;
  /** How many readers hold a file open, by name. */
  readonly #readers = new Map<string, number>();
  /** Retired while they were being read: removed when the last reader closes. */
  readonly #doomed = new Set<string>();

  constructor(context: Omit<SnapshotContext, "added">) {
    this.#context = { ...context, added: (ref) => this.#added(ref) };
  }

  latest(): SnapshotRef | undefined {
    return this.#latest;
  }

  /** What recovery decided to start from. */
  startFrom(ref: SnapshotRef | undefined): void {
    this.#latest = ref;
  }

  create(ref: SnapshotRef): Result<SnapshotWriter, StorageError> {
    assert(ref.position.index > 0, "the origin needs no snapshot");
    return attempt(() => new SnapshotFileWriter(this.#context, ref));
  }

  open(position: Position): Result<SnapshotReader, StorageError> {
    const { disk, hash, cluster, path } = this.#context;
    const name = snapshotName(position);
    const file = attempt(() => disk.open(`${path}/${name}`, "read"));
    if (!file.ok) return file;
    this.#readers.set(name, (this.#readers.get(name) ?? 0) + 1);
    const closed = (): void => this.#closed(name);
    const reader = SnapshotFileReader.open(file.value, { hash, cluster, position, closed });
    if (!reader.ok) closed();
    return reader;
  }

  receive(ref: SnapshotRef, sizeBytes: number): Result<SnapshotReceiver, StorageError> {
    if (sizeBytes <= 0) {
      return err(storageError("mismatch", this.#context.incomingPath, "an empty snapshot"));
    }
    return attempt(() => new SnapshotFileReceiver(this.#context, { ref, sizeBytes }));
  }

  /** Positions of all files, oldest first, whether readable or not. */
  positions(): Result<Position[], StorageError> {
    const names = attempt(() => this.#context.disk.list(this.#context.path));
    if (!names.ok) return names;
    const positions = names.value.map(snapshotPosition);
    return ok(positions.filter((position) => position !== undefined));
  }

  /** Removes the snapshots before `index`, but never the one that a start would need. */
  async retire(index: Index): Promise<Result<void, StorageError>> {
    const positions = this.positions();
    if (!positions.ok) return positions;
    const { disk, path } = this.#context;
    const old = positions.value.filter((position) =>
      position.index < index && position.index !== this.#latest?.position.index
    );
    if (old.length === 0) return ok();
    return await attemptAsync(async () => {
      for (const position of old) this.#remove(snapshotName(position));
      await disk.syncDirectory(path);
    });
  }

  #remove(name: string): void {
    if (this.#readers.has(name)) this.#doomed.add(name);
    else this.#context.disk.remove(`${this.#context.path}/${name}`);
  }

  #closed(name: string): void {
    const left = (this.#readers.get(name) ?? 0) - 1;
    if (left > 0) return void this.#readers.set(name, left);
    this.#readers.delete(name);
    // Removing is only tidying: what stays is removed by the next `retire`.
    if (this.#doomed.delete(name)) attempt(() => this.#remove(name));
  }

  #added(ref: SnapshotRef): void {
    this.#doomed.delete(snapshotName(ref.position));
    if (ref.position.index >= (this.#latest?.position.index ?? 0)) this.#latest = ref;
  }
}
