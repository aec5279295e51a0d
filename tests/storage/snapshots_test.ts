/** Snapshot files: written, read, sent and received, cut and flipped, kept while they are read. */

import assert from "node:assert/strict";
import { limits, utf8 } from "../../src/base/mod.ts";
import type { SnapshotRef } from "../../src/raft/mod.ts";
import type { DataDirectory, SnapshotReader } from "../../src/storage/mod.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { SimDisk } from "../support/sim_disk.ts";
import { VirtualClock } from "../support/virtual_clock.ts";
import {
  appendAll,
  createSnapshot,
  entries,
  failure,
  type Open,
  openOn,
  snapshotAt,
  value,
  write,
} from "./support.ts";

const REF = snapshotAt(7, 3);
const PATH = "data/snapshots/0000000000000007-3.snap";

function readBlocks(reader: SnapshotReader): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (;;) {
    const block = value(reader.next());
    if (block === undefined) return blocks;
    blocks.push(block);
  }
}

function someBlocks(count: number): Uint8Array[] {
  const random = new SeededRandom(3);
  return Array.from({ length: count }, () => random.bytes(random.between(1, 900)));
}

async function withSnapshot(blocks: Uint8Array[]): Promise<{ disk: SimDisk; directory: Open }> {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  await createSnapshot(directory, REF, blocks);
  return { disk, directory };
}

Deno.test("SnapshotStore.create() and open() give back the blocks and the digest", async () => {
  for (const count of [0, 1, 2, 40]) {
    const blocks = someBlocks(count);
    const { disk, directory } = await withSnapshot(blocks);
    assert.deepEqual(directory.snapshots.latest(), REF);
    const reader = value(directory.snapshots.open(REF.position));
    assert.deepEqual(reader.ref, REF);
    assert.equal(reader.digest, undefined);
    assert.deepEqual(readBlocks(reader), blocks);
    assert.equal(reader.digest, "digest of 7");
    assert.equal(value(reader.next()), undefined);
    assert.equal(reader.sizeBytes, disk.read(PATH, 1e9).length);
    reader.close();
    reader.close();
  }
});

Deno.test("SnapshotStore: a snapshot is there after a crash, or not at all", async () => {
  const { disk } = await withSnapshot(someBlocks(5));
  assert.ok(disk.afterCrash("drop").exists(PATH));
  const half = new SimDisk();
  const directory = await openOn(half);
  const writer = value(directory.snapshots.create(REF));
  value(await writer.append(utf8("block")));
  assert.equal(directory.snapshots.latest(), undefined);
  for (const mode of ["drop", "keep", "random"] as const) {
    const survivor = half.afterCrash(mode);
    const again = await openOn(survivor);
    assert.deepEqual(survivor.list("data/snapshots"), []);
    assert.equal(failure(again.snapshots.open(REF.position)).code, "missing");
  }
  writer.abort();
  writer.abort();
  assert.deepEqual(half.list("data/snapshots"), []);
});

Deno.test("SnapshotReader detects a cut at any byte and a flip of any bit", async () => {
  const { disk, directory } = await withSnapshot(someBlocks(3));
  const bytes = disk.read(PATH, 1e9);
  const readAll = (): { failed: boolean; offset: number | undefined } => {
    const reader = directory.snapshots.open(REF.position);
    if (!reader.ok) return { failed: true, offset: reader.error.offset };
    for (;;) {
      const block = reader.value.next();
      if (block.ok && block.value !== undefined) continue;
      reader.value.close();
      return block.ok ? { failed: false, offset: undefined } : {
        failed: true,
        offset: block.error.offset,
      };
    }
  };
  assert.equal(readAll().failed, false);
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      disk.corrupt(PATH, at, 1 << bit);
      const { failed, offset } = readAll();
      assert.ok(failed && offset !== undefined && offset <= at, `bit ${bit} of byte ${at}`);
      disk.corrupt(PATH, at, 1 << bit);
    }
  }
  const file = disk.open(PATH, "write");
  for (let size = bytes.length - 1; size >= 0; size--) {
    file.truncate(size);
    assert.ok(readAll().failed, `cut at ${size}`);
  }
  file.writeAt(0, bytes);
  assert.equal(readAll().failed, false);
  file.writeAt(bytes.length, new Uint8Array(1));
  assert.ok(readAll().failed, "bytes behind the trailer");
});

Deno.test("SnapshotStore.open() refuses another cluster's file, and another position's", async () => {
  const { disk } = await withSnapshot(someBlocks(1));
  const other = new SimDisk();
  const directory = await openOn(other, { cluster: utf8("another-16-bytes") });
  const place = (path: string): void => {
    const file = other.open(path, "create");
    file.writeAt(0, disk.read(PATH, 1e9));
    file.close();
  };
  place(PATH);
  assert.equal(failure(directory.snapshots.open(REF.position)).code, "foreign");
  const same = await openOn(new SimDisk());
  assert.equal(failure(same.snapshots.open(REF.position)).code, "missing");
  disk.rename(PATH, "data/snapshots/0000000000000008-3.snap");
  const moved = await openOn(disk.afterCrash("keep"));
  const error = failure(moved.snapshots.open({ index: 8, term: 3 }));
  assert.match(error.reason, /holds the snapshot at 7@3/);
});

