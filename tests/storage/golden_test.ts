/**
 * The bytes on disk, byte for byte: a change of the format that nobody meant shows here, and old
 * directories stay readable. `KEVA_UPDATE=1` rewrites the fixtures, which is
 * right only together with a new format version.
 */

import assert from "node:assert/strict";
import { hex, utf8 } from "../../src/base/mod.ts";
import { inspectDirectory } from "../../src/storage/mod.ts";
import { UPDATE } from "../support/golden.ts";
import { SimDisk } from "../support/sim_disk.ts";
import {
  appendAll,
  createSnapshot,
  entries,
  entry,
  hardState,
  hash,
  type Open,
  openOn,
  shown,
  snapshotAt,
  write,
} from "./support.ts";

const FIXTURES = new URL("./testdata/", import.meta.url);
const FILES = {
  "identity.hex": "data/identity",
  "segment_1.hex": "data/wal/0000000000000001.wal",
  "segment_2.hex": "data/wal/0000000000000005.wal",
  "snapshot.hex": "data/snapshots/0000000000000004-2.snap",
};

/** One directory with every kind of frame and record in it. */
async function build(): Promise<{ disk: SimDisk; directory: Open }> {
  const disk = new SimDisk();
  const directory = await openOn(disk, { segmentBytes: 470 });
  await appendAll(directory, [write(1, { hard: hardState(1, "n2"), entries: entries(1, 3, 1) })]);
  await createSnapshot(directory, snapshotAt(4, 2), [utf8("first block"), utf8("second")]);
  const membership = { index: 4, term: 2, kind: "membership", payload: utf8("m") } as const;
  const noop = { index: 3, term: 2, kind: "noop", payload: new Uint8Array(0) } as const;
  await appendAll(directory, [
    write(2, {
      hard: hardState(2, null, 2),
      truncateFrom: 3,
      entries: [noop, membership, entry(5, 2, "five")],
    }),
  ]);
  await appendAll(directory, [write(3, { snapshot: snapshotAt(4, 2) })]);
  await appendAll(directory, [write(4, { entries: [entry(6, 2, new Uint8Array(1200))] })]);
  await directory.release();
  return { disk, directory };
}

function fixture(name: string, actual: string): string {
  const url = new URL(name, FIXTURES);
  if (UPDATE) {
    Deno.mkdirSync(FIXTURES, { recursive: true });
    Deno.writeTextFileSync(url, actual);
  }
  return Deno.readTextFileSync(url);
}

/** 32 bytes a line: the header of a frame that begins on a line is that line. */
function asLines(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 32) lines.push(hex(bytes.subarray(at, at + 32)));
  return lines.join("\n") + "\n";
}

function fromLines(text: string): Uint8Array {
  const digits = text.replaceAll("\n", "").match(/../g) ?? [];
  return Uint8Array.from(digits, (pair) => parseInt(pair, 16));
}

Deno.test("SegmentedWal, SnapshotFileWriter and writeIdentity() write the golden bytes", async () => {
  const { disk } = await build();
  assert.deepEqual(disk.list("data/wal").length, 2);
  for (const [name, path] of Object.entries(FILES)) {
    assert.equal(asLines(disk.read(path, 1e9)), fixture(name, asLines(disk.read(path, 1e9))), name);
  }
});

Deno.test("openDataDirectory() reads the golden bytes", async () => {
  const disk = new SimDisk();
  for (const folder of ["wal", "snapshots"]) disk.makeDirectory(`data/${folder}`);
  for (const [name, path] of Object.entries(FILES)) {
    const file = disk.open(path, "create");
    file.writeAt(0, fromLines(Deno.readTextFileSync(new URL(name, FIXTURES))));
    file.close();
  }
  const { recovered, identity, decisions } = await openOn(disk);
  assert.deepEqual(decisions, []);
  assert.equal(identity.boot, 2);
  assert.deepEqual(recovered.hard, hardState(2, null, 2));
  assert.deepEqual(recovered.snapshot, snapshotAt(4, 2));
  assert.deepEqual(shown(recovered.entries.slice(0, 1)), ["5@2:five"]);
  assert.deepEqual(recovered.entries[1]?.payload, new Uint8Array(1200));
});

Deno.test("inspectDirectory() shows the golden directory as the golden text", async () => {
  const { disk } = await build();
  const lines: string[] = [];
  inspectDirectory({ disk, hash, path: "data", print: (line) => lines.push(line) });
  const text = lines.join("\n") + "\n";
  assert.equal(text, fixture("directory.txt", text));
});
