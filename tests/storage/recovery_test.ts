/** What recovery makes of damage: every cut, every flipped bit, every missing file. */

import assert from "node:assert/strict";
import { concat, utf8 } from "../../src/base/mod.ts";
import { describeStorageError } from "../../src/storage/mod.ts";
import { segmentName } from "../../src/storage/segment.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { SimDisk } from "../support/sim_disk.ts";
import {
  appendAll,
  createSnapshot,
  cutTo,
  DATA,
  entries,
  entry,
  hardState,
  type Open,
  openOn,
  overwrite,
  refusalOn,
  shown,
  snapshotAt,
  write,
} from "./support.ts";

const SEGMENT = `${DATA}/wal/${segmentName(1)}`;

/** A closed directory, and where each of its frames starts and ends. */
type Sample = { disk: SimDisk; bytes: Uint8Array; frames: { offset: number; end: number }[] };

async function sample(frameCount: number, payloadBytes = 0): Promise<Sample> {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  const frames = [{ offset: 0, end: disk.read(SEGMENT, 1e9).length }];
  for (let index = 1; index <= frameCount; index++) {
    const payload = utf8(`${index}@1`.padEnd(payloadBytes, "."));
    const offset = frames.at(-1)!.end;
    await appendAll(directory, [write(index, { entries: [entry(index, 1, payload)] })]);
    const { frames: written, bytes } = directory.wal.status();
    assert.equal(written, index);
    frames.push({ offset, end: (frames[0] as { end: number }).end + bytes });
  }
  await directory.release();
  return { disk, bytes: disk.read(SEGMENT, 1e9), frames };
}

Deno.test("openDataDirectory() keeps all earlier frames when the last is cut at any byte", async () => {
  const { disk, bytes, frames } = await sample(20, 600);
  const last = frames.at(-1)!;
  for (let size = last.offset; size < bytes.length; size++) {
    const copy = disk.afterCrash("keep");
    cutTo(copy, SEGMENT, size);
    const directory = await openOn(copy);
    assert.equal(directory.recovered.entries.length, 19, `cut at ${size}`);
    const cut = size > last.offset ? ["F2"] : [];
    assert.deepEqual(directory.decisions.map(({ row }) => row), cut);
    if (size % 50 !== 0) continue;
    // The log goes on after a cut, in a new segment, and recovers again without a word.
    await appendAll(directory, [write(1, { entries: entries(20, 25, 2) })]);
    const again = await openOn(copy.afterCrash("drop"));
    assert.deepEqual(shown(again.recovered.entries.slice(19)), shown(entries(20, 25, 2)));
    assert.deepEqual(again.decisions, []);
  }
});

Deno.test("openDataDirectory() refuses each flipped bit, with file and offset of its frame", async () => {
  const { disk, bytes, frames } = await sample(40);
  let flips = 0;
  for (let at = 0; at < bytes.length; at++) {
    const frame = frames.find(({ end }) => at < end)!;
    for (let bit = 0; bit < 8; bit++) {
      disk.corrupt(SEGMENT, at, 1 << bit);
      const error = await refusalOn(disk);
      assert.equal(error.code, "corrupt");
      assert.equal(error.path, SEGMENT);
      assert.equal(error.offset, frame.offset, `bit ${bit} of byte ${at}`);
      assert.match(error.remedy, /Restore this node from its peers/);
      disk.corrupt(SEGMENT, at, 1 << bit);
      flips++;
    }
  }
  console.log(`    ${flips} flips in ${frames.length} frames, all refused`);
  assert.deepEqual((await openOn(disk)).decisions, []);
});

Deno.test("openDataDirectory() cuts a last frame with any of its sectors missing", async () => {
  const { disk, bytes, frames } = await sample(5, 3000);
  const { offset, end } = frames.at(-1)!;
  const sectors: [number, number][] = [];
  for (let at = offset; at < end; at = Math.ceil((at + 1) / 512) * 512) {
    sectors.push([at, Math.min(Math.ceil((at + 1) / 512) * 512, end)]);
  }
  assert.ok(sectors.length >= 6);
  const all = 2 ** sectors.length - 1; // then nothing of it is there: row F9
  for (let missing = 1; missing < all; missing++) {
    const copy = disk.afterCrash("keep");
    for (const [index, [from, to]] of sectors.entries()) {
      if (missing & (1 << index)) overwrite(copy, SEGMENT, from, new Uint8Array(to - from));
    }
    const directory = await openOn(copy);
    assert.deepEqual(directory.decisions.map(({ row }) => row), ["F3"], `sectors ${missing}`);
    assert.equal(directory.recovered.entries.length, 4);
    assert.equal(copy.read(SEGMENT, 1e9).length, offset);
  }
  assert.equal(bytes.length, end);
});

