/** The real disk, the simulated one and the one in memory keep the same contract; what only one of them can show. */

import assert from "node:assert/strict";
import { DiskError } from "../../src/base/mod.ts";
import { MemoryDisk } from "../../src/memory/mod.ts";
import { nativeDisk, systemClock } from "../../src/platform/mod.ts";
import { type CrashMode, SimDisk } from "../support/sim_disk.ts";
import { diskSuite } from "./disk_suite.ts";

diskSuite("nativeDisk()", () => {
  const root = Deno.makeTempDirSync({ prefix: "keva-disk-" });
  return { disk: nativeDisk(), root, dispose: () => Deno.removeSync(root, { recursive: true }) };
});

diskSuite("MemoryDisk", () => {
  const disk = new MemoryDisk(systemClock());
  disk.makeDirectory("/data");
  return { disk, root: "/data", dispose: () => {} };
});

diskSuite("SimDisk", () => {
  const disk = new SimDisk();
  disk.makeDirectory("/data");
  return { disk, root: "/data", dispose: () => {} };
});

Deno.test("nativeDisk() keeps files and directories to their owner", () => {
  const root = Deno.makeTempDirSync({ prefix: "keva-disk-" });
  const disk = nativeDisk();
  disk.makeDirectory(`${root}/d`);
  disk.open(`${root}/d/f`, "create").close();
  assert.equal(Deno.statSync(`${root}/d`).mode! & 0o777, 0o700);
  assert.equal(Deno.statSync(`${root}/d/f`).mode! & 0o777, 0o600);
  Deno.removeSync(root, { recursive: true });
});

Deno.test("nativeDisk() calls a full device full, on write and on create", async () => {
  const root = Deno.makeTempDirSync({ prefix: "keva-full-" });
  const mount = new Deno.Command("mount", {
    args: ["-t", "tmpfs", "-o", "size=1m,nr_inodes=8", "tmpfs", root],
    stderr: "null",
  });
  if (!(await mount.output()).success) {
    console.log("    (no right to mount a tmpfs here: skipped)");
    Deno.removeSync(root);
    return;
  }
  try {
    const disk = nativeDisk();
    const file = disk.open(`${root}/a`, "create");
    // A short write comes first: the part that fits. It must not pass for a success.
    assert.throws(() => file.writeAt(0, new Uint8Array(2 * 1024 * 1024).fill(1)), isFull);
    assert.equal(file.size(), 1024 * 1024);
    assert.equal(disk.freeBytes(root), 0);
    file.truncate(4096);
    file.writeAt(4096, new Uint8Array(4096).fill(1));
    file.close();
    assert.throws(() => {
      for (let n = 0; n < 10; n++) disk.open(`${root}/n${n}`, "create").close();
    }, isFull);
  } finally {
    await new Deno.Command("umount", { args: [root] }).output();
    Deno.removeSync(root);
  }
});

function isFull(error: unknown): boolean {
  return error instanceof DiskError && error.code === "full";
}

// --- What the simulated device forgets --------------------------------------------------------

async function unsyncedFile(): Promise<SimDisk> {
  const disk = new SimDisk();
  disk.makeDirectory("/data");
  await disk.syncDirectory("/");
  const file = disk.open("/data/f", "create");
  file.writeAt(0, new Uint8Array(1024).fill(1));
  await file.sync();
  await disk.syncDirectory("/data");
  file.writeAt(0, new Uint8Array(2048).fill(2));
  return disk;
}

Deno.test("SimDisk.afterCrash() forgets what was not synced", async () => {
  const disk = await unsyncedFile();
  assert.deepEqual(disk.afterCrash("drop").read("/data/f", 9999), new Uint8Array(1024).fill(1));
  assert.deepEqual(disk.afterCrash("keep").read("/data/f", 9999), new Uint8Array(2048).fill(2));
});

Deno.test("SimDisk.afterCrash() keeps any subset of sectors, the same for the same seed", async () => {
  const disk = await unsyncedFile();
  const seen = new Set<string>();
  for (let seed = 0; seed < 1_000; seed++) {
    const found = disk.afterCrash("random", seed).read("/data/f", 9999);
    assert.deepEqual(found, disk.afterCrash("random", seed).read("/data/f", 9999));
    const sectors = [0, 512, 1024, 1536].map((at) => found[at]);
    for (const at of [0, 512, 1024, 1536]) {
      const sector = found.subarray(at, at + 512);
      assert.ok(sector.every((byte) => byte === sector[0]), "a sector is never torn");
    }
    seen.add(sectors.join());
  }
  // Two durable sectors are old or new; those behind, as far as the file goes, zero or new.
  assert.equal(seen.size, 4 * (1 + 2 + 4));
});

Deno.test("SimDisk.afterCrash() forgets names until their directory is synced", async () => {
  const disk = new SimDisk();
  disk.makeDirectory("/d");
  const file = disk.open("/d/a", "create");
  file.writeAt(0, new Uint8Array(4).fill(1));
  await file.sync();
  assert.equal(disk.afterCrash("drop").exists("/d"), false);
  await disk.syncDirectory("/");
  assert.deepEqual(disk.afterCrash("drop").list("/d"), []);
  await disk.syncDirectory("/d");
  assert.deepEqual(disk.afterCrash("drop").list("/d"), ["a"]);
  disk.rename("/d/a", "/d/b");
  assert.deepEqual(disk.afterCrash("drop").list("/d"), ["a"]);
  const modes: [CrashMode, number][] = Array.from({ length: 50 }, (_, seed) => ["random", seed]);
  const names = new Set(modes.map(([mode, seed]) => disk.afterCrash(mode, seed).list("/d").join()));
  assert.deepEqual([...names].sort(), ["a", "b"], "a rename is kept or lost as a whole");
  disk.remove("/d/b");
  await disk.syncDirectory("/d");
  assert.deepEqual(disk.afterCrash("drop").list("/d"), []);
});

Deno.test("SimDisk.holdSyncs() covers only what was written before the sync began", async () => {
  const disk = await unsyncedFile();
  const file = disk.open("/data/f", "write");
  disk.holdSyncs();
  let done = false;
  const synced = file.sync().then(() => (done = true));
  file.writeAt(0, new Uint8Array(512).fill(3));
  await Promise.resolve();
  assert.equal(done, false);
  assert.equal(disk.heldSyncs, 1);
  disk.releaseSyncs();
  await synced;
  assert.equal(disk.afterCrash("drop").read("/data/f", 9999)[0], 2);
});

Deno.test("SimDisk faults: a budget in bytes, failing writes and syncs, power off", async () => {
  const disk = new SimDisk();
  const file = disk.open("f", "create");
  disk.faults.capacityBytes = 10;
  assert.throws(() => file.writeAt(0, new Uint8Array(11)), isFull);
  assert.equal(file.size(), 10);
  file.writeAt(0, new Uint8Array(10));
  disk.faults.failWrite = () => 3;
  file.truncate(0);
  assert.throws(() => file.writeAt(0, new Uint8Array(5)), /injected/);
  assert.equal(file.size(), 3);
  disk.faults.failSync = (path) => path === "f";
  await assert.rejects(file.sync(), /injected/);
  disk.faults.failSync = undefined;
  await file.sync();
  disk.recording = true;
  disk.faults.powerOffAt = disk.operationCount + 2;
  file.truncate(1);
  assert.throws(() => file.truncate(0), /power off/);
  assert.throws(() => disk.open("g", "create"), /power off/);
  assert.deepEqual(disk.operations.map(({ kind }) => kind), ["truncate", "truncate", "create"]);
});
