/**
 * The bytes of a snapshot file: a head with cluster, position and membership, the blocks of the
 * image, and a trailer without which the file is not complete. Nothing in it depends on the node
 * that wrote it, so that a peer can take the file over as it is.
 */

import { bytesEqual, decode, type DiskFile, err, type Hash, ok, type Result } from "../base/mod.ts";
import { type Position, readSnapshotRef, type SnapshotRef, writeSnapshotRef } from "../raft/mod.ts";
import { attempt, type StorageError, storageError } from "./errors.ts";
import {
  type Frame,
  FRAME_BYTES_MAX,
  frameBytes,
  type FrameWriter,
  HEADER_BYTES,
  parseFrame,
  parseHeader,
} from "./frame.ts";
import { ID_BYTES } from "./segment.ts";

/** Snapshots are the same on all nodes, so their checks start from no node's secret. */
const SEED = 0;
const FIRST_SEQUENCE = 1;
const SNAPSHOT_NAME = /^(\d{16})-(\d+)\.snap$/;

export type SnapshotHead = { readonly cluster: Uint8Array; readonly ref: SnapshotRef };
export type SnapshotTrailer = {
  readonly blocks: number;
  readonly bytes: number;
  readonly digest: string;
};
export type SnapshotPart =
  | { readonly kind: "head"; readonly head: SnapshotHead }
  | { readonly kind: "block"; readonly block: Uint8Array }
  | { readonly kind: "trailer"; readonly trailer: SnapshotTrailer };

export function snapshotName(position: Position): string {
  return `${String(position.index).padStart(16, "0")}-${position.term}.snap`;
}

export function snapshotPosition(name: string): Position | undefined {
  const match = SNAPSHOT_NAME.exec(name);
  return match === null ? undefined : { index: Number(match[1]), term: Number(match[2]) };
}

/** Turns parts into frames, each chained to the one before. */
export class SnapshotEncoder {
  readonly #frame: FrameWriter;
  #sequence = FIRST_SEQUENCE;
  #previous = 0;
  #offset = 0;

  constructor(frame: FrameWriter) {
    this.#frame = frame;
  }

  /** The next frame and where it goes; valid until the next call. */
  encode(part: SnapshotPart): { offset: number; bytes: Uint8Array } {
    const writer = this.#frame.begin();
    if (part.kind === "head") {
      writer.raw(part.head.cluster);
      writeSnapshotRef(writer, part.head.ref);
    } else if (part.kind === "block") {
      writer.raw(part.block);
    } else {
      const { blocks, bytes, digest } = part.trailer;
      writer.u64(blocks).u64(bytes).text(digest);
    }
    const offset = this.#offset;
    const { bytes, check } = this.#frame.seal({
      kind: part.kind === "head" ? "snapshot" : part.kind,
      sequence: this.#sequence,
      previous: this.#previous,
      offset,
      seed: SEED,
    });
    this.#sequence++;
    this.#previous = check;
    this.#offset += bytes.length;
    return { offset, bytes };
  }
}

/** Reads a snapshot file part by part and verifies all that can be verified so far. */
export class SnapshotDecoder {
  readonly #file: DiskFile;
  readonly #hash: Hash;
  #sequence = FIRST_SEQUENCE;
  #previous = 0;
  #offset = 0;
  #blocks = 0;
  #bytes = 0;
  #ended = false;

  constructor(file: DiskFile, hash: Hash) {
    this.#file = file;
    this.#hash = hash;
  }

  /** Where the next frame starts. */
  get offset(): number {
    return this.#offset;
  }