Deno.test("openDataDirectory() takes zeros that were written for what they are", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  const offset = disk.read(SEGMENT, 1e9).length;
  const zeros = new Uint8Array(4000);
  zeros[3999] = 1;
  await appendAll(directory, [write(1, { entries: [entry(1, 1, zeros)] })]);
  assert.deepEqual((await openOn(disk.afterCrash("drop"))).recovered.entries[0]?.payload, zeros);
  // Rot in a frame full of zeros must not pass for sectors that never arrived.
  for (const at of [offset + 40, offset + 2000, offset + 4000]) {
    const copy = disk.afterCrash("drop");
    copy.corrupt(SEGMENT, at, 0x10);
    const error = await refusalOn(copy);
    assert.deepEqual([error.code, error.offset], ["corrupt", offset]);
  }
});

Deno.test("openDataDirectory() takes zeros of any length behind the log for room", async () => {
  const { disk, bytes } = await sample(3);
  for (const size of [1, 7, 8, 31, 32, 33, 511, 512, 513, 4096, 70_000]) {
    const copy = disk.afterCrash("keep");
    cutTo(copy, SEGMENT, bytes.length + size);
    const directory = await openOn(copy);
    assert.equal(directory.recovered.entries.length, 3);
    assert.deepEqual(directory.decisions, []);
    await appendAll(directory, [write(1, { entries: entries(4, 5, 1) })]);
    const again = await openOn(copy.afterCrash("drop"));
    assert.equal(again.recovered.entries.length, 5);
    assert.deepEqual(again.decisions, []);
    assert.equal(again.wal.status().segments, 1);
  }
});

Deno.test("openDataDirectory() never takes garbage behind the log for a frame", async () => {
  const { disk, bytes } = await sample(3);
  const random = new SeededRandom(7);
  for (let round = 0; round < 300; round++) {
    const copy = disk.afterCrash("keep");
    const garbage = random.bytes(random.between(1, 2000));
    overwrite(copy, SEGMENT, bytes.length, garbage);
    if (garbage.length < 32) assert.equal((await openOn(copy)).recovered.entries.length, 3);
    else assert.equal((await refusalOn(copy)).offset, bytes.length);
  }
});

Deno.test("openDataDirectory() is not misled by frames that a client stored as a value", async () => {
  // All of a log, its own frames included, as the value in a torn last frame.
  const { disk, bytes, frames } = await sample(6);
  const directory = await openOn(disk);
  const foreign = new SimDisk();
  const other = await openOn(foreign, { seed: 99 });
  await appendAll(other, [write(1, { entries: entries(1, 1, 1) })]);
  for (let id = 2; id < 20; id++) {
    await appendAll(other, [write(id, { entries: entries(id, id, 1) })]);
  }
  // Two bytes in front, so that the frames inside stand where a scan looks for frames.
  const stored = concat([new Uint8Array(2), foreign.read(SEGMENT, 1e9)]);
  await appendAll(directory, [write(1, { entries: [entry(7, 1, stored)] })]);
  await directory.release();
  const copy = disk.afterCrash("keep");
  cutTo(copy, SEGMENT, copy.read(SEGMENT, 1e9).length - 8);
  const again = await openOn(copy);
  assert.deepEqual(again.decisions.map(({ row }) => row), ["F2"]);
  assert.equal(again.recovered.entries.length, frames.length - 1);
  assert.ok(bytes.length > 0);
});

// --- Several segments -------------------------------------------------------------------------

/** Snapshots at 20 and 40, the log from the first segment, marks at both. */
async function rolled(): Promise<{ disk: SimDisk; directory: Open; names: string[] }> {
  const disk = new SimDisk();
  const directory = await openOn(disk, { segmentBytes: 600 });
  await appendAll(directory, [write(1, { hard: hardState(1, "n1") })]);
  for (let index = 1; index <= 50; index++) {
    await appendAll(directory, [write(index + 1, { entries: entries(index, index, 1) })]);
    if (index % 20 !== 0) continue;
    await createSnapshot(directory, snapshotAt(index, 1), [utf8(`state at ${index}`)]);
    await appendAll(directory, [write(1000 + index, { snapshot: snapshotAt(index, 1) })]);
    directory.events.stored.length = 0;
  }
  await directory.release();
  return { disk, directory, names: disk.list(`${DATA}/wal`) };
}

