/** How long a cluster takes to come back when all of its nodes were killed. */

import type { Goal } from "../comparison.ts";
import { fill } from "../measure.ts";
import type { Target } from "../target.ts";
import { type Data, VALUE_BYTES } from "../workload.ts";
import { type Experiment, onEach, rssBytes, seriesOf, type Stage, USUAL } from "./experiment.ts";

const TRIALS = 3;
const FEW: Data = { keys: 1_000, valueBytes: VALUE_BYTES };
const HALF: Goal = { of: "ratio", relation: "≤", bound: 0.5 };

/**
 * Without keys too, but for the few that asking writes: what a restart and a node's memory cost
 * before there is any data.
 */
export const restart: Experiment = {
  name: "restart with 100,000 keys",
  run: async (stage) => {
    const seen = await onEach(stage, async (target) => {
      const rssMib = rssBytes(target).map((bytes) => bytes / 1024 ** 2);
      const emptyMs = await restarts(target, stage);
      await fill(target, USUAL);
      return { rssMib, emptyMs, fullMs: await restarts(target, stage) };
    });
    const event = "kill -9 of all, to first write";
    return [
      seriesOf("memory per node, no keys: RSS MiB", null, seen, ({ rssMib }) => rssMib),
      seriesOf(`${event}, no keys: ms`, null, seen, ({ emptyMs }) => emptyMs),
      seriesOf(`${event}, 100,000 keys: ms`, HALF, seen, ({ fullMs }) => fullMs),
    ];
  },
};

export async function restarts(target: Target, stage: Stage): Promise<number[]> {
  const times: number[] = [];
  for (let trial = 0; trial < TRIALS; trial++) {
    await Promise.all(target.nodes.map(({ name }) => target.kill(name)));
    const ms = await firstWriteMs(target);
    stage.say(`${target.name}: first write ${Math.round(ms)} ms after the start`);
    times.push(ms);
  }
  return times;
}

/** From the start of the processes to the first write that is acknowledged by any node. */
async function firstWriteMs(target: Target): Promise<number> {
  let startedAt = 0;
  let elapsedMs = NaN;
  let started = Promise.resolve();
  await target.load({ kind: "probe", data: FEW }, (edge) => {
    if (edge === "end") {
      elapsedMs = performance.now() - startedAt;
      return;
    }
    startedAt = performance.now();
    started = target.start();
  });
  await started;
  return elapsedMs;
}
