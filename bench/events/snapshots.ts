/** What writes notice of snapshots. */

import type { Goal } from "../comparison.ts";
import { fill } from "../measure.ts";
import { growthOf } from "../metrics.ts";
import type { Target } from "../target.ts";
import { type Experiment, p99sOf, pacedWrites, USUAL } from "./experiment.ts";

const ROUNDS = 3;
const PER_SECOND = 1_000;
const TWICE: Goal = { of: "keva", relation: "≤", bound: 2 };

/** More than the bench writes. */
const NEVER = "[storage]\nsnapshot_entries = 100000000\nsnapshot_bytes = 17179869184\n";
/** Every two seconds at that rate, so that some fall into each round, of all keys. */
const OFTEN = `[storage]\nsnapshot_entries = ${2 * PER_SECOND}\n`;

export const snapshots: Experiment = {
  name: "writes during snapshots",
  run: async (stage) => {
    if (!stage.targets.includes("keva")) return [];
    const without = await stage.with("keva", p99s, NEVER);
    const during = await stage.with("keva", async (target) => {
      const before = await target.metrics();
      const rounds = await p99s(target);
      const taken = growthOf(COUNT, before, await target.metrics());
      const seconds = growthOf(SECONDS, before, await target.metrics());
      const each = seconds.map((sum, node) => Math.round(sum * 1000 / (taken[node] ?? 1)));
      stage.say(`snapshots taken by each node: ${taken.join(", ")}, of ${each.join(", ")} ms`);
      return rounds;
    }, OFTEN);
    const times = during.map((p99Ms, round) => p99Ms / (without[round] ?? NaN));
    const at = `writes at ${PER_SECOND.toLocaleString("en")}/s`;
    return [
      { name: `${at}, no snapshots: p99 ms`, goal: null, values: { keva: without } },
      { name: `${at}, snapshots every 2 s: p99 ms`, goal: null, values: { keva: during } },
      { name: `${at}: p99 with to without snapshots`, goal: TWICE, values: { keva: times } },
    ];
  },
};

const COUNT = "keva_snapshot_duration_seconds_count";
const SECONDS = "keva_snapshot_duration_seconds_sum";

async function p99s(target: Target): Promise<number[]> {
  await fill(target, USUAL);
  return await p99sOf(target, pacedWrites(PER_SECOND, 128), ROUNDS);
}
