/**
 * Power fails at every single disk operation of a workload, and the device keeps whatever it may:
 * nothing acknowledged is lost, and no start is ever refused.
 */

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/mod.ts";
import type { Entry, HardState, Recovered, Write } from "../../src/raft/mod.ts";
import { openDataDirectory } from "../../src/storage/mod.ts";
import { type CrashMode, SimDisk } from "../support/sim_disk.ts";
import {
  BOOTSTRAP,
  entry,
  Events,
  hardState,
  optionsFor,
  shown,
  snapshotAt,
  value,
  write,
} from "./support.ts";

const SEGMENT_BYTES = 700;

/** What the log must hold once the first `count` of its writes are durable. */
type Promised = { hard: HardState; mark: number; entries: Entry[] };

function promisedBy(writes: readonly Write[]): Promised {
  const state: Promised = { hard: hardState(0), mark: 0, entries: [] };
  for (const one of writes) {
    if (one.hard) state.hard = one.hard;
    const { truncateFrom } = one;
    if (truncateFrom !== undefined) {
      state.entries = state.entries.filter(({ index }) => index < truncateFrom);
    }
    if (one.snapshot) state.mark = one.snapshot.position.index;
    state.entries.push(...one.entries);
  }
  state.entries = state.entries.filter(({ index }) => index > state.mark);
  return state;
}

/** Writes with everything in them: terms, votes, truncations, snapshots, large and small entries. */
async function workload(disk: SimDisk): Promise<{ appended: Write[]; storedCount: number }> {
  const events = new Events();
  const appended: Write[] = [];
  const progress = () => ({ appended, storedCount: events.stored.length });
  const opened = await openDataDirectory(optionsFor(disk, { segmentBytes: SEGMENT_BYTES, events }));
  if (!opened.ok) return progress();
  const directory = opened.value;
  let index = 0;
  let id = 0;
  const append = (parts: Partial<Write>): void => {
    const one = write(++id, parts);
    appended.push(one);
    directory.wal.append(one);
  };
  for (let round = 1; round <= 6 && events.failures.length === 0; round++) {
    append({ hard: hardState(round, `n${round % 3}`, index) });
    for (let batch = 0; batch < 3; batch++) {
      const next = ++index;
      append({ entries: [entry(next, round, `${next}@${round}`.padEnd(batch * 300, "."))] });
      if (batch > 0) await settle();
    }
    if (round % 2 === 1) {
      append({ truncateFrom: index, entries: [entry(index, round, `${index}@${round} again`)] });
    }
    await settle();
    if (round % 2 === 1) continue;
    const ref = snapshotAt(index - 1, round);
    const writer = directory.snapshots.create(ref);
    if (!writer.ok) break;
    for (let block = 0; block < 3; block++) await writer.value.append(utf8(`block ${block}`));
    const finished = await writer.value.finish("digest");
    if (!finished.ok) break;
    append({ snapshot: ref });
    await settle();
    await directory.retire(index - 1);
  }
  await settle();
  if (events.failures.length === 0) await directory.release();
  return progress();
}

/** Longer than any chain of promises that one append sets off. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await Promise.resolve();
}

/** The recovered state is that after some number of writes, at least those acknowledged. */
function check(recovered: Recovered, run: { appended: Write[]; storedCount: number }): void {
  const found = describe({
    hard: recovered.hard,
    mark: recovered.snapshot.position.index,
    entries: [...recovered.entries],
  });
  const wanted: string[] = [];
  for (let count = run.storedCount; count <= run.appended.length; count++) {
    const state = describe(promisedBy(run.appended.slice(0, count)));
    if (state === found) return;
    wanted.push(state);
  }
  assert.fail(`found ${found}\nwanted one of\n${wanted.join("\n")}`);
}

function describe({ hard, mark, entries }: Promised): string {
  return `${hard.term}/${hard.vote}/${hard.commit} mark ${mark} ${shown(entries).join(" ")}`;
}

const CRASHES: [CrashMode, number][] = [
  ["drop", 0],
  ["keep", 0],
  ...Array.from({ length: 12 }, (_, seed): [CrashMode, number] => ["random", seed]),
];

Deno.test("openDataDirectory() recovers after a crash at every disk operation", async () => {
  const calm = new SimDisk();
  const whole = await workload(calm);
  assert.equal(whole.storedCount, whole.appended.length, "the workload itself runs through");
  let recoveries = 0;
  for (let at = 1; at <= calm.operationCount + 1; at++) {
    const disk = new SimDisk();
    disk.faults.powerOffAt = at;
    const run = await workload(disk);
    for (const [mode, seed] of CRASHES) {
      const survivor = disk.afterCrash(mode, at * 100 + seed);
      const opened = await openDataDirectory(optionsFor(survivor, { seed: 5 }));
      const where = `operation ${at}, ${mode} ${seed}`;
      assert.ok(opened.ok, `${where}: ${opened.ok || JSON.stringify(opened.error)}`);
      try {
        check(opened.value.recovered, run);
      } catch (error) {
        throw new Error(where, { cause: error });
      }
      await opened.value.release();
      recoveries++;
    }
  }
  console.log(`    ${recoveries} recoveries over ${calm.operationCount + 1} operations`);
});