  /** The next part, or undefined behind the trailer, which must end the file. */
  next(): Result<SnapshotPart | undefined, StorageError> {
    if (this.#ended) return this.#expectEnd();
    const read = this.#readFrame();
    if (!read.ok) return read;
    const { header, payload, endOffset } = read.value;
    const { sequence, previous, kind, check } = header;
    if (sequence !== this.#sequence || previous !== this.#previous) {
      return this.#corrupt(`frame ${sequence} stands where frame ${this.#sequence} belongs`);
    }
    const part = this.#decode(kind, payload);
    if (!part.ok) return this.#corrupt(part.error);
    this.#sequence++;
    this.#previous = check;
    this.#offset += endOffset;
    return part;
  }

  #readFrame(): Result<Frame, StorageError> {
    const read = attempt(() => {
      const header = new Uint8Array(HEADER_BYTES);
      const got = this.#file.readAt(this.#offset, header);
      return { header: header.subarray(0, got), left: this.#file.size() - this.#offset };
    });
    if (!read.ok) return read;
    const options = { hash: this.#hash, seed: SEED };
    const header = parseHeader(read.value.header, 0, options);
    if (header === undefined) {
      const cut = read.value.header.length < HEADER_BYTES;
      return this.#corrupt(cut ? "the file ends early" : "a header does not match its check");
    }
    const size = frameBytes(header.lengthBytes);
    if (size > read.value.left) return this.#corrupt("the file ends early");
    if (size > FRAME_BYTES_MAX) return this.#corrupt(`a frame of ${size} bytes`);
    const bytes = new Uint8Array(size);
    const filled = attempt(() => this.#file.readAt(this.#offset, bytes));
    if (!filled.ok) return filled;
    const parsed = parseFrame(bytes.subarray(0, filled.value), 0, options);
    if (parsed.state === "sound") return ok(parsed.frame);
    if (parsed.state === "newer") return this.#refuse("version", "a newer format version");
    return this.#corrupt("a payload does not match its check");
  }

  #decode(kind: string | number, payload: Uint8Array): Result<SnapshotPart, string> {
    if ((kind === "snapshot") !== (this.#sequence === FIRST_SEQUENCE)) {
      return err(`a frame of kind ${kind} where it cannot be`);
    }
    if (kind === "snapshot") return decodeHead(payload);
    if (kind === "block") {
      this.#blocks++;
      this.#bytes += payload.length;
      return ok({ kind: "block", block: payload });
    }
    if (kind !== "trailer") return err(`a frame of kind ${kind} in a snapshot`);
    const trailer = decodeTrailer(payload);
    if (!trailer.ok) return trailer;
    const { blocks, bytes } = trailer.value;
    if (blocks !== this.#blocks || bytes !== this.#bytes) {
      return err(`the trailer counts ${blocks} blocks, ${this.#blocks} were read`);
    }
    this.#ended = true;
    return ok({ kind: "trailer", trailer: trailer.value });
  }

  #expectEnd(): Result<undefined, StorageError> {
    const size = attempt(() => this.#file.size());
    if (!size.ok) return size;
    if (size.value !== this.#offset) return this.#corrupt("bytes follow the trailer");
    return ok(undefined);
  }

  #corrupt(reason: string): Result<never, StorageError> {
    return this.#refuse("corrupt", reason);
  }

  #refuse(code: "corrupt" | "version", reason: string): Result<never, StorageError> {
    return err(storageError(code, this.#file.path, reason, this.#offset));
  }
}

function decodeHead(payload: Uint8Array): Result<SnapshotPart, string> {
  return decode(payload, (reader) => {
    const cluster = reader.raw(ID_BYTES).slice();
    return { kind: "head", head: { cluster, ref: readSnapshotRef(reader) } };
  });
}

function decodeTrailer(payload: Uint8Array): Result<SnapshotTrailer, string> {
  return decode(payload, (reader) => {
    const blocks = reader.u64();
    const bytes = reader.u64();
    return { blocks, bytes, digest: reader.text() };
  });
}

/** Why the head is not that of the snapshot asked for, or undefined. */
export function headFault(
  head: SnapshotHead,
  expected: { cluster: Uint8Array; position: Position },
): "otherCluster" | "otherPosition" | undefined {
  if (!bytesEqual(head.cluster, expected.cluster)) return "otherCluster";
  const { index, term } = head.ref.position;
  const same = index === expected.position.index && term === expected.position.term;
  return same ? undefined : "otherPosition";
}
