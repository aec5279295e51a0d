/**
 * Reads a snapshot: block by block for the state machine, or as raw bytes for a peer.
 */

import { type DiskFile, err, type Hash, ok, type Result } from "../base/mod.ts";
import type { Position, SnapshotRef } from "../raft/mod.ts";
import { attempt, type StorageError, storageError } from "./errors.ts";
import { headFault, SnapshotDecoder, type SnapshotPart } from "./snapshot_file.ts";
import type { SnapshotReader } from "./types.ts";

export class SnapshotFileReader implements SnapshotReader {
  readonly ref: SnapshotRef;
  readonly sizeBytes: number;
  readonly #file: DiskFile;
  readonly #decoder: SnapshotDecoder;
  readonly #closed: () => void;
  #digest: string | undefined;
  #ended = false;
  #open = true;

  private constructor(
    file: DiskFile,
    parts: { ref: SnapshotRef; sizeBytes: number; decoder: SnapshotDecoder; closed: () => void },
  ) {
    this.#file = file;
    this.ref = parts.ref;
    this.sizeBytes = parts.sizeBytes;
    this.#decoder = parts.decoder;
    this.#closed = parts.closed;
  }

  /** Takes over `file`, and closes it when it is not the snapshot expected. */
  static open(
    file: DiskFile,
    expected: { hash: Hash; cluster: Uint8Array; position: Position; closed: () => void },
  ): Result<SnapshotFileReader, StorageError> {
    const decoder = new SnapshotDecoder(file, expected.hash);
    const size = attempt(() => file.size());
    const head = size.ok ? checkHead(decoder.next(), file.path, expected) : size;
    if (!head.ok || !size.ok) {
      attempt(() => file.close());
      return head.ok ? size as Result<never, StorageError> : head;
    }
    const parts = { ref: head.value, sizeBytes: size.value, decoder, closed: expected.closed };
    return ok(new SnapshotFileReader(file, parts));
  }

  get digest(): string | undefined {
    return this.#ended ? this.#digest : undefined;
  }

  next(): Result<Uint8Array | undefined, StorageError> {
    if (this.#ended) return ok(undefined);
    const part = this.#decoder.next();
    if (!part.ok) return part;
    if (part.value?.kind === "block") return ok(part.value.block);
    if (part.value?.kind === "trailer") this.#digest = part.value.trailer.digest;
    const end = this.#decoder.next();
    if (!end.ok) return end;
    this.#ended = true;
    return ok(undefined);
  }

  readRaw(offset: number, lengthBytes: number): Result<Uint8Array, StorageError> {
    const buffer = new Uint8Array(Math.max(0, Math.min(lengthBytes, this.sizeBytes - offset)));
    const read = attempt(() => this.#file.readAt(offset, buffer));
    return read.ok ? ok(buffer.subarray(0, read.value)) : read;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    attempt(() => this.#file.close());
    this.#closed();
  }
}

function checkHead(
  part: Result<SnapshotPart | undefined, StorageError>,
  path: string,
  expected: { cluster: Uint8Array; position: Position },
): Result<SnapshotRef, StorageError> {
  if (!part.ok) return part;
  // The decoder lets nothing but a head stand first.
  if (part.value?.kind !== "head") return err(storageError("corrupt", path, "it has no head", 0));
  const { head } = part.value;
  switch (headFault(head, expected)) {
    case "otherCluster":
      return err(storageError("foreign", path, "the snapshot belongs to another cluster", 0));
    case "otherPosition": {
      const { index, term } = head.ref.position;
      const reason = `it holds the snapshot at ${index}@${term}, not the one that its name says`;
      return err(storageError("corrupt", path, reason, 0));
    }
    case undefined:
      return ok(head.ref);
  }
}

/** Reads all of it without letting anyone else run: for recovery, before anything is served. */
export function verifySnapshot(reader: SnapshotReader): Result<void, StorageError> {
  for (;;) {
    const block = reader.next();
    if (!block.ok) return block;
    if (block.value === undefined) return ok();
  }
}
