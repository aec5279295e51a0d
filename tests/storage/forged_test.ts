/** Frames whose checks hold and whose content cannot be: newer versions, impossible records. */

import assert from "node:assert/strict";
import type { ByteWriter } from "../../src/base/mod.ts";
import {
  FORMAT_VERSION,
  type FrameKind,
  FrameWriter,
  HEADER_BYTES,
  parseFrame,
} from "../../src/storage/frame.ts";
import { type LogRecord, writeRecord } from "../../src/storage/records.ts";
import {
  HEAD_SEED,
  readSegmentHead,
  recordsSeed,
  type SegmentHead,
  segmentName,
  writeSegmentHead,
} from "../../src/storage/segment.ts";
import { SimDisk } from "../support/sim_disk.ts";
import {
  appendAll,
  entries,
  entry,
  hardState,
  hash,
  openOn,
  overwrite,
  refusalOn,
  snapshotAt,
  write,
} from "./support.ts";

const SEGMENT = `data/wal/${segmentName(1)}`;

/** A log of one frame, and the means to add sound frames of any content behind it. */
async function prepared(): Promise<{
  disk: SimDisk;
  head: SegmentHead;
  add: (build: (writer: ByteWriter) => void, kind?: FrameKind) => number;
  addSegment: (change: Partial<SegmentHead>) => string;
}> {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  const start = { hard: hardState(2, "n1"), entries: entries(1, 5, 1) };
  await appendAll(directory, [write(1, start)]);
  await directory.release();
  const bytes = disk.read(SEGMENT, 1e9);
  const first = parseFrame(bytes, 0, { hash, seed: HEAD_SEED });
  assert.ok(first.state === "sound");
  const parsed = readSegmentHead(first.frame.payload);
  assert.ok(parsed.ok);
  const head = parsed.value;
  const seed = recordsSeed(hash, head.directory);
  const second = parseFrame(bytes, first.frame.endOffset, { hash, seed });
  assert.ok(second.state === "sound");
  let { sequence, check } = second.frame.header;
  const frame = new FrameWriter(hash);
  return {
    disk,
    head,
    add(build, kind = "records") {
      const offset = disk.read(SEGMENT, 1e9).length;
      build(frame.begin());
      const sealed = frame.seal({ kind, sequence: ++sequence, previous: check, offset, seed });
      check = sealed.check;
      overwrite(disk, SEGMENT, offset, sealed.bytes);
      return offset;
    },
    addSegment(change) {
      const last = { index: 5, term: 1 };
      writeSegmentHead(frame.begin(), { ...head, hard: hardState(2, "n1"), last, ...change });
      const place = { kind: "segment", sequence: ++sequence, previous: check } as const;
      const sealed = frame.seal({ ...place, offset: 0, seed: HEAD_SEED });
      const path = `data/wal/${segmentName(sequence)}`;
      disk.open(path, "create").close();
      overwrite(disk, path, 0, sealed.bytes);
      return path;
    },
  };
}

/** Makes the frame at `offset` one of the next format version, with checks that hold. */
function makeNewer(disk: SimDisk, path: string, place: { offset: number; seed: number }): void {
  const bytes = disk.read(path, 1e9).slice();
  const header = bytes.subarray(place.offset, place.offset + HEADER_BYTES);
  header[5] = FORMAT_VERSION + 1;
  const check = hash.crc32(header.subarray(0, HEADER_BYTES - 4), place.seed);
  new DataView(header.buffer, header.byteOffset).setUint32(28, check, true);
  overwrite(disk, path, 0, bytes);
}

Deno.test("openDataDirectory() accepts forged frames that are right, so the others count", async () => {
  const { disk, add, addSegment } = await prepared();
  add((writer) => writeRecord(writer, { kind: "entry", entry: entry(6, 2) }));
  addSegment({ last: { index: 6, term: 2 } });
  const { recovered } = await openOn(disk);
  assert.deepEqual(recovered.entries.length, 6);
});

