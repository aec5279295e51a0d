/** What a cluster costs as it grows: latency, memory, and how long it takes to come back. */

import type { Goal, Series } from "../comparison.ts";
import { fill } from "../measure.ts";
import type { Target } from "../target.ts";
import { VALUE_BYTES, type Workload } from "../workload.ts";
import {
  type Experiment,
  onEach,
  p99sOf,
  pacedWrites,
  pause,
  rssBytes,
  seriesOf,
  type Stage,
} from "./experiment.ts";
import { restarts } from "./restart.ts";

/** For what the writes have left to do, and for garbage to be collected. */
const REST_MS = 10_000;
const PER_SECOND = 1_000;
const CLIENTS = 128;
const ROUNDS = 3;
const BYTES_PER_ENTRY: Goal = { of: "keva", relation: "≤", bound: 600 };

export const million: Experiment = growth("a million keys", [1_000, 100_000, 1_000_000]);
/** Needs 10 GB of memory, and as much again for etcd. */
export const fiveMillion: Experiment = growth("five million keys", [1_000, 5_000_000]);

/** What was seen with so many keys; memory and latencies of each node or round. */
type Size = {
  readonly keys: number;
  readonly rss: readonly number[];
  readonly writes: readonly number[];
  readonly reads: readonly number[];
};
type Grown = { readonly sizes: readonly Size[]; readonly restartMs: readonly number[] };

/** The first of `sizes` is small, so that memory per entry is that of the others. */
function growth(name: string, sizes: readonly number[]): Experiment {
  return {
    name,
    run: async (stage) => {
      const grown = await onEach(stage, async (target): Promise<Grown> => {
        const seen: Size[] = [];
        for (const keys of sizes) seen.push(await grow(target, keys, stage));
        return { sizes: seen, restartMs: await restarts(target, stage) };
      });
      const last = sizes.length - 1;
      return [
        ...sizes.flatMap((keys, at): Series[] => {
          const after = `at ${PER_SECOND.toLocaleString("en")}/s, ${count(keys)}: p99 ms`;
          return [
            seriesOf(`writes ${after}`, null, grown, ({ sizes }) => sizes[at]!.writes),
            seriesOf(`reads ${after}`, null, grown, ({ sizes }) => sizes[at]!.reads),
          ];
        }),
        seriesOf(
          `kill -9 of all, to first write, ${count(sizes[last]!)}: ms`,
          null,
          grown,
          ({ restartMs }) => restartMs,
        ),
        seriesOf(
          `memory per entry of 256 bytes, ${count(sizes[last]!)}: RSS bytes`,
          BYTES_PER_ENTRY,
          grown,
          ({ sizes }) => bytesPerEntry(sizes[0]!, sizes[last]!),
        ),
      ];
    },
  };
}

async function grow(target: Target, keys: number, stage: Stage): Promise<Size> {
  const data = { keys, valueBytes: VALUE_BYTES };
  await fill(target, data);
  await pause(REST_MS);
  const rss = rssBytes(target);
  const writes: Workload = { ...pacedWrites(PER_SECOND, CLIENTS), data };
  const mib = rss.map((bytes) => Math.round(bytes / 1024 ** 2));
  stage.say(`${target.name}: ${count(keys)} in ${mib.join(", ")} MiB of each node's memory`);
  return {
    keys,
    rss,
    writes: await p99sOf(target, writes, ROUNDS),
    reads: await p99sOf(target, { ...writes, readShare: 1 }, ROUNDS),
  };
}

function bytesPerEntry(few: Size, many: Size): number[] {
  const added = many.keys - few.keys;
  return many.rss.map((bytes, node) => (bytes - (few.rss[node] ?? 0)) / added)
    .sort((a, b) => a - b);
}

function count(keys: number): string {
  return `${keys.toLocaleString("en")} keys`;
}