async function expectFullState(disk: SimDisk): Promise<void> {
  const { recovered } = await openOn(disk);
  assert.deepEqual(recovered.snapshot, snapshotAt(40, 1));
  assert.deepEqual(shown(recovered.entries), shown(entries(41, 50, 1)));
}

Deno.test("openDataDirectory() refuses a missing middle segment, and a missing first one", async () => {
  const { disk, names } = await rolled();
  assert.ok(names.length > 6);
  await expectFullState(disk.afterCrash("keep"));
  for (const [at, name] of names.entries()) {
    const copy = disk.afterCrash("keep");
    copy.remove(`${DATA}/wal/${name}`);
    if (at === 0) {
      await expectFullState(copy); // all its entries are in the snapshot, as after `retire`
    } else if (at < names.length - 1) {
      const error = await refusalOn(copy);
      assert.equal(error.code, "missing");
      assert.equal(error.path, `${DATA}/wal/${names[at + 1]}`);
      assert.match(error.reason, /frame \d+ is missing/);
    }
  }
});

Deno.test("openDataDirectory() refuses a log whose start is gone beyond the snapshot", async () => {
  const { disk, names } = await rolled();
  for (let keep = 1; keep < names.length; keep++) {
    const copy = disk.afterCrash("keep");
    for (const name of names.slice(0, keep)) copy.remove(`${DATA}/wal/${name}`);
    // The mark travels with the segments: while it covers what is gone, the start is sound.
    const opened = await openOn(copy).catch(() => undefined);
    if (opened !== undefined) {
      assert.deepEqual(shown(opened.recovered.entries), shown(entries(41, 50, 1)), `${keep}`);
      await opened.release();
    } else assert.equal((await refusalOn(copy)).code, "missing");
  }
  const none = disk.afterCrash("keep");
  for (const name of names) none.remove(`${DATA}/wal/${name}`);
  assert.match((await refusalOn(none)).reason, /no log segment although/);
});

Deno.test("openDataDirectory() refuses a torn tail in a segment that is not the last", async () => {
  const { disk, names } = await rolled();
  const path = `${DATA}/wal/${names[2]}`;
  const size = disk.read(path, 1e9).length;
  cutTo(disk, path, size - 5);
  const error = await refusalOn(disk);
  assert.equal(error.path, path);
  assert.match(error.reason, /damaged frame stands before a sound one/);
});

Deno.test("openDataDirectory() refuses segments of another directory, node or cluster", async () => {
  const { disk, names } = await rolled();
  const strangers = [
    { overrides: { seed: 99 }, reason: /another data directory/ },
    { overrides: { node: "n2" }, reason: /another node/ },
    { overrides: { cluster: utf8("another-16-bytes") }, reason: /another cluster/ },
  ];
  for (const { overrides, reason } of strangers) {
    const foreign = new SimDisk();
    await (await openOn(foreign, overrides)).release();
    const copy = disk.afterCrash("keep");
    for (const name of names) copy.remove(`${DATA}/wal/${name}`);
    const file = copy.open(SEGMENT, "create");
    file.writeAt(0, foreign.read(SEGMENT, 1e9));
    file.close();
    const error = await refusalOn(copy);
    assert.equal(error.code, "foreign");
    assert.equal(error.path, SEGMENT);
    assert.match(error.reason, reason);
  }
});

Deno.test("openDataDirectory() refuses a segment under another's name, and a swapped tail", async () => {
  const { disk, names } = await rolled();
  const renamed = disk.afterCrash("keep");
  renamed.rename(`${DATA}/wal/${names.at(-1)}`, `${DATA}/wal/${segmentName(9999)}`);
  assert.match((await refusalOn(renamed)).reason, /name and its first sequence differ/);
});

Deno.test("openDataDirectory() refuses sound frames and segments of another history", async () => {
  // Two copies of one directory, each with a future of its own: as after restoring a backup.
  const disk = new SimDisk();
  await (await openOn(disk, { segmentBytes: 600 })).release();
  const futures: SimDisk[] = [];
  for (const payload of ["left", "right"]) {
    const copy = disk.afterCrash("keep");
    const directory = await openOn(copy, { segmentBytes: 600 });
    for (let id = 1; id <= 20; id++) {
      await appendAll(directory, [write(id, { entries: [entry(id, 1, payload.padEnd(8))] })]);
    }
    await directory.release();
    futures.push(copy);
  }
  const [left, right] = futures as [SimDisk, SimDisk];
  const names = left.list(`${DATA}/wal`);
  assert.deepEqual(names, right.list(`${DATA}/wal`));
  const second = `${DATA}/wal/${names[1]}`;
  const mixedSegments = left.afterCrash("keep");
  overwrite(mixedSegments, second, 0, right.read(second, 1e9));
  const segment = await refusalOn(mixedSegments);
  assert.deepEqual([segment.code, segment.path, segment.offset], ["corrupt", second, 0]);
  assert.match(segment.reason, /does not continue the frame before it/);
  const mixedFrames = left.afterCrash("keep");
  const bytes = right.read(second, 1e9);
  overwrite(mixedFrames, second, bytes.length - 64, bytes.subarray(-64));
  const frame = await refusalOn(mixedFrames);
  assert.deepEqual([frame.path, frame.offset], [second, bytes.length - 64]);
  assert.match(frame.reason, /does not continue the frame before it/);
});

