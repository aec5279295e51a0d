/**
 * What one seed draws: the shape of the cluster, the load, and which faults are on. Most seeds
 * leave some faults out, because a fault that always happens hides what needs its absence.
 */

import { SeededRandom } from "../support/seeded_random.ts";

export const FAULTS = [
  "crash",
  "kill",
  "stop",
  "pause",
  "partition",
  "isolate",
  "oneWay",
  "bridge",
  "reset",
  "silence",
  "slowNetwork",
  "slowDisk",
  "stalledDisk",
  "fullDisk",
  "failedSync",
  "clockJump",
  "bitFlip",
] as const;

export type FaultKind = typeof FAULTS[number];

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
};

export function drawSwarm(seed: number): Swarm {
  const random = new SeededRandom(seed);
  const pick = <T>(choices: readonly T[]): T => choices[random.below(choices.length)] as T;
  const electionTimeoutMs = pick([300, 500, 1_000, 2_000]);
  const thinkMsMax = pick([5, 50, 200, 1_000]);
  return {
    seed,
    nodes: pick([1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5, 7]),
    electionTimeoutMs,
    delayMsMax: pick([0, 1, 5, 20]),
    fragment: random.chance(1, 3),
    syncMsMax: pick([0, 1, 5, 20]),
    snapshotEntries: pick([20, 100, 500, 5_000]),
    segmentBytes: pick([2_048, 16_384, 262_144]),
    clients: pick([1, 2, 4, 8]),
    keys: pick([1, 3, 10, 40]),
    hotPercent: pick([0, 20, 80]),
    readPercent: pick([20, 50, 90]),
    valueBytesMax: thinkMsMax < 200 ? pick([8, 100]) : pick([8, 100, 2_000, 20_000]),
    thinkMsMax,
    safetyMs: thinkMsMax < 50 ? 20_000 : pick([20_000, 60_000, 180_000]),
    faultEveryMs: electionTimeoutMs * pick([1, 2, 5]),
    faults: FAULTS.filter((fault) => random.chance(fault === "bitFlip" ? 1 : 2, 5)),
  };
}

export function describeSwarm(swarm: Swarm): string {
  const { faults, ...rest } = swarm;
  const settings = Object.entries(rest).map(([name, value]) => `${name}=${value}`);
  return `${settings.join(" ")} faults=${faults.join(",") || "none"}`;
}
