/** The log while it is written: gathering, acknowledging, rolling, retiring, failing. */

import assert from "node:assert/strict";
import { limits } from "../../src/base/mod.ts";
import type { Write } from "../../src/raft/mod.ts";
import { SimDisk } from "../support/sim_disk.ts";
import {
  appendAll,
  createSnapshot,
  entries,
  entry,
  hardState,
  type Open,
  openOn,
  shown,
  snapshotAt,
  until,
  write,
} from "./support.ts";

const FIRST = "data/wal/0000000000000001.wal";

async function reopen(disk: SimDisk, overrides = {}): Promise<Open> {
  return await openOn(disk.afterCrash("drop"), overrides);
}

Deno.test("Wal.append() merges what arrives during a sync into one frame", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  disk.holdSyncs();
  directory.wal.append(write(1, { hard: hardState(1), entries: entries(1, 1, 1) }));
  await until(() => disk.heldSyncs === 1);
  for (let id = 2; id <= 100; id++) {
    directory.wal.append(write(id, { entries: entries(id, id, 1) }));
  }
  const batches: number[] = [];
  directory.events.onBatch = (writes) => batches.push(writes.length);
  disk.releaseSyncs();
  await until(() => directory.events.stored.length === 100);
  assert.deepEqual(batches, [1, 99]);
  assert.equal(directory.wal.status().frames, 2);
  assert.equal(directory.wal.status().syncs, 2);
  assert.deepEqual(directory.events.stored.map(({ id }) => id), ids(1, 100));
  const again = await reopen(disk);
  assert.deepEqual(shown(again.recovered.entries), shown(entries(1, 100, 1)));
  assert.deepEqual(again.recovered.hard, hardState(1));
});

Deno.test("Wal.append() gathers all writes of one turn, and calls back in a later one", async () => {
  const directory = await openOn(new SimDisk());
  for (let id = 1; id <= 10; id++) {
    directory.wal.append(write(id, { entries: entries(id, id, 1) }));
    assert.equal(directory.events.stored.length, 0);
  }
  await until(() => directory.events.stored.length === 10);
  assert.equal(directory.wal.status().frames, 1);
});

Deno.test("Wal.append() of nothing waits for what came before, and costs no sync of its own", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  disk.holdSyncs();
  directory.wal.append(write(1, { entries: entries(1, 1, 1) }));
  await until(() => disk.heldSyncs === 1);
  directory.wal.append(write(2, {}));
  assert.equal(directory.events.stored.length, 0);
  disk.releaseSyncs();
  await until(() => directory.events.stored.length === 2);
  assert.equal(directory.wal.status().syncs, 1);
  directory.wal.append(write(3, {}));
  await until(() => directory.events.stored.length === 3);
  assert.equal(directory.wal.status().frames, 1);
});

Deno.test("W1: nothing is stored before a sync that began after its last byte", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  let syncsBefore = disk.syncsOf(FIRST);
  directory.events.onBatch = () => {
    assert.ok(disk.syncsOf(FIRST) > syncsBefore, "a sync of the segment has completed");
    syncsBefore = disk.syncsOf(FIRST);
    const stored = directory.events.stored.flatMap((one) => one.entries);
    checked.push(
      reopen(disk).then((again) => {
        assert.deepEqual(shown(again.recovered.entries.slice(0, stored.length)), shown(stored));
      }),
    );
  };
  const checked: Promise<void>[] = [];
  for (let id = 1; id <= 30; id++) {
    directory.wal.append(write(id, { entries: entries(id, id, 1) }));
    if (id % 3 === 0) await until(() => directory.events.stored.length === id);
  }
  assert.ok(checked.length >= 10);
  await Promise.all(checked);
});

Deno.test("W2: the next frame is not written while a sync is under way", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  disk.recording = true;
  disk.holdSyncs();
  directory.wal.append(write(1, { entries: entries(1, 1, 1) }));
  await until(() => disk.heldSyncs === 1);
  directory.wal.append(write(2, { entries: entries(2, 2, 1) }));
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  const room = "write";
  assert.deepEqual(disk.operations.map(({ kind }) => kind), ["write", room, "sync"]);
  assert.ok(directory.wal.status().queuedWrites === 1);
  disk.releaseSyncs();
  await until(() => directory.events.stored.length === 2);
});