Deno.test("SnapshotWriter gives the device its bytes a MiB at a time", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  const writer = value(directory.snapshots.create(REF));
  const before = disk.syncCount;
  const block = new Uint8Array(limits.imageBlockBytes).fill(1);
  for (let count = 0; count < 80; count++) value(await writer.append(block));
  assert.equal(disk.syncCount - before, 10);
  value(await writer.finish("d"));
});

Deno.test("SnapshotStore keeps a file while it is read, through retirement and a newer one", async () => {
  const { disk, directory } = await withSnapshot(someBlocks(4));
  await appendAll(directory, [
    write(1, { entries: entries(1, 9, 3) }),
    write(2, { snapshot: REF }),
  ]);
  const first = value(directory.snapshots.open(REF.position));
  const second = value(directory.snapshots.open(REF.position));
  await createSnapshot(directory, snapshotAt(9, 3));
  await appendAll(directory, [write(3, { snapshot: snapshotAt(9, 3) })]);
  value(await directory.retire(9));
  assert.deepEqual(readBlocks(first), someBlocks(4));
  first.close();
  assert.ok(disk.exists(PATH), "the second reader still holds it");
  assert.equal(value(second.readRaw(0, 8)).length, 8);
  second.close();
  assert.deepEqual(disk.list("data/snapshots"), ["0000000000000009-3.snap"]);
});

// --- From node to node ------------------------------------------------------------------------

async function transfer(
  source: SnapshotReader,
  target: DataDirectory,
  options: { ref?: SnapshotRef; chunkBytes: number; stopAt?: number },
): Promise<number> {
  const { ref = source.ref, chunkBytes, stopAt = Infinity } = options;
  const receiver = value(target.snapshots.receive(ref, source.sizeBytes));
  const startedAt = receiver.offset;
  while (receiver.offset < source.sizeBytes) {
    if (receiver.offset >= stopAt) {
      receiver.suspend();
      return startedAt;
    }
    const bytes = value(source.readRaw(receiver.offset, chunkBytes));
    value(receiver.write(receiver.offset, bytes));
  }
  assert.deepEqual(value(await receiver.finish()), source.ref);
  return startedAt;
}

Deno.test("SnapshotReceiver takes over a peer's file as it is", async () => {
  const blocks = someBlocks(20);
  const { disk, directory } = await withSnapshot(blocks);
  const source = value(directory.snapshots.open(REF.position));
  const otherDisk = new SimDisk();
  const target = await openOn(otherDisk, { node: "n2", seed: 8 });
  await transfer(source, target, { chunkBytes: 1000 });
  assert.deepEqual(target.snapshots.latest(), REF);
  assert.deepEqual(otherDisk.read(PATH, 1e9), disk.read(PATH, 1e9));
  assert.deepEqual(otherDisk.list("data/incoming"), []);
  const survivor = otherDisk.afterCrash("drop");
  assert.deepEqual(survivor.read(PATH, 1e9), disk.read(PATH, 1e9));
  assert.deepEqual(survivor.list("data/incoming"), []);
});

Deno.test("SnapshotStore.create() writes the same bytes on every node", async () => {
  const { disk } = await withSnapshot(someBlocks(9));
  const other = new SimDisk();
  await createSnapshot(await openOn(other, { node: "n3", seed: 77 }), REF, someBlocks(9));
  assert.deepEqual(other.read(PATH, 1e9), disk.read(PATH, 1e9));
});

Deno.test("SnapshotReceiver goes on where a transfer broke off, also after a restart", async () => {
  const { directory } = await withSnapshot(someBlocks(20));
  const source = value(directory.snapshots.open(REF.position));
  const disk = new SimDisk();
  const target = await openOn(disk);
  assert.equal(await transfer(source, target, { chunkBytes: 500, stopAt: 3000 }), 0);
  assert.equal(await transfer(source, target, { chunkBytes: 500, stopAt: 5000 }), 3000);
  await target.release();
  const again = await openOn(disk);
  assert.equal(await transfer(source, again, { chunkBytes: 500 }), 5000);
  assert.deepEqual(again.snapshots.latest(), REF);
});

