/** A device that runs full, at every byte: nothing is lost, nothing is promised, all goes on. */

import assert from "node:assert/strict";
import { openDataDirectory } from "../../src/storage/mod.ts";
import { SimDisk } from "../support/sim_disk.ts";
import {
  createSnapshot,
  entries,
  Events,
  failure,
  hardState,
  type Open,
  openOn,
  optionsFor,
  shown,
  snapshotAt,
  until,
  value,
  write,
} from "./support.ts";

const WRITES = 12;

/** Appends one write after the other until one does not fit. */
async function fill(directory: Open): Promise<void> {
  const { events, wal } = directory;
  for (let id = 1; id <= WRITES; id++) {
    const hard = id === 1 ? { hard: hardState(1, "n1") } : {};
    wal.append(write(id, { ...hard, entries: entries(id, id, 1) }));
    await until(() => events.stored.length === id || wal.status().state === "full");
  }
}

Deno.test("Wal: with space for any number of bytes, what is stored is there and the rest waits", async () => {
  const calm = new SimDisk();
  const before = await openOn(calm, { segmentBytes: 500 });
  const start = calm.usedBytes;
  await fill(before);
  assert.ok(before.wal.status().segments > 1, "a segment begins on the full device, too");
  const needed = calm.usedBytes - start;
  for (let space = 0; space < needed; space++) {
    const disk = new SimDisk();
    const directory = await openOn(disk, { segmentBytes: 500 });
    const { events, wal } = directory;
    disk.faults.capacityBytes = start + space;
    await fill(directory);
    const stored = events.stored.length;
    assert.ok(stored < WRITES && events.full.length === 1, `with ${space} bytes`);
    assert.equal(wal.status().state, "full");
    assert.equal(events.full[0]?.code, "full");
    for (const mode of ["drop", "keep"] as const) {
      const { recovered, decisions } = await openOn(disk.afterCrash(mode));
      assert.deepEqual(shown(recovered.entries), shown(entries(1, stored, 1)));
      assert.deepEqual(decisions, [], "the frame that did not fit has left no torn tail");
    }
    wal.retry();
    await until(() => events.full.length === 2);
    assert.equal(events.spaceCount, 0);
    disk.faults.capacityBytes = Infinity;
    wal.retry();
    await until(() => events.stored.length === WRITES);
    assert.equal(events.spaceCount, 1);
    assert.deepEqual(
      events.stored.map(({ id }) => id),
      Array.from({ length: WRITES }, (_, at) => at + 1),
    );
    assert.equal(events.failures.length, 0);
    const { recovered } = await openOn(disk.afterCrash("drop"));
    assert.deepEqual(shown(recovered.entries), shown(entries(1, WRITES, 1)));
  }
  console.log(`    ${needed} sizes of a full device`);
});

Deno.test("Wal: the frame that did not fit may be followed by larger ones after a restart", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  disk.faults.capacityBytes = disk.usedBytes + 40;
  directory.wal.append(write(1, { entries: entries(1, 3, 1) }));
  await until(() => directory.events.full.length === 1);
  await directory.release();
  assert.equal(directory.events.stored.length, 0);
  disk.faults.capacityBytes = Infinity;
  const again = await openOn(disk);
  again.wal.append(write(1, { entries: entries(1, 9, 2) }));
  await until(() => again.events.stored.length === 1);
  const { recovered } = await openOn(disk.afterCrash("drop"));
  assert.deepEqual(shown(recovered.entries), shown(entries(1, 9, 2)));
});

Deno.test("openDataDirectory() says that the device is full, and works once it is not", async () => {
  const calm = new SimDisk();
  await (await openOn(calm)).release();
  for (let space = 0; space <= calm.usedBytes; space++) {
    const disk = new SimDisk();
    disk.faults.capacityBytes = space;
    const first = await openDataDirectory(optionsFor(disk));
    if (first.ok) {
      await first.value.release();
      continue;
    }
    assert.equal(first.error.code, "full", `with ${space} bytes`);
    disk.faults.capacityBytes = Infinity;
    await (await openOn(disk)).release();
  }
});

Deno.test("SnapshotWriter on a full device fails, and abort gives the space back", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  const before = disk.usedBytes;
  const calm = disk.afterCrash("keep");
  await createSnapshot(await openOn(calm), snapshotAt(1, 1));
  const needed = calm.usedBytes - before;
  for (let space = 0; space < needed; space++) {
    disk.faults.capacityBytes = before + space;
    const writer = directory.snapshots.create(snapshotAt(1, 1));
    if (!writer.ok) {
      assert.equal(writer.error.code, "full");
    } else {
      const appended = await writer.value.append(new Uint8Array(5));
      const result = appended.ok ? await writer.value.finish("digest of 1") : appended;
      assert.equal(failure(result).code, "full", `with ${space} bytes`);
      writer.value.abort();
      assert.equal(disk.usedBytes, before);
    }
    assert.equal(directory.snapshots.latest(), undefined);
  }
  disk.faults.capacityBytes = Infinity;
  await createSnapshot(directory, snapshotAt(1, 1));
  assert.deepEqual(directory.snapshots.latest(), snapshotAt(1, 1));
  value(await directory.retire(0));
});

Deno.test("openDataDirectory() turns every kind of disk failure into one error", async () => {
  const calm = new SimDisk();
  await (await openOn(calm)).release();
  for (const file of ["wal/0000000000000001.wal.tmp", "identity.tmp"]) {
    for (const fault of ["failWrite", "failSync"] as const) {
      const disk = new SimDisk();
      if (fault === "failWrite") {
        disk.faults.failWrite = (path) => path.endsWith(file) ? 0 : undefined;
      } else disk.faults.failSync = (path) => path.endsWith(file);
      const events = new Events();
      const error = failure(await openDataDirectory(optionsFor(disk, { events })));
      assert.deepEqual([error.code, error.path], ["io", `data/${file}`]);
      assert.match(error.remedy, /Check the device/);
      assert.ok(disk.lock("data/LOCK").ok, "the lock is free again");
    }
  }
});