// --- Snapshots --------------------------------------------------------------------------------

const NEWEST = `${DATA}/snapshots/0000000000000040-1.snap`;
const OLDER = `${DATA}/snapshots/0000000000000020-1.snap`;

Deno.test("openDataDirectory() falls back to an older snapshot when the log is complete", async () => {
  const { disk } = await rolled();
  const size = disk.read(NEWEST, 1e9).length;
  const damage: ((copy: SimDisk) => void)[] = [
    (copy) => copy.remove(NEWEST),
    (copy) => cutTo(copy, NEWEST, size - 1),
    (copy) => cutTo(copy, NEWEST, 0),
  ];
  for (let at = 0; at < size; at++) damage.push((copy) => copy.corrupt(NEWEST, at, 1));
  for (const harm of damage) {
    const copy = disk.afterCrash("keep");
    harm(copy);
    const directory = await openOn(copy);
    assert.deepEqual(directory.decisions.map(({ row }) => row), ["N2"]);
    assert.deepEqual(directory.recovered.snapshot, snapshotAt(20, 1));
    assert.deepEqual(directory.snapshots.latest(), snapshotAt(20, 1));
    assert.deepEqual(shown(directory.recovered.entries), shown(entries(21, 50, 1)));
    await directory.release();
  }
});

Deno.test("openDataDirectory(): after falling back the log goes on from the older snapshot", async () => {
  const { disk } = await rolled();
  disk.remove(NEWEST);
  const directory = await openOn(disk);
  await appendAll(directory, [write(1, { entries: entries(51, 52, 1) })]);
  // A snapshot between the two: the lost one must not stand in its way.
  await createSnapshot(directory, snapshotAt(30, 1));
  await appendAll(directory, [write(2, { snapshot: snapshotAt(30, 1) })]);
  await directory.retire(30);
  const again = await openOn(disk.afterCrash("drop"));
  assert.deepEqual(again.decisions, []);
  assert.deepEqual(again.recovered.snapshot, snapshotAt(30, 1));
  assert.deepEqual(shown(again.recovered.entries), shown(entries(31, 52, 1)));
});

Deno.test("openDataDirectory() falls back to the origin while the first segment is there", async () => {
  const { disk } = await rolled();
  disk.remove(NEWEST);
  disk.corrupt(OLDER, 40, 1);
  const directory = await openOn(disk);
  assert.deepEqual(directory.decisions.map(({ row }) => row), ["N2"]);
  assert.deepEqual(directory.recovered.snapshot, { ...snapshotAt(0, 0) });
  assert.equal(directory.snapshots.latest(), undefined);
  assert.deepEqual(shown(directory.recovered.entries), shown(entries(1, 50, 1)));
});

Deno.test("openDataDirectory() refuses when nothing replaces an unreadable snapshot", async () => {
  const { disk } = await rolled();
  disk.remove(SEGMENT);
  const gone = disk.afterCrash("keep");
  gone.remove(OLDER);
  gone.remove(NEWEST);
  const missing = await refusalOn(gone);
  assert.deepEqual([missing.code, missing.path], ["missing", NEWEST]);
  const damaged = disk.afterCrash("keep");
  damaged.corrupt(NEWEST, 40, 1);
  damaged.corrupt(OLDER, 40, 1);
  const error = await refusalOn(damaged);
  assert.deepEqual([error.code, error.path, error.offset], ["corrupt", NEWEST, 0]);
  assert.match(
    describeStorageError(error),
    /at byte 0: the snapshot is damaged.*Restore this node/,
  );
});

Deno.test("openDataDirectory() changes nothing when it refuses (W6)", async () => {
  const { disk, names } = await rolled();
  disk.corrupt(`${DATA}/wal/${names[1]}`, 3, 1);
  disk.open(`${DATA}/wal/x.tmp`, "create").close();
  const before = disk.operationCount;
  await refusalOn(disk);
  assert.equal(disk.operationCount, before);
});
