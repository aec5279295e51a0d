/**
 * Layer 2: the data directory of one node.
 *
 * Duty: the segmented write-ahead log and its recovery, snapshot files, identity and lock of a
 * data directory. `FORMAT.md` is the specification of every byte.
 *
 * Invariants:
 * - W1  A write is reported stored only after a sync that began after its last byte was written.
 * - W2  Frame n+1 is written only after frame n is durable.
 * - W3  Nothing is written after a failed sync or a failed write other than "full".
 * - W4  Any suffix of the segments that begins at or before the snapshot mark is a complete log:
 *       each segment opens with hard state, mark and last position as they stood before it.
 * - W5  Segments are deleted oldest first, each removal durable before the next; snapshots last.
 * - W6  Recovery changes nothing but a torn tail, and deletes nothing but temporary files.
 * - W7  A file has its final name only when its content is durable.
 * - W8  Entries follow one another without gap; no truncation reaches the snapshot mark.
 *
 * May import: base, and of raft its nouns and their bytes (`raft/codec.ts`).
 */

export { openDataDirectory } from "./directory.ts";
export { describeStorageError, type StorageError, type StorageErrorCode } from "./errors.ts";
export {
  inspectDirectory,
  type InspectOptions,
  inspectSegment,
  inspectSnapshot,
} from "./inspect.ts";
export * from "./types.ts";
