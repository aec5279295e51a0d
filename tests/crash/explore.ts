/**
 * Explores crashes of a data directory: before every single call to the disk, the power fails in
 * many ways at once, and each of the disks that are left is recovered and compared with what was
 * promised. Then one of them is where the next process goes on.
 */

import assert from "node:assert/strict";
import { openDataDirectory } from "../../src/storage/mod.ts";
import { limits } from "../../src/base/mod.ts";
import { hash, optionsFor, value } from "../storage/support.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { type CrashMode, SimDisk } from "../support/sim_disk.ts";
import { lineOfRecovered, Model } from "./model.ts";
import { checkSnapshot, Workload } from "./workload.ts";

export type Explored = { readonly recoveries: number; readonly operations: number };

/** Processes one after another on what the one before has left. */
const PROCESSES = 4;
const RANDOM_CRASHES = 5;
const TORN_SECTORS_MAX = 4;
/** Where a process is stopped, in calls to the disk, when it does not end by itself before. */
const CALLS_MAX = 250;

type Crash = readonly [mode: CrashMode, names: CrashMode];
const CRASHES: readonly Crash[] = [
  ["drop", "drop"],
  ["keep", "keep"],
  ["keep", "drop"],
  ["drop", "keep"],
  ...Array.from({ length: RANDOM_CRASHES }, (): Crash => ["random", "random"]),
  ...Array.from({ length: TORN_SECTORS_MAX }, (_, sectors): Crash => [sectors + 1, "keep"]),
];

/** A disk that a crash has left, and which states of the model it may hold. */
type Left = {
  readonly disk: SimDisk;
  readonly how: string;
  readonly lines: readonly string[];
  readonly promised: number;
  readonly until: number;
  readonly boot: number;
};

const ENDS = ["leave", "crash", "kill", "failedSync"] as const;

export async function exploreCrashes(seed: number): Promise<Explored> {
  const random = new SeededRandom(seed);
  const exploration = new Exploration(random);
  const { walFrameBytesMax } = limits;
  Object.assign(limits, { walFrameBytesMax: random.chance(1, 2) ? 700 : walFrameBytesMax });
  try {
    for (let process = 1; process <= PROCESSES; process++) await exploration.process(process);
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  } finally {
    Object.assign(limits, { walFrameBytesMax });
  }
  return exploration;
}

class Exploration implements Explored {
  recoveries = 0;
  operations = 0;
  readonly #random: SeededRandom;
  #disk = new SimDisk();
  /** What the disk has promised, also while a process that starts on it is still reading. */
  #model = new Model({
    hard: { term: 0, vote: null, commit: 0 },
    snapshot: { position: { index: 0, term: 0 }, membership: { voters: [], learners: [] } },
    entries: [],
  });
  #boot = 0;
  #left: Left[] = [];

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** One process from its start to its end, then all the crashes that might have ended it. */
  async process(number: number): Promise<void> {
    const disk = this.#disk;
    const end = ENDS[this.#random.below(ENDS.length)] as typeof ENDS[number];
    const endsAt = disk.operationCount + this.#random.between(1, CALLS_MAX);
    const random = this.#random.fork();
    let next: SimDisk | null = null;
    let called = 0;
    if (end === "kill") disk.faults.powerOffAt = endsAt;
    disk.onOperation = () => {
      const at = disk.operationCount + 1;
      if (at > disk.faults.powerOffAt) return; // nothing of this happens any more
      this.#crashes(`process ${number}, call ${++called}`);
      if (end === "failedSync" && at === endsAt) disk.faults.failSync = (path) => /wal$/.test(path);
      if (end !== "crash" || at !== endsAt) return;
      next = disk.afterCrash("random", random.below(2 ** 32));
      disk.faults.powerOffAt = at;
    };
    const workload = await Workload.start(disk, random);
    if (workload !== null) {
      this.#begin(workload);
      await workload.run();
    }
    disk.onOperation = undefined;
    disk.faults.failSync = undefined;
    this.#crashes(`process ${number}, at its end`);
    this.operations += called;
    this.#disk = next ?? disk.afterKill();
    await this.#recoverAll();
  }

  /** The process has started: what it found is promised from now on. */
  #begin(workload: Workload): void {
    const found = lineOfRecovered(workload.recovered);
    assert.ok(
      this.#model.lines.slice(this.#model.promised).includes(found),
      `found ${found}\nwanted one of\n${this.#model.lines.slice(this.#model.promised).join("\n")}`,
    );
    assert.ok(workload.boot > this.#boot, `boot ${workload.boot} after ${this.#boot}`);
    this.#model = workload.model;
    this.#boot = workload.boot;
  }

  #crashes(where: string): void {
    const { lines, promised } = this.#model;
    const seen = new Set<string>();
    for (const [mode, names] of CRASHES) {
      const disk = this.#disk.afterCrash(mode, this.#random.below(2 ** 32), names);
      const content = contentOf(disk);
      if (seen.has(content)) continue; // often little is left to chance
      seen.add(content);
      this.#left.push({
        disk,
        how: `${where}: files ${mode}, names ${names}`,
        lines,
        promised,
        until: lines.length,
        boot: this.#boot,
      });
    }
  }

  async #recoverAll(): Promise<void> {
    const left = this.#left;
    this.#left = [];
    for (const one of left) {
      try {
        await recover(one);
      } catch (error) {
        throw new Error(one.how, { cause: error });
      }
      this.recoveries++;
    }
  }
}

/** Equal for equal disks, so far as recovery looks at them. */
function contentOf(disk: SimDisk): string {
  const files = ["data", "data/wal", "data/snapshots", "data/incoming"].flatMap((folder) =>
    disk.list(folder).map((name) => `${folder}/${name}`)
  );
  const sums = files.map((path) => {
    try {
      return `${path} ${hash.crc32(disk.read(path, Infinity))}`;
    } catch {
      return path; // a directory
    }
  });
  return sums.join();
}

/** Nothing promised is gone, nothing else is there, and what was found once is there for good. */
async function recover({ disk, lines, promised, until, boot }: Left): Promise<void> {
  const opened = await openDataDirectory(optionsFor(disk));
  assert.ok(opened.ok, `refused: ${opened.ok || JSON.stringify(opened.error)}`);
  const directory = opened.value;
  const found = lineOfRecovered(directory.recovered);
  const legal = lines.slice(promised, until);
  assert.ok(legal.includes(found), `found ${found}\nwanted one of\n${legal.join("\n")}`);
  assert.ok(directory.identity.boot > boot, `boot ${directory.identity.boot} after ${boot}`);
  const { position } = directory.recovered.snapshot;
  if (position.index > 0) {
    const snapshot = checkSnapshot(directory, position);
    assert.ok(
      snapshot.ok,
      `snapshot ${position.index}@${position.term}: ${snapshot.ok || snapshot.error}`,
    );
  }
  const again = value(await openDataDirectory(optionsFor(disk.afterCrash("drop"))));
  assert.equal(lineOfRecovered(again.recovered), found, "the second recovery finds the same");
  assert.ok(again.identity.boot > directory.identity.boot, "each start is counted");
}
