/** How long a cluster takes to come back when all of its nodes were killed, and how large it is. */

import type { Goal, Series } from "../comparison.ts";
import { fill } from "../measure.ts";
import type { Target } from "../target.ts";
import { type Data, VALUE_BYTES } from "../workload.ts";
import { type Experiment, onEach, pause, rssBytes, type Stage, USUAL } from "./experiment.ts";

const TRIALS = 3;
const FEW: Data = { keys: 1_000, valueBytes: VALUE_BYTES };
const MILLION: Data = { keys: 1_000_000, valueBytes: VALUE_BYTES };
/** For what the writes have left to do, and for garbage to be collected. */
const REST_MS = 10_000;

const BYTES_PER_ENTRY: Goal = { of: "keva", relation: "≤", bound: 600 };
const HALF: Goal = { of: "ratio", relation: "≤", bound: 0.5 };

export const restart: Experiment = {
  name: "restart with 100,000 keys",
  run: async (stage) => {
    const values = await onEach(stage, async (target) => {
      await fill(target, USUAL);
      return await restarts(target, stage);
    });
    return [{ name: "kill -9 of all, to first write, 100,000 keys: ms", goal: HALF, values }];
  },
};

export const million: Experiment = {
  name: "a million keys",
  run: async (stage) => {
    const results = await onEach(stage, async (target) => {
      await fill(target, FEW);
      await pause(REST_MS);
      const empty = rssBytes(target);
      await fill(target, MILLION);
      await pause(REST_MS);
      const added = MILLION.keys - FEW.keys;
      const perEntry = rssBytes(target).map((full, node) => (full - (empty[node] ?? 0)) / added);
      stage.say(`${target.name}: ${perEntry.map(Math.round).join(", ")} bytes of memory per entry`);
      return { perEntry: perEntry.toSorted((a, b) => a - b), ms: await restarts(target, stage) };
    });
    const of = (key: "perEntry" | "ms"): Series["values"] =>
      Object.fromEntries(Object.entries(results).map(([name, result]) => [name, result[key]]));
    return [
      { name: "kill -9 of all, to first write, 1,000,000 keys: ms", goal: null, values: of("ms") },
      {
        name: "memory per entry of 256 bytes, 1,000,000 keys: RSS bytes",
        goal: BYTES_PER_ENTRY,
        values: of("perEntry"),
      },
    ];
  },
};

async function restarts(target: Target, stage: Stage): Promise<number[]> {
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