Deno.test("SnapshotReceiver.finish() refuses what is not the announced snapshot", async () => {
  const { directory } = await withSnapshot(someBlocks(5));
  const source = value(directory.snapshots.open(REF.position));
  const bytes = value(source.readRaw(0, source.sizeBytes));
  const receiveAll = async (ref: SnapshotRef, content: Uint8Array): Promise<string> => {
    const disk = new SimDisk();
    const target = await openOn(disk);
    const receiver = value(target.snapshots.receive(ref, content.length));
    value(receiver.write(0, content));
    const error = failure(await receiver.finish());
    assert.equal(target.snapshots.latest(), undefined);
    assert.deepEqual(disk.list("data/snapshots"), []);
    assert.deepEqual(disk.list("data/incoming"), [], "the next transfer starts from nothing");
    return error.code;
  };
  for (let at = 0; at < bytes.length; at += 7) {
    const damaged = bytes.slice();
    damaged[at]! ^= 0x20;
    assert.equal(await receiveAll(REF, damaged), "corrupt", `byte ${at}`);
  }
  assert.equal(await receiveAll(REF, bytes.subarray(0, bytes.length - 8)), "corrupt");
  assert.equal(await receiveAll(snapshotAt(8, 3), bytes), "corrupt");
});

Deno.test("SnapshotReceiver.write() takes bytes in order, and no more than announced", async () => {
  const target = await openOn(new SimDisk());
  const receiver = value(target.snapshots.receive(REF, 10));
  value(receiver.write(0, new Uint8Array(4)));
  assert.equal(failure(receiver.write(3, new Uint8Array(1))).code, "mismatch");
  assert.equal(failure(receiver.write(5, new Uint8Array(1))).code, "mismatch");
  assert.equal(failure(receiver.write(4, new Uint8Array(7))).code, "mismatch");
  assert.equal(failure(await receiver.finish()).code, "mismatch");
  assert.equal(receiver.offset, 4);
  assert.equal(failure(target.snapshots.receive(REF, 0)).code, "mismatch");
});

Deno.test("SnapshotReceiver.write() on a full device keeps its offset and can be repeated", async () => {
  const { directory } = await withSnapshot(someBlocks(5));
  const source = value(directory.snapshots.open(REF.position));
  const bytes = value(source.readRaw(0, source.sizeBytes));
  const disk = new SimDisk();
  const target = await openOn(disk);
  disk.faults.capacityBytes = disk.usedBytes + 100;
  let receiver = value(target.snapshots.receive(REF, bytes.length));
  assert.equal(failure(receiver.write(0, bytes)).code, "full");
  assert.equal(receiver.offset, 0);
  receiver.suspend();
  receiver = value(target.snapshots.receive(REF, bytes.length));
  assert.equal(receiver.offset, 0, "no part of what failed is taken for received");
  disk.faults.capacityBytes = Infinity;
  value(receiver.write(0, bytes));
  assert.deepEqual(value(await receiver.finish()), REF);
});

Deno.test("SnapshotReceiver: a failed sync on the way is told, and finish does not hide it", async () => {
  const disk = new SimDisk();
  const target = await openOn(disk);
  const sizeBytes = 16 * 1024 * 1024;
  const receiver = value(target.snapshots.receive(REF, sizeBytes));
  disk.faults.failSync = (path) => path.includes("incoming");
  value(receiver.write(0, new Uint8Array(5 * 1024 * 1024)));
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  assert.equal(failure(receiver.write(receiver.offset, new Uint8Array(1))).code, "io");
  assert.equal(failure(await receiver.finish()).code, "io");
});

Deno.test("SnapshotReceiver.finish() lets others run while it verifies", async () => {
  const { directory } = await withSnapshot(someBlocks(200));
  const source = value(directory.snapshots.open(REF.position));
  const clock = new VirtualClock();
  const target = await openOn(new SimDisk(), { clock });
  const receiver = value(target.snapshots.receive(REF, source.sizeBytes));
  value(receiver.write(0, value(source.readRaw(0, source.sizeBytes))));
  let finished = false;
  const finishing = receiver.finish().then(() => (finished = true));
  for (let turn = 0; turn < 1000; turn++) await Promise.resolve();
  assert.equal(finished, false, "it waits for its turn");
  await clock.settle();
  await finishing;
  assert.deepEqual(target.snapshots.latest(), REF);
});

Deno.test("SnapshotReceiver does not believe what an earlier one may have failed to sync", async () => {
  const { disk: peerDisk } = await withSnapshot(someBlocks(4));
  const peer = await openOn(peerDisk.afterCrash("drop"));
  const reader = value(peer.snapshots.open(REF.position));
  const bytes = value(reader.readRaw(0, reader.sizeBytes));
  const disk = new SimDisk();
  const directory = await openOn(disk);
  const first = value(directory.snapshots.receive(REF, bytes.length));
  value(first.write(0, bytes));
  disk.faults.failSync = (path) => path.includes("incoming");
  assert.equal(failure(await first.finish()).code, "io");
  disk.faults.failSync = undefined;
  const second = value(directory.snapshots.receive(REF, bytes.length));
  assert.equal(second.offset, bytes.length, "all of it can be read");
  value(await second.finish());
  const left = await openOn(disk.afterCrash("drop"));
  assert.deepEqual(readBlocks(value(left.snapshots.open(REF.position))), someBlocks(4));
});
