/** Frames, records and heads: what is written is read, and any other bytes are refused. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteWriter, err, ok } from "../../src/base/mod.ts";
import type { Entry, Membership, Write } from "../../src/raft/mod.ts";
import {
  frameBytes,
  FrameWriter,
  headerSectorMissing,
  parseFrame,
  zeroSectors,
} from "../../src/storage/frame.ts";
import {
  type LogRecord,
  readRecords,
  recordBytes,
  recordsOf,
  writeRecord,
} from "../../src/storage/records.ts";
import {
  readSegmentHead,
  type SegmentHead,
  segmentName,
  segmentSequence,
  writeSegmentHead,
} from "../../src/storage/segment.ts";
import { snapshotName, snapshotPosition } from "../../src/storage/snapshot_file.ts";
import { BOOTSTRAP, hash, write } from "./support.ts";

const number = fc.maxSafeNat();
const id = fc.string({ minLength: 1, maxLength: 12 });
const member = fc.record({ id, directory: fc.string({ maxLength: 8 }) });
const members = fc.array(member, { maxLength: 4 });
const membership: fc.Arbitrary<Membership> = fc.record({ voters: members, learners: members });
const position = fc.record({ index: number, term: number });
const hard = fc.record({ term: number, vote: fc.option(id), commit: number });
const mark = fc.record({ position, membership });
const entry: fc.Arbitrary<Entry> = fc.record({
  index: number,
  term: number,
  kind: fc.constantFrom("noop", "command", "membership"),
  payload: fc.uint8Array({ maxLength: 2000 }),
});
const record: fc.Arbitrary<LogRecord> = fc.oneof(
  fc.record({ kind: fc.constant("hard" as const), hard }),
  fc.record({ kind: fc.constant("truncate" as const), from: number }),
  fc.record({ kind: fc.constant("mark" as const), mark }),
  fc.record({ kind: fc.constant("entry" as const), entry }),
);
const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 });

function plain<T>(value: T): T {
  return structuredClone(value); // generated records have no prototype
}

Deno.test("parseFrame() reads what FrameWriter seals, at any place, and nothing else", () => {
  const writer = new FrameWriter(hash);
  fc.assert(fc.property(
    fc.uint8Array({ maxLength: 3000 }),
    fc.record({
      kind: fc.constantFrom("segment", "records", "snapshot", "block", "trailer", "identity"),
      sequence: number,
      previous: fc.nat(0xffffffff),
      offset: fc.nat(5000).map((n) => n * 8),
      seed: fc.nat(0xffffffff),
    }),
    fc.nat(),
    (payload, place, at) => {
      writer.begin().raw(payload);
      const { bytes, check } = writer.seal({ ...place, kind: place.kind as "records" });
      assert.equal(bytes.length, frameBytes(payload.length));
      const parsed = parseFrame(bytes, 0, { hash, seed: place.seed });
      assert.ok(parsed.state === "sound");
      const { header } = parsed.frame;
      assert.deepEqual(parsed.frame.payload, payload);
      assert.deepEqual(
        [header.kind, header.sequence, header.previous, header.check],
        [place.kind, place.sequence, place.previous, check],
      );
      assert.equal(header.zeros, zeroSectors(bytes, place.offset));
      assert.notEqual(parseFrame(bytes, 0, { hash, seed: (place.seed ^ 1) >>> 0 }).state, "sound");
      const damaged = bytes.slice();
      damaged[at % bytes.length]! ^= 1 << (at % 8);
      assert.notEqual(parseFrame(damaged, 0, { hash, seed: place.seed }).state, "sound");
      const cut = bytes.subarray(0, at % bytes.length);
      assert.equal(parseFrame(cut, 0, { hash, seed: place.seed }).state, "cut");
    },
  ));
});

Deno.test("parseFrame() takes any bytes without throwing", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(250), (bytes, offset) => {
    assert.notEqual(parseFrame(bytes, offset, { hash, seed: 0 }).state, "sound");
  }));
});

Deno.test("readRecords() reads what writeRecord() writes, in order", () => {
  fc.assert(fc.property(fc.array(record, { maxLength: 8 }), (records) => {
    const writer = new ByteWriter();
    for (const one of records) {
      const before = writer.length;
      writeRecord(writer, one);
      assert.ok(writer.length - before <= recordBytes(one));
      if (one.kind === "entry") assert.equal(writer.length - before, recordBytes(one));
    }
    const found: LogRecord[] = [];
    const read = readRecords(writer.view(), (one) => {
      found.push(one);
      return ok();
    });
    assert.deepEqual(read, ok());
    assert.deepEqual(plain(found), plain(records));
  }));
});

Deno.test("readRecords() refuses every proper prefix and every unknown kind, without throwing", () => {
  fc.assert(fc.property(record, (one) => {
    const writer = new ByteWriter();
    writeRecord(writer, one);
    const bytes = writer.finish();
    for (let size = 1; size < bytes.length; size += Math.ceil(bytes.length / 40)) {
      assert.equal(readRecords(bytes.subarray(0, size), () => ok()).ok, false);
    }
    bytes[0] = 9;
    assert.equal(readRecords(bytes, () => ok()).ok, false);
  }));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    readRecords(bytes, () => ok());
  }));
});

Deno.test("readRecords() passes on what the visitor refuses", () => {
  const writer = new ByteWriter();
  writeRecord(writer, { kind: "truncate", from: 4 });
  const read = readRecords(writer.view(), () => err("not this one"));
  assert.deepEqual(read, err("not this one"));
});

Deno.test("recordsOf() gives the parts of a write in the order that takes effect", () => {
  const whole: Write = write(1, {
    hard: { term: 1, vote: null, commit: 0 },
    truncateFrom: 5,
    snapshot: { position: { index: 3, term: 1 }, membership: BOOTSTRAP },
    entries: [{ index: 5, term: 1, kind: "noop", payload: new Uint8Array(0) }],
  });
  assert.deepEqual(recordsOf(whole).map(({ kind }) => kind), ["hard", "truncate", "mark", "entry"]);
  assert.deepEqual(recordsOf(write(1, {})), []);
});

Deno.test("readSegmentHead() reads what writeSegmentHead() writes", () => {
  const head: fc.Arbitrary<SegmentHead> = fc.record({
    cluster: sixteen,
    directory: sixteen,
    node: id,
    hard,
    mark,
    last: position,
  }).filter(({ mark, last }) => last.index >= mark.position.index); // a log ends at or behind its mark
  fc.assert(fc.property(head, (one) => {
    const writer = new ByteWriter();
    writeSegmentHead(writer, one);
    const read = readSegmentHead(writer.view());
    assert.ok(read.ok);
    assert.deepEqual(plain(read.value), plain(one));
    assert.equal(readSegmentHead(writer.view().subarray(1)).ok, false);
  }));
});

Deno.test("segmentName() and snapshotName() sort by what they name, and only they are read back", () => {
  assert.equal(segmentName(12), "0000000000000012.wal");
  fc.assert(fc.property(number, number, (a, b) => {
    assert.equal(segmentSequence(segmentName(a)), a);
    assert.equal(segmentName(a) < segmentName(b), a < b);
    const at = { index: a, term: b };
    assert.deepEqual(snapshotPosition(snapshotName(at)), at);
  }));
  for (const name of ["12.wal", "0000000000000012.wal.tmp", "0000000000000012.wal~", "LOCK"]) {
    assert.equal(segmentSequence(name), undefined);
  }
  for (const name of ["5-2.snap", "0000000000000005-2.snap.tmp", "0000000000000005.snap"]) {
    assert.equal(snapshotPosition(name), undefined);
  }
});

Deno.test("zeroSectors() counts sectors of the file, not of the frame", () => {
  assert.equal(zeroSectors(new Uint8Array(32), 0), 0);
  assert.equal(zeroSectors(new Uint8Array(2048), 0), 3, "the header's sector does not count");
  assert.equal(zeroSectors(new Uint8Array(2048), 504), 3, "a header across two sectors: neither");
  assert.equal(zeroSectors(new Uint8Array(2048), 480), 4);
  const bytes = new Uint8Array(2048);
  bytes[600] = 1;
  assert.equal(zeroSectors(bytes, 0), 2);
});

Deno.test("headerSectorMissing() looks at each sector that the header lies in", () => {
  const header = new Uint8Array(32).fill(1);
  const at = (offset: number, zeroFrom: number, zeroTo: number): boolean => {
    const bytes = new Uint8Array(offset + 32);
    bytes.set(header, offset);
    bytes.fill(0, offset + zeroFrom, offset + zeroTo);
    return headerSectorMissing(bytes, offset);
  };
  assert.equal(at(0, 0, 0), false);
  assert.equal(at(0, 0, 32), true);
  assert.equal(at(0, 0, 31), false);
  assert.equal(at(496, 0, 16), true);
  assert.equal(at(496, 16, 32), true);
  assert.equal(at(496, 15, 31), false);
});
