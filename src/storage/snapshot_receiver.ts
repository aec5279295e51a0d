/**
 * Takes a snapshot from a peer, in `incoming/`, where a broken transfer can be continued: the
 * bytes are the same whichever peer sends them. What arrived counts for nothing until all of it
 * was verified, so nothing has to be known about a part that an earlier run left behind.
 */

import { assert, type DiskFile, err, ok, type Result } from "../base/mod.ts";
import type { SnapshotRef } from "../raft/mod.ts";
import { attempt, attemptAsync, type StorageError, storageError } from "./errors.ts";
import { snapshotName } from "./snapshot_file.ts";
import { SnapshotFileReader } from "./snapshot_reader.ts";
import type { SnapshotContext } from "./snapshots.ts";
import type { SnapshotReceiver } from "./types.ts";

const DIRTY_BYTES_MAX = 4 * 1024 * 1024;
/** Blocks verified in one turn of the event loop: some milliseconds. */
const BLOCKS_PER_TURN = 32;

export class SnapshotFileReceiver implements SnapshotReceiver {
  readonly #context: SnapshotContext;
  readonly #ref: SnapshotRef;
  readonly #sizeBytes: number;
  readonly #path: string;
  #file: DiskFile | undefined;
  #offset: number;
  /** How much of the file an earlier receiver has left. */
  readonly #resumedBytes: number;
  #dirtyBytes = 0;
  #syncing = false;
  #failure: StorageError | undefined;

  /** Throws DiskError. */
  constructor(context: SnapshotContext, transfer: { ref: SnapshotRef; sizeBytes: number }) {
    const { ref, sizeBytes } = transfer;
    assert(sizeBytes > 0, "a snapshot has bytes");
    this.#context = context;
    this.#ref = ref;
    this.#sizeBytes = sizeBytes;
    const { disk, incomingPath } = context;
    // The size stands in the name: another size under the same position is another transfer.
    const name = `${sizeBytes}-${snapshotName(ref.position)}`;
    for (const other of disk.list(incomingPath)) {
      if (other !== name) disk.remove(`${incomingPath}/${other}`);
    }
    this.#path = `${incomingPath}/${name}`;
    this.#file = disk.open(this.#path, disk.exists(this.#path) ? "write" : "create");
    this.#offset = this.#file.size();
    if (this.#offset > sizeBytes) {
      this.#file.truncate(0);
      this.#offset = 0;
    }
    this.#resumedBytes = this.#offset;
  }

  get offset(): number {
    return this.#offset;
  }

  write(offset: number, bytes: Uint8Array): Result<void, StorageError> {
    if (this.#failure) return err(this.#failure);
    if (offset !== this.#offset) {
      return this.#mismatch(`bytes for offset ${offset} where ${this.#offset} is due`);
    }
    if (offset + bytes.length > this.#sizeBytes) {
      return this.#mismatch(`more bytes than the ${this.#sizeBytes} announced`);
    }
    const written = attempt(() => this.#open().writeAt(offset, bytes));
    if (!written.ok) return this.#cutBack(written.error);
    this.#offset += bytes.length;
    this.#dirtyBytes += bytes.length;
    this.#syncSometimes();
    return ok();
  }

  async finish(): Promise<Result<SnapshotRef, StorageError>> {
    if (this.#failure) return err(this.#failure);
    if (this.#offset !== this.#sizeBytes) {
      return this.#mismatch(`${this.#offset} of ${this.#sizeBytes} bytes have arrived`);
    }
    const { disk, path, incomingPath } = this.#context;
    const verified = await this.#verify();
    if (!verified.ok) {
      this.suspend();
      attempt(() => disk.remove(this.#path)); // so that the next transfer starts from nothing
      return verified;
    }
    const placed = await attemptAsync(async () => {
      await this.#rewriteResumed();
      await this.#open().sync();
      this.suspend();
      disk.rename(this.#path, `${path}/${snapshotName(this.#ref.position)}`);
      await disk.syncDirectory(path);
      await disk.syncDirectory(incomingPath);
    });
    if (!placed.ok) return placed;
    this.#context.added(verified.value);
    return verified;
  }

  suspend(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) attempt(() => file.close());
  }

  async #verify(): Promise<Result<SnapshotRef, StorageError>> {
    const { disk, hash, clock, cluster } = this.#context;
    const file = attempt(() => disk.open(this.#path, "read"));
    if (!file.ok) return file;
    const { position } = this.#ref;
    const expected = { hash, cluster, position, closed: () => {} };
    const reader = SnapshotFileReader.open(file.value, expected);
    if (!reader.ok) return reader;
    let block = reader.value.next();
    for (let count = 1; block.ok && block.value !== undefined; count++) {
      if (count % BLOCKS_PER_TURN === 0) await clock.yield();
      block = reader.value.next();
    }
    reader.value.close();
    return block.ok ? ok(reader.value.ref) : block;
  }

  /**
   * What an earlier receiver wrote may have failed to sync: then it reads well, because the kernel
   * calls the pages clean, and is not on the device. Only writing it again puts it there.
   */
  async #rewriteResumed(): Promise<void> {
    const file = this.#open();
    for (let offset = 0; offset < this.#resumedBytes; offset += DIRTY_BYTES_MAX) {
      const bytes = new Uint8Array(Math.min(DIRTY_BYTES_MAX, this.#resumedBytes - offset));
      const read = file.readAt(offset, bytes);
      assert(read === bytes.length, "a verified file has all its bytes");
      file.writeAt(offset, bytes);
      await file.sync();
    }
  }

  /** A write that failed may have stored a part: the file's size must go on telling the offset. */
  #cutBack(error: StorageError): Result<never, StorageError> {
    const cut = attempt(() => this.#open().truncate(this.#offset));
    if (!cut.ok) this.#failure = cut.error;
    return err(error);
  }

  /** Keeps dirty pages few. Bytes are durable only after `finish`, which syncs again. */
  #syncSometimes(): void {
    if (this.#syncing || this.#dirtyBytes < DIRTY_BYTES_MAX) return;
    this.#syncing = true;
    this.#dirtyBytes = 0;
    attemptAsync(() => this.#open().sync()).then((synced) => {
      this.#syncing = false;
      if (!synced.ok) this.#failure = synced.error;
    });
  }

  #mismatch(reason: string): Result<never, StorageError> {
    return err(storageError("mismatch", this.#path, reason));
  }

  #open(): DiskFile {
    assert(this.#file !== undefined, "a receiver is not used after finish or suspend");
    return this.#file;
  }
}
