/** A directory as text: complete, harmless, and undisturbed by any damage. */

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/mod.ts";
import {
  inspectDirectory,
  type InspectOptions,
  inspectSegment,
  inspectSnapshot,
} from "../../src/storage/mod.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { SimDisk } from "../support/sim_disk.ts";
import {
  appendAll,
  createSnapshot,
  cutTo,
  entries,
  entry,
  hardState,
  hash,
  openOn,
  snapshotAt,
  write,
} from "./support.ts";

const SEGMENT = "data/wal/0000000000000001.wal";
const SNAPSHOT = "data/snapshots/0000000000000002-1.snap";

async function sample(): Promise<SimDisk> {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  await appendAll(directory, [
    write(1, { hard: hardState(1, "n\u001b[1m"), entries: entries(1, 3, 1) }),
  ]);
  await createSnapshot(directory, snapshotAt(2, 1), [utf8("secret value")]);
  await appendAll(directory, [
    write(2, { truncateFrom: 3, snapshot: snapshotAt(2, 1), entries: [entry(3, 1, "secret")] }),
  ]);
  await directory.release();
  return disk;
}

type Inspector = (options: InspectOptions) => void;

function linesOf(inspect: Inspector, disk: SimDisk, path: string, more = {}): string[] {
  const lines: string[] = [];
  inspect({ disk, hash, path, print: (line) => lines.push(line), ...more });
  return lines;
}

Deno.test("inspectSegment() shows frames, records and checks, and no payload", async () => {
  const disk = await sample();
  const before = disk.operationCount;
  const text = linesOf(inspectSegment, disk, SEGMENT).join("\n");
  for (
    const expected of [
      /at 0: frame 1, segment head, check [0-9a-f]{8} after 00000000/,
      /format 1, node n1, cluster 636c/,
      /hard state term 1, vote n\\x1b\[1m, commit 0/,
      /entry 2@1 command, 3 bytes\n/,
      /truncate from 3/,
      /snapshot mark 2@1, voters n1 n2 n3, learners none/,
      /end of the segment/,
    ]
  ) assert.match(text, expected);
  assert.ok(!text.includes("secret") && !text.includes("\u001b"));
  assert.equal(disk.operationCount, before, "nothing is written, nothing locked");
  const described = linesOf(inspectSegment, disk, SEGMENT, {
    describe: (command: Uint8Array) => `put\n${command.length}`,
  });
  assert.ok(described.includes("    entry 3@1 command, 6 bytes: put\\x0a6"));
});

Deno.test("inspectSegment() works on any file, says why it stops and what comes behind", async () => {
  const disk = await sample();
  disk.rename(SEGMENT, "data/copy");
  assert.match(linesOf(inspectSegment, disk, "data/copy").join("\n"), /its name is not that/);
  disk.corrupt("data/copy", 200, 1);
  const damaged = linesOf(inspectSegment, disk, "data/copy").join("\n");
  assert.match(damaged, /at \d+: stop, recovery refuses \(F5\): a damaged frame/);
  assert.match(damaged, /at \d+: the next sound frame/);
  cutTo(disk, "data/copy", 200);
  assert.match(linesOf(inspectSegment, disk, "data/copy").join("\n"), /recovery cuts here \(F2\)/);
  assert.match(
    linesOf(inspectSegment, disk, "data/none").join("\n"),
    /data\/none: open failed|read failed/,
  );
});

Deno.test("inspectSnapshot() shows head, blocks and trailer, and no content", async () => {
  const disk = await sample();
  const text = linesOf(inspectSnapshot, disk, SNAPSHOT).join("\n");
  for (
    const expected of [
      /snapshot at 2@1, cluster 636c/,
      /voters n1 n2 n3, learners none/,
      /block, 12 bytes/,
      /trailer, 1 blocks, 12 bytes, digest digest of 2/,
      /end of the snapshot/,
    ]
  ) assert.match(text, expected);
  assert.doesNotMatch(text, /secret/);
  cutTo(disk, SNAPSHOT, 190);
  assert.match(linesOf(inspectSnapshot, disk, SNAPSHOT).join("\n"), /stop: the file ends early/);
});

Deno.test("inspectDirectory() shows a directory in use, a damaged one and none at all", async () => {
  const disk = await sample();
  const open = await openOn(disk);
  assert.match(linesOf(inspectDirectory, disk, "data").join("\n"), /identity: node n1, .*boot 2/s);
  await open.release();
  disk.remove(SEGMENT);
  disk.corrupt("data/identity", 40, 1);
  const text = linesOf(inspectDirectory, disk, "data").join("\n");
  assert.match(text, /identity: data\/identity at byte 0: it does not match its check/);
  assert.match(text, /no log segment in data\/wal/);
  assert.match(linesOf(inspectDirectory, disk, "none").join("\n"), /identity: missing/);
});

Deno.test("inspectDirectory() shows names of files harmlessly", async () => {
  const disk = await sample();
  disk.open("data/snapshots/\u001b[2J.snap", "create").close();
  const text = linesOf(inspectDirectory, disk, "data").join("\n");
  assert.match(text, /snapshot data\/snapshots\/\\u\{1b\}\[2J\.snap, 0 bytes/);
  assert.ok(!text.includes("\u001b"));
});

Deno.test("inspectDirectory() survives any damage", async () => {
  const disk = await sample();
  const random = new SeededRandom(11);
  for (let round = 0; round < 400; round++) {
    const copy = disk.afterCrash("keep");
    for (const path of [SEGMENT, SNAPSHOT, "data/identity"]) {
      const size = copy.read(path, 1e9).length;
      for (let flips = random.below(4); flips > 0; flips--) {
        copy.corrupt(path, random.below(size), 1 << random.below(8));
      }
      if (random.chance(1, 4)) cutTo(copy, path, random.below(size));
    }
    for (const line of linesOf(inspectDirectory, copy, "data")) {
      assert.ok(/^[\x20-\x7e]*$/.test(line.replaceAll(/[“”]/g, "")), JSON.stringify(line));
    }
  }
});
