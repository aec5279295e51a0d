/**
 * A WAL segment file: its name, the frame it opens with, and how it comes into being. That first
 * frame says whose log this is and in which state it begins, so that all segments before it can
 * be deleted once a snapshot covers them.
 */

import {
  type ByteReader,
  bytesEqual,
  type ByteWriter,
  decode,
  DecodeError,
  type Disk,
  type DiskFile,
  type Hash,
  type Result,
} from "../base/mod.ts";
import {
  type NodeId,
  readPosition,
  readSnapshotRef,
  writePosition,
  writeSnapshotRef,
} from "../raft/mod.ts";
import type { FrameWriter } from "./frame.ts";
import type { Checkpoint } from "./log_shape.ts";
import { readHardState, writeHardState } from "./records.ts";

/** Whose files these are. */
export type Owner = {
  readonly cluster: Uint8Array;
  readonly directory: Uint8Array;
  readonly node: NodeId;
};

export type SegmentHead = Owner & Checkpoint;

export const ID_BYTES = 16;
/** Segment heads carry their owner inside, so they verify before the owner is known. */
export const HEAD_SEED = 0;
export const TEMPORARY = ".tmp";
const SEGMENT_NAME = /^(\d{16})\.wal$/;

export function segmentName(firstSequence: number): string {
  return `${String(firstSequence).padStart(16, "0")}.wal`;
}

/** The first sequence in a segment's name, or undefined when it is no segment's name. */
export function segmentSequence(name: string): number | undefined {
  const match = SEGMENT_NAME.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/**
 * Records frames are checked with a seed that outsiders do not know: bytes that a client stores
 * as a value can then never be taken for a frame of this log, wherever a scan meets them.
 */
export function recordsSeed(hash: Hash, directory: Uint8Array): number {
  return hash.crc32(directory);
}

export function writeOwner(writer: ByteWriter, owner: Owner): void {
  writer.raw(owner.cluster).raw(owner.directory).text(owner.node);
}

/** The ids are copies. */
export function readOwner(reader: ByteReader): Owner {
  const cluster = reader.raw(ID_BYTES).slice();
  const directory = reader.raw(ID_BYTES).slice();
  return { cluster, directory, node: reader.text() };
}

export type Ownership = "same" | "otherCluster" | "otherNode" | "otherDirectory";

export function compareOwner(found: Owner, expected: Owner): Ownership {
  if (!bytesEqual(found.cluster, expected.cluster)) return "otherCluster";
  if (found.node !== expected.node) return "otherNode";
  return bytesEqual(found.directory, expected.directory) ? "same" : "otherDirectory";
}

export function writeSegmentHead(writer: ByteWriter, head: SegmentHead): void {
  writeOwner(writer, head);
  writeHardState(writer, head.hard);
  writeSnapshotRef(writer, head.mark);
  writePosition(writer, head.last);
}

export function readSegmentHead(payload: Uint8Array): Result<SegmentHead, string> {
  return decode(payload, (reader) => {
    const owner = readOwner(reader);
    const hard = readHardState(reader);
    const mark = readSnapshotRef(reader);
    const last = readPosition(reader);
    if (last.index < mark.position.index) throw new DecodeError("the log ends before its mark");
    return { ...owner, hard, mark, last };
  });
}

export type NewSegment = {
  readonly file: DiskFile;
  readonly sizeBytes: number;
  readonly check: number;
};

/**
 * Creates the segment so that it is either not there or complete, whenever power fails (W7).
 * Throws DiskError; the temporary file is then left to the next attempt.
 */
export async function createSegment(
  disk: Disk,
  frame: FrameWriter,
  segment: { walPath: string; sequence: number; previous: number; head: SegmentHead },
): Promise<NewSegment> {
  const { walPath, sequence, previous, head } = segment;
  const path = `${walPath}/${segmentName(sequence)}`;
  writeSegmentHead(frame.begin(), head);
  const sealed = frame.seal({ kind: "segment", sequence, previous, offset: 0, seed: HEAD_SEED });
  await writeDurably(disk, path, sealed.bytes);
  const file = disk.open(path, "write");
  return { file, sizeBytes: sealed.bytes.length, check: sealed.check };
}

/** Puts a small file in place as a whole: temporary name, sync, rename, sync of the directory. */
export async function writeDurably(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}${TEMPORARY}`;
  disk.remove(temporary);
  const file = disk.open(temporary, "create");
  try {
    file.writeAt(0, bytes);
    await file.sync();
  } finally {
    file.close();
  }
  disk.rename(temporary, path);
  await disk.syncDirectory(path.slice(0, path.lastIndexOf("/")));
}
