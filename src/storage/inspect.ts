/**
 * A data directory as text, for `keva inspect`. Reads with the eyes of recovery, takes no lock,
 * writes nothing, and never fails: where the bytes end to make sense, it says so and why.
 *
 * Positions read `5@2`: index 5 of term 2. Payloads show by size and kind only; what is in a
 * command may be told by the caller's `describe`.
 */

import {
  type Disk,
  type Hash,
  hex,
  ok,
  printable,
  printableText,
  type Result,
  utf8,
} from "../base/mod.ts";
import type { Entry, HardState, Membership, Position, SnapshotRef } from "../raft/mod.ts";
import { attempt, describeStorageError, type StorageError } from "./errors.ts";
import type { Frame } from "./frame.ts";
import { identityPath, readIdentity } from "./identity.ts";
import { type LogRecord, readRecords } from "./records.ts";
import { readSegment, segmentSequences } from "./recovery.ts";
import {
  type Owner,
  recordsSeed,
  type SegmentHead,
  segmentName,
  segmentSequence,
} from "./segment.ts";
import { SnapshotDecoder, type SnapshotPart, snapshotPosition } from "./snapshot_file.ts";
import { type ChainEnd, explain, soundFrameBehind, walkSegment } from "./walk.ts";

export type InspectOptions = {
  readonly disk: Disk;
  readonly hash: Hash;
  readonly path: string;
  readonly print: (line: string) => void;
  /** One line about a command, for example its keys. */
  readonly describe?: (command: Uint8Array) => string;
};

/** Every frame and record of one WAL segment. */
export function inspectSegment(options: InspectOptions): void {
  const named = segmentSequence(baseName(options.path));
  inspectOne(options, { named, owner: undefined, after: undefined, newerSegments: false });
}

type Place = {
  readonly named: number | undefined;
  readonly owner: Owner | undefined;
  readonly after: ChainEnd | undefined;
  readonly newerSegments: boolean;
};

function inspectOne(options: InspectOptions, place: Place): ChainEnd | undefined {
  const { disk, hash, path, print } = options;
  const bytes = readSegment(disk, path);
  if (!bytes.ok) return void print(describeStorageError(bytes.error));
  print(`segment ${path}, ${bytes.value.length} bytes`);
  if (place.named === undefined) print("  its name is not that of a segment");
  // A file under another name is read for what it says of itself.
  const named = place.named ?? sequenceInHead(bytes.value);
  let seed: number | undefined;
  const walk = walkSegment({ ...place, bytes: bytes.value, hash, named }, {
    head(head, frame) {
      seed = recordsSeed(hash, head.directory);
      printHead(print, head, frame);
      return ok();
    },
    records: (frame, offset) => printRecords(options, frame, offset),
  });
  if (walk.row.action === "accept") {
    print(`  at ${walk.offset}: end of the segment`);
    return walk.end;
  }
  const verdict = walk.row.action === "cut" ? "recovery cuts here" : "recovery refuses";
  const reason = explain(walk.row.reason, walk.detail);
  print(`  at ${walk.offset}: stop, ${verdict} (${walk.row.id}): ${reason}`);
  if (seed === undefined || walk.end === undefined) return undefined;
  const damaged = { offset: walk.offset, end: walk.end, seed };
  const behind = soundFrameBehind({ bytes: bytes.value, hash }, damaged);
  if (behind !== undefined) print(`  at ${behind}: the next sound frame`);
  return undefined;
}

function sequenceInHead(bytes: Uint8Array): number {
  if (bytes.length < 24) return 0;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(16, true);
}

function printHead(print: (line: string) => void, head: SegmentHead, frame: Frame): void {
  const { header } = frame;
  print(`  at 0: frame ${header.sequence}, segment head, ${showCheck(header)}`);
  print(`    format ${header.version}, node ${safe(head.node)}, cluster ${hex(head.cluster)}`);
  print(`    directory ${hex(head.directory)}`);
  print(`    ${showHard(head.hard)}`);
  print(`    ${showMark(head.mark)}`);
  print(`    last ${showPosition(head.last)}`);
}

function printRecords(
  options: InspectOptions,
  frame: Frame,
  offset: number,
): Result<void, string> {
  const { header } = frame;
  options.print(
    `  at ${offset}: frame ${header.sequence}, ${header.lengthBytes} bytes, ${showCheck(header)}`,
  );
  return readRecords(frame.payload, (record) => {
    options.print(`    ${showRecord(record, options.describe)}`);
    return ok();
  });
}

function showRecord(record: LogRecord, describe: InspectOptions["describe"]): string {
  switch (record.kind) {
    case "hard":
      return showHard(record.hard);
    case "truncate":
      return `truncate from ${record.from}`;
    case "mark":
      return showMark(record.mark);
    case "entry":
      return showEntry(record.entry, describe);
  }
}

