/**
 * What stands in a records frame: the parts of raft's `Write`s, in the order in which they take
 * effect. One byte of kind, then the noun in raft's own spelling.
 */

import { type ByteReader, type ByteWriter, decode, DecodeError, type Result } from "../base/mod.ts";
import {
  type Entry,
  type HardState,
  type Index,
  readEntry,
  readSnapshotRef,
  type SnapshotRef,
  type Write,
  writeEntry,
  writeSnapshotRef,
} from "../raft/mod.ts";

export type LogRecord =
  | { readonly kind: "hard"; readonly hard: HardState }
  | { readonly kind: "truncate"; readonly from: Index }
  | { readonly kind: "mark"; readonly mark: SnapshotRef }
  | { readonly kind: "entry"; readonly entry: Entry };

const TAGS = { hard: 1, truncate: 2, mark: 3, entry: 4 } as const;
const TAG_LIST = Object.values(TAGS);

/** Tag, index, term, kind and length of an entry; a generous bound for the other records. */
const ENTRY_HEAD_BYTES = 1 + 8 + 8 + 1 + 4;
const OTHER_RECORD_BYTES = 4096;

/** The parts of a write, in the order that its type documents. */
export function recordsOf(write: Write): LogRecord[] {
  const records: LogRecord[] = [];
  if (write.hard) records.push({ kind: "hard", hard: write.hard });
  if (write.truncateFrom !== undefined) {
    records.push({ kind: "truncate", from: write.truncateFrom });
  }
  if (write.snapshot) records.push({ kind: "mark", mark: write.snapshot });
  for (const entry of write.entries) records.push({ kind: "entry", entry });
  return records;
}

/** Whether the write asks for nothing but to come after those before it. */
export function isEmpty(write: Write): boolean {
  return write.entries.length === 0 && write.hard === undefined &&
    write.truncateFrom === undefined && write.snapshot === undefined;
}

/** About how many bytes the record takes: exact for entries, the only ones that can be large. */
export function recordBytes(record: LogRecord): number {
  if (record.kind !== "entry") return OTHER_RECORD_BYTES;
  return ENTRY_HEAD_BYTES + record.entry.payload.length;
}

export function writeBytes(write: Write): number {
  let bytes = 0;
  for (const entry of write.entries) bytes += ENTRY_HEAD_BYTES + entry.payload.length;
  return bytes;
}

export function writeRecord(writer: ByteWriter, record: LogRecord): void {
  writer.u8(TAGS[record.kind]);
  switch (record.kind) {
    case "hard":
      return writeHardState(writer, record.hard);
    case "truncate":
      return void writer.u64(record.from);
    case "mark":
      return writeSnapshotRef(writer, record.mark);
    case "entry":
      return writeEntry(writer, record.entry);
  }
}

/** Calls `visit` for each record, which may refuse it with a reason. Payloads are views. */
export function readRecords(
  payload: Uint8Array,
  visit: (record: LogRecord) => Result<void, string>,
): Result<void, string> {
  return decode(payload, (reader) => {
    while (reader.remaining > 0) {
      const taken = visit(readRecord(reader));
      if (!taken.ok) throw new DecodeError(taken.error);
    }
  });
}

function readRecord(reader: ByteReader): LogRecord {
  switch (reader.tag(TAG_LIST, "record kind")) {
    case TAGS.hard:
      return { kind: "hard", hard: readHardState(reader) };
    case TAGS.truncate:
      return { kind: "truncate", from: reader.u64() };
    case TAGS.mark:
      return { kind: "mark", mark: readSnapshotRef(reader) };
    case TAGS.entry:
      return { kind: "entry", entry: readEntry(reader) };
  }
}

/** Term, commit, then the vote: no node has an empty id, so the empty text is "none". */
export function writeHardState(writer: ByteWriter, hard: HardState): void {
  writer.u64(hard.term).u64(hard.commit).text(hard.vote ?? "");
}

export function readHardState(reader: ByteReader): HardState {
  const term = reader.u64();
  const commit = reader.u64();
  const vote = reader.text();
  return { term, commit, vote: vote === "" ? null : vote };
}