Deno.test("Wal.append() closes a frame at walFrameBytesMax and splits larger writes", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  const large = new Uint8Array(limits.walFrameBytesMax / 4).fill(7);
  const nine = Array.from({ length: 9 }, (_, at) => entry(at + 1, 1, large));
  await appendAll(directory, [
    write(1, { entries: nine }),
    write(2, { entries: entries(10, 10, 1) }),
  ]);
  assert.equal(directory.wal.status().frames, 3);
  const again = await reopen(disk);
  assert.equal(again.recovered.entries.length, 10);
  assert.ok(
    again.recovered.entries.slice(0, 9).every(({ payload }) => payload.length === large.length),
  );
});

Deno.test("Wal.append() carries every part of a write, in the order of its type", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  await createSnapshot(directory, snapshotAt(4, 1));
  await appendAll(directory, [
    write(1, { hard: hardState(1, "n1"), entries: entries(1, 6, 1) }),
    write(2, {
      hard: hardState(3, "n2", 4),
      truncateFrom: 6,
      snapshot: snapshotAt(4, 1),
      entries: entries(6, 8, 3),
    }),
  ]);
  const { recovered } = await reopen(disk);
  assert.deepEqual(recovered.hard, hardState(3, "n2", 4));
  assert.deepEqual(recovered.snapshot, snapshotAt(4, 1));
  assert.deepEqual(shown(recovered.entries), ["5@1:5@1", "6@3:6@3", "7@3:7@3", "8@3:8@3"]);
});

Deno.test("Wal: a mark past the log, or of another term, drops what contradicts it", async () => {
  const cases: [Partial<Write>, string[]][] = [
    [{ snapshot: snapshotAt(9, 2), entries: entries(10, 11, 2) }, ["10@2:10@2", "11@2:11@2"]],
    [{ snapshot: snapshotAt(3, 2) }, []],
    [{ snapshot: snapshotAt(3, 1) }, ["4@1:4@1", "5@1:5@1"]],
    // Entries at or below the mark in the same write are superseded.
    [{ snapshot: snapshotAt(7, 1), entries: entries(6, 8, 1) }, ["8@1:8@1"]],
    [{ truncateFrom: 1, snapshot: snapshotAt(3, 2), entries: entries(4, 4, 2) }, ["4@2:4@2"]],
  ];
  for (const [parts, expected] of cases) {
    const disk = new SimDisk();
    const directory = await openOn(disk);
    const { index, term } = parts.snapshot!.position;
    await createSnapshot(directory, snapshotAt(index, term));
    await appendAll(directory, [write(1, { entries: entries(1, 5, 1) }), write(2, parts)]);
    assert.deepEqual(shown((await reopen(disk)).recovered.entries), expected);
  }
});

Deno.test("W8: an impossible write is a broken invariant, before it reaches the disk", async () => {
  const impossible: Partial<Write>[] = [
    { entries: entries(7, 7, 1) },
    { entries: entries(5, 5, 1) },
    { entries: entries(6, 6, 0) },
    { truncateFrom: 3 },
    { truncateFrom: 7 },
    { snapshot: snapshotAt(2, 1) },
    { hard: hardState(1) },
    { hard: hardState(2, "n3") },
  ];
  for (const parts of impossible) {
    const disk = new SimDisk();
    const directory = await openOn(disk);
    await createSnapshot(directory, snapshotAt(3, 1));
    const start = { hard: hardState(2, "n2"), entries: entries(1, 5, 1) };
    await appendAll(directory, [write(1, start), write(2, { snapshot: snapshotAt(3, 1) })]);
    const before = disk.operationCount;
    directory.wal.append(write(3, parts));
    for (let turn = 0; turn < 3; turn++) await Promise.resolve();
    await assert.rejects(directory.release(), /invariant W8/, JSON.stringify(parts));
    assert.equal(disk.operationCount, before);
  }
});

