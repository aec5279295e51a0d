/**
 * Recovery as a decision table: what was found, and what is done about it. For every combination
 * of conditions exactly one row matches, which a test enumerates. Recovery never decides anywhere
 * else, and `FORMAT.md` prints these rows.
 *
 * The rule behind the frame rows: frame n+1 is written only after frame n is durable (W2). So a
 * damaged frame with a sound one behind it was once durable, and is corruption; only the very last
 * frame can have been interrupted, and an interrupted write leaves a file that ends early or
 * sectors that were never written, which read as zero.
 */

import { assert } from "../base/mod.ts";
import type { StorageErrorCode } from "./errors.ts";

/** What a row says is to be done. */
export type Verdict<A extends string> = {
  readonly id: string;
  readonly action: A;
  /** Only for refusals. */
  readonly code?: StorageErrorCode;
  readonly reason: string;
};

/** A row matches when each condition that it names has one of the values listed. */
export type Row<C extends Conditions, A extends string> = Verdict<A> & {
  readonly when: { readonly [K in keyof C]?: readonly C[K][] };
};

type Conditions = Readonly<Record<string, string | boolean>>;

/** The one row that matches. */
export function decide<C extends Conditions, A extends string>(
  table: readonly Row<C, A>[],
  conditions: NoInfer<C>,
): Verdict<A> {
  const rows = table.filter((row) => matches(row, conditions));
  assert(rows.length === 1, `one row for ${JSON.stringify(conditions)}, not ${rows.length}`);
  return rows[0] as Verdict<A>;
}

function matches<C extends Conditions>(row: Row<C, string>, conditions: C): boolean {
  return Object.entries(row.when).every(([name, values]) =>
    (values as readonly unknown[]).includes(conditions[name])
  );
}

// --- The directory as a whole -----------------------------------------------------------------

export type DirectoryConditions = {
  identity: "absent" | "sound" | "damaged" | "newer" | "otherCluster" | "otherNode";
  /** `fresh`: one first segment without a records frame, as initialisation leaves it. */
  log: "none" | "fresh" | "used";
  snapshots: boolean;
};

export const DIRECTORY_TABLE: readonly Row<
  DirectoryConditions,
  "open" | "initialise" | "refuse"
>[] = [
  {
    id: "D1",
    when: { identity: ["sound"], log: ["fresh", "used"] },
    action: "open",
    reason: "identity and log are there",
  },
  {
    id: "D2",
    when: { identity: ["absent"], log: ["none"], snapshots: [false] },
    action: "initialise",
    reason: "the directory is new",
  },
  {
    // The identity is written last, so a log without one has never been opened for writing.
    id: "D3",
    when: { identity: ["absent"], log: ["fresh"], snapshots: [false] },
    action: "initialise",
    reason: "an initialisation was interrupted",
  },
  {
    id: "D4",
    when: { identity: ["absent"], log: ["used"], snapshots: [false] },
    action: "refuse",
    code: "missing",
    reason: "the identity file is missing beside a log that was written to",
  },
  {
    id: "D5",
    when: { identity: ["absent"], snapshots: [true] },
    action: "refuse",
    code: "missing",
    reason: "the identity file is missing beside snapshots",
  },
  {
    id: "D6",
    when: { identity: ["sound"], log: ["none"] },
    action: "refuse",
    code: "missing",
    reason: "there is no log segment although the directory has been in use",
  },
  {
    id: "D7",
    when: { identity: ["damaged"] },
    action: "refuse",
    code: "corrupt",
    reason: "the identity file is damaged",
  },
  {
    id: "D8",
    when: { identity: ["newer"] },
    action: "refuse",
    code: "version",
    reason: "the directory was written by a newer format version",
  },
  {
    id: "D9",
    when: { identity: ["otherCluster"] },
    action: "refuse",
    code: "foreign",
    reason: "the directory belongs to another cluster",
  },
  {
    id: "D10",
    when: { identity: ["otherNode"] },
    action: "refuse",
    code: "foreign",
    reason: "the directory belongs to another node",
  },
];

// --- The head of one segment ------------------------------------------------------------------

export type SegmentConditions = {
  head: "sound" | "damaged" | "newer";
  owner: "same" | "otherCluster" | "otherNode" | "otherDirectory";
  /**
   * `oldest`: no segment before it. `gap`: sequences are missing between it and the one before.
   * `contradicts`: the state that it repeats is not the one that the segments before it lead to.
   */
  place: "oldest" | "follows" | "gap" | "misnamed" | "unchained" | "contradicts";
};