function showEntry(entry: Entry, describe: InspectOptions["describe"]): string {
  const text = `entry ${showPosition(entry)} ${entry.kind}, ${entry.payload.length} bytes`;
  if (entry.kind !== "command" || describe === undefined) return text;
  return `${text}: ${safe(describe(entry.payload))}`;
}

function showHard({ term, vote, commit }: HardState): string {
  return `hard state term ${term}, vote ${vote === null ? "none" : safe(vote)}, commit ${commit}`;
}

function showMark({ position, membership }: SnapshotRef): string {
  return `snapshot mark ${showPosition(position)}, ${showMembership(membership)}`;
}

function showMembership({ voters, learners }: Membership): string {
  const names = (members: Membership["voters"]): string =>
    members.map(({ id }) => safe(id)).join(" ") || "none";
  return `voters ${names(voters)}, learners ${names(learners)}`;
}

function showPosition({ index, term }: Position): string {
  return `${index}@${term}`;
}

function showCheck(header: { check: number; previous: number }): string {
  const word = (check: number): string => check.toString(16).padStart(8, "0");
  return `check ${word(header.check)} after ${word(header.previous)}`;
}

/** Text from the disk can neither forge a line nor drive a terminal. */
function safe(text: string): string {
  return printable(utf8(text), 256);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

// --- Snapshots --------------------------------------------------------------------------------

/** Head, blocks and trailer of one snapshot file. */
export function inspectSnapshot(options: InspectOptions): void {
  const { disk, hash, path, print } = options;
  const opened = attempt(() => disk.open(path, "read"));
  if (!opened.ok) return print(describeStorageError(opened.error));
  const file = opened.value;
  const size = attempt(() => file.size());
  print(`snapshot ${path}, ${size.ok ? size.value : "unknown"} bytes`);
  const named = snapshotPosition(baseName(path));
  if (named === undefined) print("  its name is not that of a snapshot");
  const decoder = new SnapshotDecoder(file, hash);
  for (;;) {
    const offset = decoder.offset;
    const part = decoder.next();
    if (!part.ok) {
      print(`  at ${offset}: stop: ${part.error.reason}`);
      break;
    }
    if (part.value === undefined) {
      print(`  at ${offset}: end of the snapshot`);
      break;
    }
    for (const line of showPart(part.value)) print(`  at ${offset}: ${line}`);
  }
  attempt(() => file.close());
}

function showPart(part: SnapshotPart): string[] {
  switch (part.kind) {
    case "head": {
      const { cluster, ref } = part.head;
      return [
        `snapshot at ${showPosition(ref.position)}, cluster ${hex(cluster)}`,
        showMembership(ref.membership),
      ];
    }
    case "block":
      return [`block, ${part.block.length} bytes`];
    case "trailer": {
      const { blocks, bytes, digest } = part.trailer;
      return [`trailer, ${blocks} blocks, ${bytes} bytes, digest ${safe(digest)}`];
    }
  }
}

// --- The whole directory ----------------------------------------------------------------------

/** Identity, all segments as one chain, all snapshots. */
export function inspectDirectory(options: InspectOptions): void {
  const { disk, hash, path, print } = options;
  const identity = readIdentity(disk, hash, identityPath(path));
  print(`directory ${path}`);
  const owner = identity.ok ? identity.value : undefined;
  if (!identity.ok) print(`  identity: ${describeStorageError(identity.error)}`);
  else if (owner === undefined) print("  identity: missing");
  else {
    print(`  identity: node ${safe(owner.node)}, cluster ${hex(owner.cluster)}`);
    print(`  directory ${hex(owner.directory)}, format ${owner.formatVersion}, boot ${owner.boot}`);
  }
  inspectSegments(options, owner);
  const snapshots = `${path}/snapshots`;
  // Whoever put a file there chose its name, and could drive the terminal with it.
  const printSafely = (line: string): void => print(printableText(line));
  for (const name of listed(options, snapshots)) {
    inspectSnapshot({ ...options, path: `${snapshots}/${name}`, print: printSafely });
  }
}

function inspectSegments(options: InspectOptions, owner: Owner | undefined): void {
  const walPath = `${options.path}/wal`;
  const sequences = attempt(() => segmentSequences(options.disk, walPath));
  if (!sequences.ok) return options.print(describeStorageError(sequences.error));
  if (sequences.value.length === 0) options.print(`  no log segment in ${walPath}`);
  let after: ChainEnd | undefined;
  for (const [at, named] of sequences.value.entries()) {
    const newerSegments = at < sequences.value.length - 1;
    const path = `${walPath}/${segmentName(named)}`;
    after = inspectOne({ ...options, path }, { named, owner, after, newerSegments });
  }
}

function listed(options: InspectOptions, path: string): string[] {
  const names: Result<string[], StorageError> = attempt(() => options.disk.list(path));
  if (names.ok) return names.value;
  options.print(describeStorageError(names.error));
  return [];
}