Deno.test("Wal rolls to a new segment, which repeats hard state, mark and last position", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk, { segmentBytes: 1000 });
  await createSnapshot(directory, snapshotAt(40, 1));
  for (let id = 1; id <= 60; id++) {
    const hard = id === 1 ? { hard: hardState(1, "n2") } : {};
    const mark = id === 45 ? { snapshot: snapshotAt(40, 1) } : {};
    await appendAll(directory, [write(id, { ...hard, ...mark, entries: entries(id, id, 1) })]);
  }
  const status = directory.wal.status();
  assert.ok(status.segments > 3, `${status.segments} segments`);
  assert.equal(status.sizeBytes, sizeOf(disk));
  await directory.retire(40);
  const left = directory.wal.status();
  assert.ok(left.segments < status.segments && left.segments >= 1);
  assert.equal(left.sizeBytes, sizeOf(disk));
  const { recovered } = await reopen(disk);
  assert.deepEqual(recovered.hard, hardState(1, "n2"));
  assert.deepEqual(recovered.snapshot, snapshotAt(40, 1));
  assert.deepEqual(shown(recovered.entries), shown(entries(41, 60, 1)));
});

Deno.test("DataDirectory.retire() never goes past the durable mark, nor past the index", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk, { segmentBytes: 200 });
  for (let id = 1; id <= 30; id++) {
    await appendAll(directory, [write(id, { entries: entries(id, id, 1) })]);
  }
  const all = directory.wal.status().segments;
  await directory.retire(30);
  assert.equal(directory.wal.status().segments, all, "without a mark nothing goes");
  await createSnapshot(directory, snapshotAt(10, 1));
  await createSnapshot(directory, snapshotAt(20, 1));
  await appendAll(directory, [write(31, { snapshot: snapshotAt(20, 1) })]);
  await directory.retire(10);
  const first = (await openOn(disk.afterCrash("drop"), {})).recovered;
  assert.deepEqual(shown(first.entries), shown(entries(21, 30, 1)));
  assert.deepEqual(disk.list("data/snapshots").length, 2, "the snapshot at 10 stays");
  await directory.retire(30);
  assert.deepEqual(disk.list("data/snapshots"), ["0000000000000020-1.snap"]);
  assert.deepEqual(shown((await reopen(disk)).recovered.entries), shown(entries(21, 30, 1)));
});

Deno.test("DataDirectory.retire() waits for the mark to be durable", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk, { segmentBytes: 400 });
  await createSnapshot(directory, snapshotAt(20, 1));
  let id = 0;
  while (id < 30) await appendAll(directory, [write(++id, { entries: entries(id, id, 1) })]);
  const full = directory.wal.status().segments;
  while (directory.wal.status().segments === full) { // so that the mark goes into a new segment
    await appendAll(directory, [write(++id, { hard: hardState(id) })]);
  }
  const before = directory.wal.status().segments;
  disk.holdSyncs();
  directory.wal.append(write(++id, { snapshot: snapshotAt(20, 1) }));
  await until(() => disk.heldSyncs === 1 && directory.wal.status().queuedWrites === 0);
  const retired = directory.retire(20);
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  assert.equal(directory.wal.status().segments, before);
  disk.releaseSyncs();
  await retired;
  await until(() => directory.events.stored.length === id);
  await directory.retire(20);
  assert.ok(directory.wal.status().segments < before);
});

Deno.test("Wal goes on in the same segment after a restart, and in order", async () => {
  let disk = new SimDisk();
  for (let round = 1; round <= 5; round++) {
    const directory = await openOn(disk);
    assert.equal(directory.identity.boot, round);
    assert.equal(directory.recovered.entries.length, (round - 1) * 2);
    const next = (round - 1) * 2 + 1;
    await appendAll(directory, [write(1, { entries: entries(next, next + 1, 1) })]);
    await directory.release();
    disk = disk.afterCrash("drop");
  }
  assert.deepEqual(disk.list("data/wal"), ["0000000000000001.wal"]);
});

