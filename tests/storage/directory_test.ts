/** The data directory as a whole: its lock, its identity, and whose it is. */

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/mod.ts";
import { nativeDisk, systemClock } from "../../src/platform/mod.ts";
import { FORMAT_VERSION } from "../../src/storage/frame.ts";
import { ancestors } from "../../src/storage/initialise.ts";
import { SimDisk } from "../support/sim_disk.ts";
import {
  appendAll,
  BOOTSTRAP,
  CLUSTER,
  createSnapshot,
  cutTo,
  entries,
  hardState,
  hash,
  openOn,
  refusalOn,
  shown,
  snapshotAt,
  write,
} from "./support.ts";

Deno.test("openDataDirectory() makes a directory and starts from the bootstrap membership", async () => {
  const disk = new SimDisk();
  const { identity, recovered, decisions } = await openOn(disk, { path: "a/b/data" });
  assert.deepEqual(identity.cluster, CLUSTER);
  assert.deepEqual([identity.node, identity.boot], ["n1", 1]);
  assert.equal(identity.formatVersion, FORMAT_VERSION);
  assert.equal(identity.directory.length, 16);
  assert.deepEqual(recovered, {
    hard: hardState(0),
    snapshot: { position: { index: 0, term: 0 }, membership: BOOTSTRAP },
    entries: [],
  });
  assert.deepEqual(decisions, []);
  assert.deepEqual(disk.list("a/b/data"), ["LOCK", "identity", "incoming", "snapshots", "wal"]);
});

Deno.test("openDataDirectory() keeps the first membership when the bootstrap changes later", async () => {
  const disk = new SimDisk();
  await (await openOn(disk)).release();
  const bootstrap = { voters: [{ id: "n9", directory: "" }], learners: [] };
  const { recovered } = await openOn(disk, { bootstrap });
  assert.deepEqual(recovered.snapshot.membership, BOOTSTRAP);
});

Deno.test("openDataDirectory() counts starts durably and never changes the directory id", async () => {
  let disk = new SimDisk();
  const ids = new Set<string>();
  for (let boot = 1; boot <= 4; boot++) {
    const { identity } = await openOn(disk, { seed: boot });
    assert.equal(identity.boot, boot);
    ids.add(identity.directory.join());
    disk = disk.afterCrash("drop");
  }
  assert.equal(ids.size, 1);
});

Deno.test("openDataDirectory() refuses a directory in use before it reads anything", async () => {
  const disk = new SimDisk();
  const first = await openOn(disk);
  disk.corrupt("data/identity", 0, 0xff);
  const before = disk.operationCount;
  const error = await refusalOn(disk);
  assert.deepEqual([error.code, error.path], ["busy", "data"]);
  assert.match(error.reason, /in use by another process/);
  assert.equal(disk.operationCount, before);
  await first.release();
  assert.equal((await refusalOn(disk)).code, "corrupt");
});

Deno.test("openDataDirectory() refuses the directory of another cluster or node", async () => {
  const disk = new SimDisk();
  await (await openOn(disk)).release();
  const cluster = await refusalOn(disk, { cluster: utf8("another-16-bytes") });
  assert.deepEqual([cluster.code, cluster.path], ["foreign", "data/identity"]);
  assert.match(cluster.reason, /another cluster \(it is node n1 of cluster 636c75/);
  const node = await refusalOn(disk, { node: "n2" });
  assert.match(node.reason, /another node \(it is node n1 .*this process is node n2/);
  assert.match(node.remedy, /its own data directory/);
});

Deno.test("openDataDirectory() refuses a damaged, cut or missing identity of a used directory", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  await appendAll(directory, [write(1, { entries: entries(1, 1, 1) })]);
  await directory.release();
  const size = disk.read("data/identity", 1e9).length;
  for (let at = 0; at < size; at++) {
    const copy = disk.afterCrash("keep");
    copy.corrupt("data/identity", at, 4);
    assert.equal((await refusalOn(copy)).code, "corrupt", `byte ${at}`);
    cutTo(copy, "data/identity", at);
    assert.equal((await refusalOn(copy)).code, "corrupt", `cut at ${at}`);
  }
  const gone = disk.afterCrash("keep");
  gone.remove("data/identity");
  const error = await refusalOn(gone);
  assert.deepEqual([error.code, error.path], ["missing", "data/identity"]);
  assert.match(error.reason, /beside a log that was written to/);
});

Deno.test("openDataDirectory() refuses snapshots without identity, and a log that is gone", async () => {
  const disk = new SimDisk();
  const directory = await openOn(disk);
  await createSnapshot(directory, snapshotAt(3, 1));
  await directory.release();
  const copy = disk.afterCrash("keep");
  copy.remove("data/identity");
  assert.match((await refusalOn(copy)).reason, /beside snapshots/);
  disk.remove("data/wal/0000000000000001.wal");
  assert.match((await refusalOn(disk)).reason, /no log segment/);
});

Deno.test("openDataDirectory() leaves strangers' files alone and removes its own leftovers", async () => {
  const disk = new SimDisk();
  await (await openOn(disk)).release();
  for (const name of ["notes.txt", "wal/readme", "wal/1.wal.tmp", "snapshots/x.snap.tmp"]) {
    disk.open(`data/${name}`, "create").close();
  }
  await (await openOn(disk)).release();
  assert.deepEqual(disk.list("data/wal"), ["0000000000000001.wal", "readme"]);
  assert.deepEqual(disk.list("data/snapshots"), []);
  assert.equal(disk.exists("data/notes.txt"), true);
});

Deno.test("openDataDirectory() works on the real disk, and keeps a second opener out", async () => {
  const root = Deno.makeTempDirSync({ prefix: "keva-data-" });
  const path = `${root}/deep/data`;
  const overrides = { path, clock: systemClock(), segmentBytes: 2000, hash };
  try {
    for (let round = 0; round < 3; round++) {
      const directory = await openOn(nativeDisk(), overrides);
      assert.equal((await refusalOn(nativeDisk(), overrides)).code, "busy");
      assert.equal(directory.recovered.entries.length, round * 100);
      const from = round * 100 + 1;
      for (let index = from; index < from + 100; index++) {
        directory.wal.append(write(index, { entries: entries(index, index, 1) }));
        // Ten to a frame, so that the frames fill several segments.
        if (index % 10 === 0) await storedOnDevice(directory, index - from + 1);
      }
      await directory.release();
    }
    const directory = await openOn(nativeDisk(), overrides);
    assert.deepEqual(shown(directory.recovered.entries), shown(entries(1, 300, 1)));
    assert.ok(directory.wal.status().segments > 3);
    await directory.release();
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

/** Real syncs take real time: this looks every millisecond, for at most ten seconds. */
async function storedOnDevice({ events }: { events: { stored: unknown[] } }, count: number) {
  for (let look = 0; look < 10_000 && events.stored.length < count; look++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(events.stored.length, count);
}

Deno.test("ancestors() are the folders above, from the inside out", () => {
  assert.deepEqual(ancestors("a/b/c"), ["a/b", "a", "."]);
  assert.deepEqual(ancestors("./a"), ["."]);
  assert.deepEqual(ancestors("/x/y"), ["/x", "/"]);
  assert.deepEqual(ancestors("/x/"), ["/"]);
});
