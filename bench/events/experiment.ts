/**
 * What is measured on clusters of its own: events, growth, and what takes longer than a round.
 * Experiments run only when they are asked for by name.
 */

import type { Goal, Series } from "../comparison.ts";
import { fill, measure } from "../measure.ts";
import type { Target, TargetName } from "../target.ts";
import { usageOf } from "../usage.ts";
import { type Data, VALUE_BYTES, type Workload } from "../workload.ts";

export interface Stage {
  readonly targets: readonly TargetName[];
  /** Starts a new cluster and ends it when `run` is done; `settings` are for keva.toml. */
  with<T>(name: TargetName, run: (target: Target) => Promise<T>, settings?: string): Promise<T>;
  say(progress: string): void;
}

export type Experiment = {
  /** What `--only` is compared with. */
  readonly name: string;
  readonly run: (stage: Stage) => Promise<Series[]>;
};

export const USUAL: Data = { keys: 100_000, valueBytes: VALUE_BYTES };

/** Writes of the usual data at a rate that leaves room on any machine, by clients of all nodes. */
export function pacedWrites(perSecond: number, clients: number): Workload {
  return { data: USUAL, readShare: 0, clients, hot: false, perSecond };
}

/** Runs on a new cluster of each target, one after the other. */
export async function onEach<T>(
  stage: Stage,
  run: (target: Target) => Promise<T>,
): Promise<Partial<Record<TargetName, T>>> {
  const results: Partial<Record<TargetName, T>> = {};
  for (const name of stage.targets) results[name] = await stage.with(name, run);
  return results;
}

/** A figure of what was seen of each target. */
export function seriesOf<T>(
  name: string,
  goal: Goal | null,
  seen: Partial<Record<TargetName, T>>,
  figure: (of: T) => readonly number[],
): Series {
  const values = Object.entries(seen).map(([target, one]) => [target, figure(one)]);
  return { name, goal, values: Object.fromEntries(values) };
}

/** Of each node. */
export function rssBytes({ nodes }: Target): number[] {
  return nodes.map(({ pid }) => usageOf(pid).rssBytes);
}

/** One after the other. */
export async function p99sOf(
  target: Target,
  workload: Workload,
  rounds: number,
): Promise<number[]> {
  const job = { kind: "round", workload, warmupMs: 1_000, measureMs: 5_000 } as const;
  const p99s: number[] = [];
  for (let round = 0; round < rounds; round++) {
    p99s.push((await target.load(job, () => {})).p99Ms);
  }
  return p99s;
}

const ROUNDS_IN_TURN = 15;

/** Operations per second of each target, round by round: what befalls the machine befalls all. */
export async function inTurn(targets: readonly Target[], workload: Workload): Promise<number[][]> {
  for (const target of targets) await fill(target, workload.data);
  const rates = targets.map((): number[] => []);
  for (let round = 0; round < ROUNDS_IN_TURN; round++) {
    for (const [at, target] of targets.entries()) {
      const sample = await measure(target, { workload, warmupMs: 400, measureMs: 2_400 });
      rates[at]?.push(sample.perSecond);
    }
  }
  return rates;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
