/**
 * Finds out what the log and the snapshots of a directory hold. Changes nothing: what is to be cut
 * is said, and done by the caller.
 */

import { type Disk, err, type Hash, ok, type Result } from "../base/mod.ts";
import type { Position, Recovered, SnapshotRef } from "../raft/mod.ts";
import { decide, SNAPSHOT_TABLE, type SnapshotConditions, type Verdict } from "./decision.ts";
import { attempt, type StorageError, storageError } from "./errors.ts";
import { FRAME_BYTES_MAX } from "./frame.ts";
import { LogShape } from "./log_shape.ts";
import { Replay } from "./replay.ts";
import { type Owner, segmentName, segmentSequence } from "./segment.ts";
import { snapshotName } from "./snapshot_file.ts";
import { verifySnapshot } from "./snapshot_reader.ts";
import type { SnapshotFiles } from "./snapshots.ts";
import type { Decision } from "./types.ts";
import type { Segment } from "./wal.ts";
import { type ChainEnd, explain, type SegmentWalk, walkSegment } from "./walk.ts";

/** The largest size that may be set, and one frame past it. */
const SEGMENT_READ_BYTES_MAX = 1024 ** 3 + FRAME_BYTES_MAX;

export type FoundLog = {
  readonly segments: Segment[];
  readonly replay: Replay;
  readonly end: ChainEnd;
  /** Bytes of the last segment's file, with the room behind its last frame. */
  readonly fileBytes: number;
  /** The last frame, which may be in the page cache only. */
  readonly lastFrame: {
    readonly path: string;
    readonly offset: number;
    readonly bytes: Uint8Array;
  };
  readonly cut: { readonly path: string; readonly offset: number } | undefined;
  readonly decisions: readonly Decision[];
};

export type LogSource = {
  readonly disk: Disk;
  readonly hash: Hash;
  readonly walPath: string;
  readonly owner: Owner;
};

/** The first sequences of all segments, in order. */
export function segmentSequences(disk: Disk, walPath: string): number[] {
  return disk.list(walPath).map(segmentSequence).filter((sequence) => sequence !== undefined);
}

/** Reads all segments. There is at least one. */
export function recoverLog(source: LogSource): Result<FoundLog, StorageError> {
  const { disk, walPath } = source;
  const listed = attempt(() => segmentSequences(disk, walPath));
  if (!listed.ok) return listed;
  const sequences = listed.value;
  const segments: Segment[] = [];
  let replay: Replay | undefined;
  let end: ChainEnd | undefined;
  for (const [position, named] of sequences.entries()) {
    const path = `${walPath}/${segmentName(named)}`;
    const bytes = readSegment(disk, path);
    if (!bytes.ok) return bytes;
    const newerSegments = position < sequences.length - 1;
    const { hash, owner } = source;
    const input = { bytes: bytes.value, hash, named, owner, after: end, newerSegments };
    const walk = walkSegment(input, {
      head(head) {
        if (replay !== undefined) return replay.shape.resume(head);
        replay = new Replay(head);
        return ok();
      },
      records: (frame) => (replay as Replay).read(frame.payload),
    });
    if (walk.row.action === "refuse") return err(refusalOf(path, walk));
    segments.push({
      firstSequence: named,
      sizeBytes: walk.offset,
      indexMax: (replay as unknown as Replay).takeSegmentIndexMax(),
    });
    end = walk.end;
    if (!newerSegments) {
      return ok(found(path, bytes.value, { walk, segments, replay: replay as unknown as Replay }));
    }
  }
  return err(storageError("missing", walPath, "there is no log segment"));
}

function found(
  path: string,
  bytes: Uint8Array,
  parts: { walk: SegmentWalk; segments: Segment[]; replay: Replay },
): FoundLog {
  const { walk, segments, replay } = parts;
  const cut = walk.row.action === "cut" ? { path, offset: walk.offset } : undefined;
  const decisions = cut === undefined ? [] : [decisionOf(path, walk.row, walk)];
  const last = bytes.slice(walk.lastFrameOffset, walk.offset);
  const lastFrame = { path, offset: walk.lastFrameOffset, bytes: last };
  const end = walk.end as ChainEnd;
  return { segments, replay, end, fileBytes: bytes.length, lastFrame, cut, decisions };
}

export function readSegment(disk: Disk, path: string): Result<Uint8Array, StorageError> {
  return attempt(() => disk.read(path, SEGMENT_READ_BYTES_MAX));
}