export const SEGMENT_TABLE: readonly Row<SegmentConditions, "accept" | "refuse">[] = [
  {
    id: "S1",
    when: { head: ["sound"], owner: ["same"], place: ["oldest", "follows"] },
    action: "accept",
    reason: "the segment continues the log",
  },
  {
    // A segment gets its name only once its head is durable (W7): this is no interrupted write.
    id: "S2",
    when: { head: ["damaged"] },
    action: "refuse",
    code: "corrupt",
    reason: "the head of the segment is damaged",
  },
  {
    id: "S3",
    when: { head: ["newer"] },
    action: "refuse",
    code: "version",
    reason: "the segment was written by a newer format version",
  },
  {
    id: "S4",
    when: { head: ["sound"], owner: ["otherCluster"] },
    action: "refuse",
    code: "foreign",
    reason: "the segment belongs to another cluster",
  },
  {
    id: "S5",
    when: { head: ["sound"], owner: ["otherNode"] },
    action: "refuse",
    code: "foreign",
    reason: "the segment belongs to another node",
  },
  {
    id: "S6",
    when: { head: ["sound"], owner: ["otherDirectory"] },
    action: "refuse",
    code: "foreign",
    reason: "the segment belongs to another data directory of this node",
  },
  {
    id: "S7",
    when: { head: ["sound"], owner: ["same"], place: ["gap"] },
    action: "refuse",
    code: "missing",
    reason: "frames are missing before the segment",
  },
  {
    id: "S8",
    when: { head: ["sound"], owner: ["same"], place: ["misnamed"] },
    action: "refuse",
    code: "corrupt",
    reason: "the segment's name and its first sequence differ",
  },
  {
    id: "S9",
    when: { head: ["sound"], owner: ["same"], place: ["unchained"] },
    action: "refuse",
    code: "corrupt",
    reason: "the chain is broken: the segment does not continue the frame before it",
  },
  {
    id: "S10",
    when: { head: ["sound"], owner: ["same"], place: ["contradicts"] },
    action: "refuse",
    code: "corrupt",
    reason: "the segment begins in another state than the log before it ends in",
  },
];

// --- One frame behind the head ----------------------------------------------------------------

export type FrameConditions = {
  /**
   * `cut`: the file ends inside it. `unchained`: sound, but not the next one of this log. `blank`:
   * zeros up to the end of the file.
   */
  frame: "sound" | "unreadable" | "unchained" | "newer" | "damaged" | "cut" | "blank";
  /** More sectors of it read as zero than its writer has counted. */
  missingSector: boolean;
  /** A sound frame of this directory with a greater sequence stands behind it. */
  followed: boolean;
};

export const FRAME_TABLE: readonly Row<FrameConditions, "accept" | "cut" | "refuse">[] = [
  { id: "F1", when: { frame: ["sound"] }, action: "accept", reason: "the frame is sound" },
  {
    id: "F2",
    when: { frame: ["cut"], followed: [false] },
    action: "cut",
    reason: "torn tail: the file ends inside the last frame",
  },
  {
    id: "F3",
    when: { frame: ["damaged"], missingSector: [true], followed: [false] },
    action: "cut",
    reason: "torn tail: sectors of the last frame were never written",
  },
  {
    id: "F4",
    when: { frame: ["damaged"], missingSector: [false], followed: [false] },
    action: "refuse",
    code: "corrupt",
    reason: "the last frame was written in full but is damaged",
  },
  {
    id: "F5",
    when: { frame: ["damaged", "cut"], followed: [true] },
    action: "refuse",
    code: "corrupt",
    reason: "a damaged frame stands before a sound one",
  },
  {
    id: "F6",
    when: { frame: ["unchained"] },
    action: "refuse",
    code: "corrupt",
    reason: "the chain is broken: a sound frame does not continue the frame before it",
  },
  {
    id: "F7",
    when: { frame: ["newer"] },
    action: "refuse",
    code: "version",
    reason: "the frame was written by a newer format version",
  },
  {
    id: "F8",
    when: { frame: ["unreadable"] },
    action: "refuse",
    code: "corrupt",
    reason: "the frame is sound but its records are impossible",
  },
  {
    id: "F9",
    when: { frame: ["blank"] },
    action: "accept",
    reason: "the rest of the segment is room that was never used",
  },
];

// --- The snapshot to start from ---------------------------------------------------------------

export type SnapshotConditions = {
  /** The snapshot that the mark names; `none`: the mark is the origin, which needs no file. */
  marked: "none" | "sound" | "missing" | "damaged";
  /** The log that is left begins right behind the mark, or earlier. */
  logReaches: boolean;
  /** An older snapshot is sound, or is the origin, and the log from there to the mark is complete. */
  fallback: boolean;
};

export const SNAPSHOT_TABLE: readonly Row<SnapshotConditions, "start" | "fallBack" | "refuse">[] = [
  {
    id: "N1",
    when: { marked: ["none", "sound"], logReaches: [true] },
    action: "start",
    reason: "snapshot and log fit together",
  },
  {
    id: "N2",
    when: { marked: ["missing", "damaged"], fallback: [true], logReaches: [true] },
    action: "fallBack",
    reason: "the newest snapshot cannot be read; an older one and the log replace it",
  },
  {
    id: "N3",
    when: { marked: ["missing"], fallback: [false], logReaches: [true] },
    action: "refuse",
    code: "missing",
    reason: "the snapshot is missing, and no older one with a complete log replaces it",
  },
  {
    id: "N4",
    when: { marked: ["damaged"], fallback: [false], logReaches: [true] },
    action: "refuse",
    code: "corrupt",
    reason: "the snapshot is damaged, and no older one with a complete log replaces it",
  },
  {
    id: "N5",
    when: { logReaches: [false] },
    action: "refuse",
    code: "missing",
    reason: "log segments are missing between the snapshot and the oldest segment",
  },
];
