/** What every implementation of the Disk port owes to storage. */

import assert from "node:assert/strict";
import { type Disk, DiskError, type DiskErrorCode } from "../../src/base/mod.ts";

/** A disk and an empty folder on it. */
export type DiskUnderTest = { disk: Disk; root: string; dispose: () => void };

export function diskSuite(name: string, make: () => DiskUnderTest): void {
  const test = (what: string, run: (disk: Disk, root: string) => void | Promise<void>): void => {
    Deno.test(`${name}: ${what}`, async () => {
      const { disk, root, dispose } = make();
      try {
        await run(disk, root);
      } finally {
        dispose();
      }
    });
  };

  test("open() creates only what is not there, and opens only what is", (disk, root) => {
    throwsDiskError("missing", () => disk.open(`${root}/a`, "read"));
    throwsDiskError("missing", () => disk.open(`${root}/a`, "write"));
    disk.open(`${root}/a`, "create").close();
    throwsDiskError("exists", () => disk.open(`${root}/a`, "create"));
    throwsDiskError("missing", () => disk.open(`${root}/none/a`, "create"));
    assert.equal(disk.exists(`${root}/a`), true);
    assert.equal(disk.exists(`${root}/b`), false);
  });

  test("permissions() of what was created are its owner's alone", (disk, root) => {
    throwsDiskError("missing", () => disk.permissions(`${root}/a`));
    disk.open(`${root}/a`, "create").close();
    assert.deepEqual(disk.permissions(`${root}/a`), { mode: 0o600, isOwn: true });
  });

  test("writeAt() and readAt() work at any offset; a gap reads as zeros", (disk, root) => {
    const file = disk.open(`${root}/a`, "create");
    file.writeAt(3, bytes(1, 2, 3));
    assert.equal(file.size(), 6);
    assert.deepEqual(readAll(file, 0, 10), [0, 0, 0, 1, 2, 3]);
    file.writeAt(4, bytes(9));
    assert.deepEqual(readAll(file, 2, 3), [0, 1, 9]);
    assert.deepEqual(readAll(file, 6, 3), []);
    assert.deepEqual(readAll(file, 600, 3), []);
    file.close();
    const again = disk.open(`${root}/a`, "read");
    assert.deepEqual(readAll(again, 0, 10), [0, 0, 0, 1, 9, 3]);
    again.close();
  });

  test("writeAt() stores all of a large block", (disk, root) => {
    const large = new Uint8Array(3_000_001).map((_, at) => at % 251);
    const file = disk.open(`${root}/a`, "create");
    file.writeAt(0, large);
    file.close();
    assert.deepEqual(disk.read(`${root}/a`, large.length), large);
  });

  test("truncate() cuts, and zeros what is written beyond again", (disk, root) => {
    const file = disk.open(`${root}/a`, "create");
    file.writeAt(0, bytes(1, 2, 3, 4));
    file.truncate(2);
    assert.equal(file.size(), 2);
    file.truncate(4);
    assert.deepEqual(readAll(file, 0, 9), [1, 2, 0, 0]);
    file.close();
  });

  test("read() refuses a file above its bound and names a missing one", (disk, root) => {
    const file = disk.open(`${root}/a`, "create");
    file.writeAt(0, bytes(1, 2, 3));
    file.close();
    assert.deepEqual(disk.read(`${root}/a`, 3), bytes(1, 2, 3));
    throwsDiskError("io", () => disk.read(`${root}/a`, 2));
    throwsDiskError("missing", () => disk.read(`${root}/b`, 2));
  });

  test("list() is sorted, shallow, and empty for a missing directory", (disk, root) => {
    assert.deepEqual(disk.list(`${root}/none`), []);
    for (const name of ["b", "a", "c"]) disk.open(`${root}/${name}`, "create").close();
    disk.makeDirectory(`${root}/d/e`);
    assert.deepEqual(disk.list(root), ["a", "b", "c", "d"]);
    assert.deepEqual(disk.list(`${root}/d`), ["e"]);
    throwsDiskError("io", () => disk.list(`${root}/a`));
  });

  test("makeDirectory() makes parents, and again is no error", (disk, root) => {
    disk.makeDirectory(`${root}/x/y`);
    disk.makeDirectory(`${root}/x/y`);
    assert.equal(disk.exists(`${root}/x/y`), true);
  });

  test("rename() replaces the target at once, also across directories", (disk, root) => {
    disk.makeDirectory(`${root}/d`);
    put(disk, `${root}/a`, bytes(1));
    put(disk, `${root}/d/b`, bytes(2));
    const before = disk.open(`${root}/d/b`, "read");
    disk.rename(`${root}/a`, `${root}/d/b`);
    assert.deepEqual(disk.read(`${root}/d/b`, 9), bytes(1));
    assert.equal(disk.exists(`${root}/a`), false);
    assert.deepEqual(readAll(before, 0, 9), [2], "an open file outlives its name");
    before.close();
    throwsDiskError("missing", () => disk.rename(`${root}/none`, `${root}/x`));
  });

  test("remove() takes a file away, and a missing one is no error", (disk, root) => {
    put(disk, `${root}/a`, bytes(7));
    const open = disk.open(`${root}/a`, "read");
    disk.remove(`${root}/a`);
    disk.remove(`${root}/a`);
    assert.equal(disk.exists(`${root}/a`), false);
    assert.deepEqual(readAll(open, 0, 9), [7], "an open file outlives its name");
    open.close();
  });

  test("sync() and syncDirectory() resolve", async (disk, root) => {
    const file = disk.open(`${root}/a`, "create");
    file.writeAt(0, bytes(1));
    await file.sync();
    file.close();
    await disk.syncDirectory(root);
    await rejectsDiskError("missing", () => disk.syncDirectory(`${root}/none`));
  });

  test("a closed file refuses every call with a DiskError", async (disk, root) => {
    const file = disk.open(`${root}/a`, "create");
    file.close();
    throwsDiskError("io", () => file.writeAt(0, bytes(1)));
    throwsDiskError("io", () => file.readAt(0, new Uint8Array(1)));
    throwsDiskError("io", () => file.size());
    await rejectsDiskError("io", () => file.sync());
  });

  test("lock() has one holder at a time", (disk, root) => {
    const first = disk.lock(`${root}/LOCK`);
    assert.ok(first.ok);
    const second = disk.lock(`${root}/LOCK`);
    assert.ok(!second.ok);
    assert.equal(second.error.code, "busy");
    first.value.release();
    const third = disk.lock(`${root}/LOCK`);
    assert.ok(third.ok);
    first.value.release(); // a second release is not the third's release
    assert.ok(!disk.lock(`${root}/LOCK`).ok);
    third.value.release();
  });

  test("freeBytes() is a number of bytes", (disk, root) => {
    assert.ok(disk.freeBytes(root) > 0);
  });
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

function put(disk: Disk, path: string, content: Uint8Array): void {
  const file = disk.open(path, "create");
  file.writeAt(0, content);
  file.close();
}

function readAll(
  file: { readAt(offset: number, buffer: Uint8Array): number },
  offset: number,
  lengthBytes: number,
): number[] {
  const buffer = new Uint8Array(lengthBytes);
  return [...buffer.subarray(0, file.readAt(offset, buffer))];
}

function throwsDiskError(code: DiskErrorCode, run: () => unknown): void {
  assert.throws(run, (error) => error instanceof DiskError && error.code === code);
}

async function rejectsDiskError(
  code: DiskErrorCode,
  run: () => Promise<unknown>,
): Promise<void> {
  await assert.rejects(run, (error) => error instanceof DiskError && error.code === code);
}
