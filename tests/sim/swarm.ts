/**
 * What one seed draws: the shape of the cluster, the load, and which faults are on. Most seeds
 * leave some faults out, because a fault that always happens hides what needs its absence.
 */

import { limits } from "../../src/base/mod.ts";
import { SeededRandom } from "../support/seeded_random.ts";

/** These need two nodes. */
export const LINK_FAULTS = [
  "partition",
  "isolate",
  "oneWay",
  "bridge",
  "reset",
  "silence",
  "slowNetwork",
] as const;

export const FAULTS = [
  "crash",
  "kill",
  "blackout",
  "stop",
  "pause",
  ...LINK_FAULTS,
  "slowDisk",
  "stalledDisk",
  "fullDisk",
  "failedSync",
  "clockJump",
  "bitFlip",
] as const;

export type FaultKind = typeof FAULTS[number];

/** Limits that are drawn too, since what lies behind a limit of thousands is rarely reached. */
export type SwarmLimits = Pick<
  typeof limits,
  | "appendEntriesMax"
  | "applyEntriesPerTurnMax"
  | "expiriesPerCommandMax"
  | "applyWorkPerTurnMax"
  | "historyChangesMax"
  | "imageBlockBytes"
  | "inflightAppendsMax"
  | "logTailEntries"
  | "proposalsMax"
  | "readsWaitingMax"
  | "snapshotChunkBytes"
  | "walFrameBytesMax"
  | "walRoomBytes"
  | "walRoomFrameBytesMax"
  | "watchChangesPerTurnMax"
>;

export type Swarm = {
  readonly seed: number;
  readonly nodes: number;
  readonly electionTimeoutMs: number;
  readonly delayMsMax: number;
  readonly fragment: boolean;
  readonly syncMsMax: number;
  readonly snapshotEntries: number;
  readonly segmentBytes: number;
  readonly clients: number;
  /** A client now and then has this many operations under way at once, all at one node. */
  readonly burst: number;
  readonly keys: number;
  /** Of a hundred keys chosen, how many are the first one. */
  readonly hotPercent: number;
  readonly readPercent: number;
  readonly valueBytesMax: number;
  /** Between two operations of a client. */
  readonly thinkMsMax: number;
  /** How long faults go on, and how far apart they are on average. */
  readonly safetyMs: number;
  readonly faultEveryMs: number;
  readonly faults: readonly FaultKind[];
  /** Who increment the one counter, each increment exactly once. */
  readonly counters: number;
  readonly watchers: number;
  /** Between two times that a watcher takes what there is. */
  readonly watcherRestMsMax: number;
  /** Those who write items that go by themselves. */
  readonly expiring: number;
  /** Who move amounts between accounts by transactions. */
  readonly tellers: number;
  readonly limits: { readonly [name in keyof SwarmLimits]: number };
};

/** Of a hundred seeds, how many are long and quiet: what only time brings about. */
const QUIET_PERCENT = 4;

export function drawSwarm(seed: number): Swarm {
  const random = new SeededRandom(seed);
  const pick = <T>(choices: readonly T[]): T => choices[random.below(choices.length)] as T;
  const quiet = random.chance(QUIET_PERCENT, 100);
  const electionTimeoutMs = quiet ? 2_000 : pick([300, 500, 1_000, 2_000]);
  const thinkMsMax = quiet ? 10_000 : pick([5, 50, 200, 1_000]);
  const valueBytesMax = thinkMsMax < 200 ? pick([8, 100]) : pick([8, 100, 2_000, 20_000]);
  const large = valueBytesMax > 100; // then a long log or short segments only cost time
  return {
    seed,
    nodes: quiet ? 3 : pick([1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5, 7]),
    electionTimeoutMs,
    delayMsMax: pick([0, 1, 5, 20]),
    fragment: random.chance(1, 3),
    syncMsMax: pick([0, 1, 5, 20]),
    snapshotEntries: pick(large ? [4, 20, 100] : [4, 20, 100, 500, 5_000]),
    segmentBytes: pick(large ? [16_384, 262_144] : [2_048, 16_384, 262_144]),
    clients: pick([1, 2, 4, 8, 16]),
    burst: pick([1, 1, 15]),
    keys: pick([1, 3, 10, 40]),
    hotPercent: pick([0, 20, 80]),
    readPercent: pick([20, 50, 90]),
    valueBytesMax,
    thinkMsMax,
    safetyMs: quiet ? 1_800_000 : thinkMsMax < 50 ? 20_000 : pick([20_000, 60_000, 180_000]),
    faultEveryMs: quiet ? 60_000 : electionTimeoutMs * pick([1, 2, 5]),
    faults: FAULTS.filter((fault) => random.chance(fault === "bitFlip" ? 1 : 2, 5)),
    limits: drawLimits(pick),
    watchers: pick([0, 1, 3]),
    counters: pick([0, 1, 3]),
    watcherRestMsMax: pick([0, 0, 500]),
    expiring: pick([0, 1, 3]),
    tellers: pick([0, 1, 4]),
  };
}

function drawLimits(pick: (choices: readonly number[]) => number): Swarm["limits"] {
  return {
    appendEntriesMax: pick([1, 3, 4_096]),
    applyEntriesPerTurnMax: pick([1, 10, 256]),
    imageBlockBytes: pick([100, 2_000, 131_072]),
    inflightAppendsMax: pick([1, 4, 64]),
    logTailEntries: pick([1, 10, 100, 4_096]),
    proposalsMax: pick([4, 16_384]),
    readsWaitingMax: pick([4, 65_536]),
    snapshotChunkBytes: pick([300, 10_000, 262_144]),
    walFrameBytesMax: pick([500, 16 * 1024 * 1024]),
    walRoomBytes: pick([512, 4_096, 262_144]),
    walRoomFrameBytesMax: pick([0, 1_000, 16 * 1024]),
    historyChangesMax: pick([5, 100, 65_536]),
    watchChangesPerTurnMax: pick([1, 1_024]),
    expiriesPerCommandMax: pick([1, 3, 1_000]),
    applyWorkPerTurnMax: pick([1, 20, 4_096]),
  };
}

/** The limits are constants of the product: whoever runs a seed in this process gets these. */
export function applyLimits(swarm: Swarm): void {
  Object.assign(limits, swarm.limits);
}

export function describeSwarm(swarm: Swarm): string {
  const { faults, limits, ...rest } = swarm;
  const settings = Object.entries({ ...rest, ...limits }).map(([name, value]) =>
    `${name}=${value}`
  );
  return `${settings.join(" ")} faults=${faults.join(",") || "none"}`;
}
