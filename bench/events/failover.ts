/** How long nobody can write when the leader is killed. */

import type { Goal } from "../comparison.ts";
import { fill } from "../measure.ts";
import type { LoadJob, Target } from "../target.ts";
import { VALUE_BYTES } from "../workload.ts";
import { type Experiment, onEach, pacedWrites, pause, type Stage } from "./experiment.ts";

const TRIALS = 5;
const HALF: Goal = { of: "ratio", relation: "≤", bound: 0.5 };

/**
 * Requests go on being sent whatever hangs, or the time that a hanging one takes would be taken for
 * that of the election: this many clients last for several seconds.
 */
const WRITES = pacedWrites(200, 900);
const ROUND: LoadJob = { kind: "round", workload: WRITES, warmupMs: 1_000, measureMs: 7_000 };
const KILL_AFTER_MS = 500;

export const failover: Experiment = {
  name: "leader killed",
  run: async (stage) => {
    const values = await onEach(stage, async (target) => {
      await fill(target, { keys: 1_000, valueBytes: VALUE_BYTES });
      const gaps: number[] = [];
      for (let trial = 0; trial < TRIALS; trial++) gaps.push(await gapMs(target, stage));
      return gaps;
    });
    return [{ name: "longest gap of writes, leader killed -9: ms", goal: HALF, values }];
  },
};

async function gapMs(target: Target, stage: Stage): Promise<number> {
  let killed = Promise.resolve();
  const { longestGapMs } = await target.load(ROUND, (edge) => {
    if (edge === "begin") killed = killLeader(target);
  });
  await killed;
  await target.start();
  stage.say(`${target.name}: no write for ${Math.round(longestGapMs)} ms`);
  return longestGapMs;
}

async function killLeader(target: Target): Promise<void> {
  await pause(KILL_AFTER_MS);
  await target.kill(await target.leader());
}