const IMPOSSIBLE: [string, LogRecord, RegExp][] = [
  ["a gap", { kind: "entry", entry: entry(7, 2) }, /entry 7 follows 5/],
  ["a repetition", { kind: "entry", entry: entry(5, 2) }, /entry 5 follows 5/],
  ["an older term", { kind: "entry", entry: entry(6, 0) }, /term 0 follows term 1/],
  ["a lower term", { kind: "hard", hard: hardState(1) }, /term 1 follows term 2/],
  ["a second vote", { kind: "hard", hard: hardState(2, "n3") }, /a second vote in term 2/],
  ["a truncation past the end", { kind: "truncate", from: 7 }, /truncation from 7 of a log/],
  ["a truncation of the origin", { kind: "truncate", from: 0 }, /reaches the snapshot at 0/],
];

for (const [what, record, reason] of IMPOSSIBLE) {
  Deno.test(`openDataDirectory() refuses a sound frame with ${what}`, async () => {
    const { disk, add } = await prepared();
    const offset = add((writer) => writeRecord(writer, record));
    const error = await refusalOn(disk);
    assert.deepEqual([error.code, error.path, error.offset], ["corrupt", SEGMENT, offset]);
    assert.match(error.reason, reason);
  });
}

Deno.test("openDataDirectory() refuses a sound frame of garbage, and of another kind", async () => {
  const garbage = await prepared();
  garbage.add((writer) => writer.u8(77));
  assert.match((await refusalOn(garbage.disk)).reason, /unknown record kind 77/);
  const kind = await prepared();
  kind.add((writer) => writer.u8(1), "block");
  assert.match((await refusalOn(kind.disk)).reason, /chain is broken/);
});

const CONTRADICTIONS: [string, Partial<SegmentHead>, RegExp][] = [
  ["another end", { last: { index: 4, term: 1 } }, /ends at 4, expected 5/],
  ["another last term", { last: { index: 5, term: 2 } }, /ends at 5/],
  ["another term", { hard: hardState(3, "n1") }, /hard state is of term 3, expected 2/],
  ["another vote", { hard: hardState(2, "n2") }, /hard state/],
  ["a mark never set", { mark: snapshotAt(3, 1) }, /snapshot mark 3 was never set/],
  ["a mark past its end", { mark: snapshotAt(6, 1) }, /the log ends before its mark/],
];

for (const [what, change, reason] of CONTRADICTIONS) {
  Deno.test(`openDataDirectory() refuses a segment that begins with ${what}`, async () => {
    const { disk, addSegment } = await prepared();
    const path = addSegment(change);
    const error = await refusalOn(disk);
    assert.deepEqual([error.code, error.path, error.offset], ["corrupt", path, 0]);
    assert.match(error.reason, reason);
  });
}

Deno.test("openDataDirectory() refuses newer frames, segments and identities as such", async () => {
  const frame = await prepared();
  const offset = frame.add((writer) => writer.u8(200));
  const seed = recordsSeed(hash, frame.head.directory);
  makeNewer(frame.disk, SEGMENT, { offset, seed });
  const inLog = await refusalOn(frame.disk);
  assert.deepEqual([inLog.code, inLog.path, inLog.offset], ["version", SEGMENT, offset]);
  assert.match(inLog.remedy, /newer/);
  const head = await prepared();
  const path = head.addSegment({});
  makeNewer(head.disk, path, { offset: 0, seed: HEAD_SEED });
  const inHead = await refusalOn(head.disk);
  assert.deepEqual([inHead.code, inHead.path], ["version", path]);
  const identity = await prepared();
  makeNewer(identity.disk, "data/identity", { offset: 0, seed: 0 });
  const inIdentity = await refusalOn(identity.disk);
  assert.deepEqual([inIdentity.code, inIdentity.path], ["version", "data/identity"]);
});