Deno.test("Wal: a failed sync is reported once, and nothing is written ever after (W3)", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  await appendAll(directory, [write(1, { entries: entries(1, 1, 1) })]);
  disk.faults.failSync = (path) => path.includes("wal");
  directory.wal.append(write(2, { entries: entries(2, 2, 1) }));
  await until(() => directory.events.failures.length === 1);
  disk.faults.failSync = undefined;
  const before = disk.operationCount;
  directory.wal.append(write(3, { entries: entries(3, 3, 1) }));
  directory.wal.retry();
  await directory.retire(1);
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  assert.equal(disk.operationCount, before);
  assert.equal(directory.events.failures.length, 1);
  assert.equal(directory.events.stored.length, 1);
  assert.equal(directory.wal.status().state, "failed");
  assert.match(directory.events.failures[0]!.reason, /sync failed: injected/);
  await directory.release();
});

Deno.test("Wal: a failed write of any length is fatal, and a start afterwards cuts it", async () => {
  for (let length = 0; length < 80; length++) {
    const disk = new SimDisk();
    const directory = await openOn(disk);
    await appendAll(directory, [write(1, { entries: entries(1, 1, 1) })]);
    disk.faults.failWrite = () => length;
    directory.wal.append(write(2, { entries: entries(2, 2, 1) }));
    await until(() => directory.events.failures.length === 1);
    assert.equal(directory.events.stored.length, 1);
    const again = await openOn(disk.afterCrash("keep"));
    assert.deepEqual(shown(again.recovered.entries.slice(0, 1)), ["1@1:1@1"]);
  }
});

Deno.test("Wal.status() tells how long the device takes", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  disk.holdSyncs();
  directory.wal.append(write(1, { entries: entries(1, 1, 1) }));
  await until(() => disk.heldSyncs === 1);
  assert.equal(directory.wal.status().pendingSyncMs, 0);
  disk.releaseSyncs();
  await until(() => directory.events.stored.length === 1);
  assert.equal(directory.wal.status().syncs, 1);
});

Deno.test("DataDirectory.release() lets the frame on its way finish", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  disk.holdSyncs();
  directory.wal.append(write(1, { entries: entries(1, 1, 1) }));
  await until(() => disk.heldSyncs === 1);
  const released = directory.release();
  assert.equal(disk.lock("data/LOCK").ok, false);
  disk.releaseSyncs();
  await released;
  assert.equal(directory.events.stored.length, 1);
  await (await openOn(disk)).release();
});

function ids(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

function sizeOf(disk: SimDisk): number {
  let size = 0;
  for (const name of disk.list("data/wal")) size += disk.read(`data/wal/${name}`, 1e9).length;
  return size;
}

Deno.test("Wal: small frames are written into room that is there already", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  const { walRoomBytes, walRoomFrameBytesMax } = limits;
  await appendAll(directory, [write(1, { entries: entries(1, 1, 1) })]);
  assert.equal(sizeOf(disk), walRoomBytes);
  for (let id = 2; id <= 20; id++) {
    await appendAll(directory, [write(id, { entries: entries(id, id, 1) })]);
    assert.equal(sizeOf(disk), walRoomBytes, "the file does not grow");
  }
  const large = new Uint8Array(walRoomFrameBytesMax);
  for (let id = 21; sizeOf(disk) === walRoomBytes; id++) {
    await appendAll(directory, [write(id, { entries: [entry(id, 1, large)] })]);
  }
  assert.equal(sizeOf(disk) % 8, 0);
  assert.ok(sizeOf(disk) - walRoomBytes < 2 * walRoomFrameBytesMax, "a large frame takes its own");
  assert.equal(directory.wal.status().sizeBytes, sizeOf(disk));
  await directory.release();
  assert.ok(sizeOf(disk) % walRoomBytes !== 0, "what is not used goes when the log is closed");
});

Deno.test("Wal: no space for room is no reason to refuse a frame", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  disk.faults.capacityBytes = disk.usedBytes + 5_000;
  for (let id = 1; id <= 5; id++) {
    await appendAll(directory, [write(id, { entries: entries(id, id, 1) })]);
  }
  assert.equal(directory.wal.status().state, "open");
  assert.deepEqual(shown((await reopen(disk)).recovered.entries), shown(entries(1, 5, 1)));
});