Deno.test("openDataDirectory() recovers after a crash during recovery itself", async () => {
  let recoveries = 0;
  const calm = new SimDisk();
  await workload(calm);
  for (let at = 5; at <= calm.operationCount; at += 3) {
    const disk = new SimDisk();
    disk.faults.powerOffAt = at;
    const run = await workload(disk);
    const first = disk.afterCrash("random", at);
    const probe = first.afterCrash("keep");
    await openDataDirectory(optionsFor(probe));
    for (let inner = 1; inner <= probe.operationCount; inner++) {
      const second = first.afterCrash("keep");
      second.faults.powerOffAt = inner;
      await openDataDirectory(optionsFor(second));
      const third = second.afterCrash("random", inner);
      const opened = value(await openDataDirectory(optionsFor(third)));
      check(opened.recovered, run);
      await opened.release();
      recoveries++;
    }
  }
  console.log(`    ${recoveries} recoveries`);
});

Deno.test("openDataDirectory() builds on nothing that only the page cache holds", async () => {
  // The process is killed at an operation, the next one reads what is in the page cache, stores
  // more on top, and only then power fails: all of it must be there.
  const calm = new SimDisk();
  await workload(calm);
  let recoveries = 0;
  for (let at = 1; at <= calm.operationCount + 1; at++) {
    const killed = new SimDisk();
    killed.faults.powerOffAt = at;
    const run = await workload(killed);
    const disk = killed.afterKill();
    const events = new Events();
    const directory = value(await openDataDirectory(optionsFor(disk, { events })));
    check(directory.recovered, run);
    const { snapshot, hard } = directory.recovered;
    const last = directory.recovered.entries.at(-1) ?? snapshot.position;
    const more = [entry(last.index + 1, 99, "after the kill")];
    directory.wal.append(write(1, { hard: { ...hard, term: 99, vote: "n1" }, entries: more }));
    await settle();
    assert.equal(events.stored.length, 1);
    for (const [mode, seed] of CRASHES) {
      const survivor = disk.afterCrash(mode, seed);
      const { recovered } = value(await openDataDirectory(optionsFor(survivor)));
      const expected = [...directory.recovered.entries, ...more];
      assert.deepEqual(shown(recovered.entries), shown(expected), `${at}, ${mode} ${seed}`);
      assert.deepEqual(recovered.snapshot.position, snapshot.position);
      recoveries++;
    }
  }
  console.log(`    ${recoveries} recoveries`);
});

Deno.test("openDataDirectory() keeps what it has promised when the page cache was lying", async () => {
  // A failed sync leaves pages that look clean and are not on the device. The next process reads
  // them, finds a complete frame, and must not build on it before it is truly there.
  const disk = new SimDisk();
  const events = new Events();
  const directory = value(await openDataDirectory(optionsFor(disk, { events })));
  disk.faults.failSync = (path) => path.endsWith(".wal");
  directory.wal.append(write(1, { entries: [entry(1, 1, "seen, not stored")] }));
  await settle();
  assert.equal(events.failures.length, 1);
  disk.faults.failSync = undefined;
  await directory.release();
  const path = "data/wal/0000000000000001.wal";
  const before = disk.operationCount;
  disk.recording = true;
  const again = value(await openDataDirectory(optionsFor(disk)));
  assert.equal(again.recovered.entries.length, 1);
  const touched = disk.operations.filter((one) => one.number > before && one.path === path);
  assert.deepEqual(
    touched.map(({ kind }) => kind),
    ["write", "sync"],
    "written again, not only synced",
  );
  const dropped = value(await openDataDirectory(optionsFor(disk.afterCrash("drop"))));
  assert.deepEqual(shown(dropped.recovered.entries), ["1@1:seen, not stored"]);
});

Deno.test("openDataDirectory() completes a directory whose making was interrupted", async () => {
  const calm = new SimDisk();
  await (value(await openDataDirectory(optionsFor(calm)))).release();
  for (let at = 1; at <= calm.operationCount; at++) {
    const disk = new SimDisk();
    disk.faults.powerOffAt = at;
    const failed = await openDataDirectory(optionsFor(disk));
    assert.ok(!failed.ok && failed.error.code === "io");
    for (const [mode, seed] of CRASHES) {
      const survivor = disk.afterCrash(mode, seed);
      const opened = value(await openDataDirectory(optionsFor(survivor, { seed: 7 })));
      assert.deepEqual(opened.recovered, {
        hard: hardState(0),
        snapshot: { position: { index: 0, term: 0 }, membership: BOOTSTRAP },
        entries: [],
      });
      await opened.release();
      const lasting = value(await openDataDirectory(optionsFor(survivor.afterCrash("drop"))));
      assert.deepEqual(lasting.identity.directory, opened.identity.directory);
      assert.equal(lasting.identity.boot, opened.identity.boot + 1);
    }
  }
});
