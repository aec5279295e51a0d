/**
 * Writes a snapshot beside the log that it will replace. Until `finish` the file has a temporary
 * name, and the device is given its bytes a MiB at a time, so that the log's own syncs never wait
 * behind a whole image.
 */

import { assert, type DiskFile, ok, type Result } from "../base/mod.ts";
import type { SnapshotRef } from "../raft/mod.ts";
import { attempt, attemptAsync, type StorageError } from "./errors.ts";
import { FrameWriter } from "./frame.ts";
import { TEMPORARY } from "./segment.ts";
import { SnapshotEncoder, snapshotName, type SnapshotPart } from "./snapshot_file.ts";
import type { SnapshotContext } from "./snapshots.ts";
import type { SnapshotWriter } from "./types.ts";

/** Written and not yet synced at most. */
const DIRTY_BYTES_MAX = 1024 * 1024;
const DIGEST_BYTES_MAX = 255;

export class SnapshotFileWriter implements SnapshotWriter {
  readonly #context: SnapshotContext;
  readonly #ref: SnapshotRef;
  readonly #path: string;
  readonly #encoder: SnapshotEncoder;
  #file: DiskFile | undefined;
  #dirtyBytes = 0;
  #blocks = 0;
  #bytes = 0;

  /** Throws DiskError. */
  constructor(context: SnapshotContext, ref: SnapshotRef) {
    this.#context = context;
    this.#ref = ref;
    this.#path = `${context.path}/${snapshotName(ref.position)}`;
    this.#encoder = new SnapshotEncoder(new FrameWriter(context.hash));
    context.disk.remove(this.#path + TEMPORARY);
    this.#file = context.disk.open(this.#path + TEMPORARY, "create");
    this.#write({ kind: "head", head: { cluster: context.cluster, ref } });
  }

  async append(block: Uint8Array): Promise<Result<void, StorageError>> {
    assert(block.length > 0, "a block has bytes"); // their most is that of a frame
    const written = attempt(() => this.#write({ kind: "block", block }));
    if (!written.ok) return written;
    this.#blocks++;
    this.#bytes += block.length;
    return this.#dirtyBytes < DIRTY_BYTES_MAX ? ok() : await attemptAsync(() => this.#sync());
  }

  async finish(digest: string): Promise<Result<void, StorageError>> {
    assert(digest.length <= DIGEST_BYTES_MAX, "a digest of reasonable length");
    const { disk, path } = this.#context;
    const finished = await attemptAsync(async () => {
      const trailer = { blocks: this.#blocks, bytes: this.#bytes, digest };
      this.#write({ kind: "trailer", trailer });
      await this.#sync();
      this.#open().close();
      this.#file = undefined;
      disk.rename(this.#path + TEMPORARY, this.#path);
      await disk.syncDirectory(path);
    });
    if (finished.ok) this.#context.added(this.#ref);
    else this.abort();
    return finished;
  }

  abort(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    // What cannot be removed now is removed when the snapshot is tried again, or at the next start.
    attempt(() => file.close());
    attempt(() => this.#context.disk.remove(this.#path + TEMPORARY));
  }

  #write(part: SnapshotPart): void {
    const { offset, bytes } = this.#encoder.encode(part);
    this.#open().writeAt(offset, bytes);
    this.#dirtyBytes += bytes.length;
  }

  async #sync(): Promise<void> {
    this.#dirtyBytes = 0;
    await this.#open().sync();
  }

  #open(): DiskFile {
    assert(this.#file !== undefined, "a snapshot writer is not used after finish or abort");
    return this.#file;
  }
}