function refusalOf(path: string, walk: SegmentWalk): StorageError {
  const { code, reason } = walk.row;
  return storageError(code ?? "corrupt", path, explain(reason, walk.detail), walk.offset);
}

function decisionOf(
  path: string,
  row: Verdict<string>,
  more: { offset?: number; detail?: string | undefined },
): Decision {
  const where = more.offset === undefined ? {} : { offset: more.offset };
  return { row: row.id, path, ...where, reason: explain(row.reason, more.detail) };
}

// --- Snapshots --------------------------------------------------------------------------------

export type FoundState = {
  readonly recovered: Recovered;
  /** The log as the writer goes on with it. */
  readonly shape: LogShape;
  /** The snapshot file to start from, unless the mark is the origin. */
  readonly snapshot: SnapshotRef | undefined;
  readonly fellBack: boolean;
  readonly decisions: readonly Decision[];
};

/** Chooses where to start: at the mark, or before it when its snapshot cannot be read. */
export function recoverState(
  replay: Replay,
  snapshots: SnapshotFiles,
  snapshotsPath: string,
): Result<FoundState, StorageError> {
  const { mark } = replay.shape;
  const marked = checkMarked(mark, snapshots);
  const logReaches = replay.reaches(mark.position.index);
  const unusable = marked.state === "missing" || marked.state === "damaged";
  const older = logReaches && unusable ? findFallback(replay, mark, snapshots) : undefined;
  const row = decide(SNAPSHOT_TABLE, {
    marked: marked.state,
    logReaches,
    fallback: older !== undefined,
  });
  const path = `${snapshotsPath}/${snapshotName(mark.position)}`;
  if (row.action === "refuse") {
    const { error } = marked;
    const reason = explain(row.reason, error?.reason);
    return err(storageError(row.code ?? "corrupt", path, reason, error?.offset));
  }
  if (row.action === "start" || older === undefined) {
    const snapshot = marked.state === "none" ? undefined : mark;
    return ok({ ...startAt(replay, mark), snapshot, fellBack: false, decisions: [] });
  }
  const { index, term } = older.position;
  const detail = `${marked.error?.reason}; starting from ${index}@${term}`;
  const decisions = [decisionOf(path, row, { detail })];
  const snapshot = index === 0 ? undefined : older;
  return ok({ ...startAt(replay, older), snapshot, fellBack: true, decisions });
}

function checkMarked(
  mark: SnapshotRef,
  snapshots: SnapshotFiles,
): { state: SnapshotConditions["marked"]; error?: StorageError } {
  if (mark.position.index === 0) return { state: "none" };
  const checked = checkSnapshot(mark.position, snapshots);
  if (checked.ok) return { state: "sound" };
  return { state: checked.error.code === "missing" ? "missing" : "damaged", error: checked.error };
}

function checkSnapshot(
  position: Position,
  snapshots: SnapshotFiles,
): Result<SnapshotRef, StorageError> {
  const reader = snapshots.open(position);
  if (!reader.ok) return reader;
  const verified = verifySnapshot(reader.value);
  reader.value.close();
  return verified.ok ? ok(reader.value.ref) : verified;
}

/** The newest older state that is sound and from which the log leads to the mark. */
function findFallback(
  replay: Replay,
  mark: SnapshotRef,
  snapshots: SnapshotFiles,
): SnapshotRef | undefined {
  if (!replay.holds(mark.position)) return undefined;
  const positions = snapshots.positions();
  if (!positions.ok) return undefined;
  for (const position of positions.value.reverse()) {
    if (position.index >= mark.position.index || !replay.reaches(position.index)) continue;
    const checked = checkSnapshot(position, snapshots);
    if (checked.ok) return checked.value;
  }
  // The origin needs no file: as long as the first segment is there, all of the state is.
  const { mark: origin } = replay.oldest;
  return origin.position.index === 0 && replay.reaches(0) ? origin : undefined;
}

function startAt(
  replay: Replay,
  snapshot: SnapshotRef,
): { recovered: Recovered; shape: LogShape } {
  const { hard } = replay.shape;
  const entries = replay.entriesAfter(snapshot.position.index);
  const shape = new LogShape({ hard, mark: snapshot, last: snapshot.position });
  for (const entry of entries) shape.apply({ kind: "entry", entry });
  return { recovered: { hard, snapshot, entries }, shape };
}
