/** The rows of the bench: which workloads there are, what of each is compared, and the goals. */

import type { Goal, Series } from "./comparison.ts";
import type { Sample } from "./measure.ts";
import type { Usage } from "./usage.ts";
import { type Data, VALUE_BYTES, type Workload, workloadName } from "./workload.ts";

export type Measure = "perSecond" | "p50Ms" | "p99Ms" | "cpuMicros";

export type Row = {
  readonly workload: Workload;
  readonly compared: readonly { readonly measure: Measure; readonly goal: Goal | null }[];
};

/** Of every key that rows ask for; the larger values take fewer. */
export const KEYS = 100_000;
const KIB = 1024;
const OF_1_KIB: Data = { keys: 10_000, valueBytes: KIB };
const OF_16_KIB: Data = { keys: 1_000, valueBytes: 16 * KIB };

/** Enough that at the rates below a client is free whenever a request is due. */
const PACED_CLIENTS = 128;

/** At a given rate all systems do the same number of operations. */
const LATENCIES: Row["compared"] = [
  { measure: "p50Ms", goal: null },
  { measure: "p99Ms", goal: atMost(1) },
];

/** Every row; `keys` is for values of the usual length. */
export function allRows(keys: number): Row[] {
  const usual: Workload = {
    data: { keys, valueBytes: VALUE_BYTES },
    readShare: 0,
    clients: 64,
    hot: false,
    perSecond: null,
  };
  const row = (changes: Partial<Workload>, ...compared: Row["compared"]): Row => ({
    workload: { ...usual, ...changes },
    compared,
  });
  return [
    row({ clients: 1 }, rate(1.5)),
    row({ clients: 16 }, rate(2)),
    row(
      { clients: 64 },
      rate(2.8),
      { measure: "p99Ms", goal: atMost(0.6) },
      { measure: "cpuMicros", goal: atMost(0.3) },
    ),
    row({ clients: 256 }, rate(2.8)),
    row({ clients: 1, readShare: 1 }, rate()),
    row({ clients: 16, readShare: 1 }, rate()),
    row({ clients: 64, readShare: 1 }, rate(1.6)),
    row({ clients: 256, readShare: 1 }, rate(1.45)),
    row({ clients: 64, readShare: 0.9 }, rate(2.5)),
    row({ data: OF_1_KIB }, rate()),
    row({ data: OF_1_KIB, readShare: 1 }, rate()),
    row({ data: OF_16_KIB }, rate()),
    row({ data: OF_16_KIB, readShare: 1 }, rate()),
    row({ hot: true }, rate()),
    row({ hot: true, readShare: 1 }, rate()),
    row({ perSecond: 1_000, clients: PACED_CLIENTS }, ...LATENCIES),
    row({ perSecond: 5_000, clients: PACED_CLIENTS, readShare: 0.9 }, ...LATENCIES),
  ];
}

export function hasGoal({ compared }: Row): boolean {
  return compared.some(({ goal }) => goal !== null);
}

/** What the rounds of a row gave, as rows of the report. */
export function seriesOf({ workload, compared }: Row, samples: readonly Sample[]): Series[] {
  const name = workloadName(workload);
  const own = samples.filter((sample) => workloadName(sample.workload) === name);
  const byTarget = [...Map.groupBy(own, ({ target }) => target)];
  return compared.map(({ measure, goal }) => ({
    name: `${name}: ${UNIT[measure]}`,
    goal,
    values: Object.fromEntries(
      byTarget.map(([target, rounds]) => [target, rounds.map(VALUE[measure])]),
    ),
  }));
}

/** Memory of each node once it holds `keys`, the smallest first. */
export function memorySeries(
  keys: number,
  used: Readonly<Record<string, readonly Usage[]>>,
): Series {
  const mib = (nodes: readonly Usage[]): number[] =>
    nodes.map(({ rssBytes }) => rssBytes / KIB / KIB).sort((a, b) => a - b);
  return {
    name: `memory per node, ${keys.toLocaleString("en")} keys: RSS MiB`,
    goal: keys === KEYS ? atMost(0.5) : null,
    values: Object.fromEntries(Object.entries(used).map(([name, nodes]) => [name, mib(nodes)])),
  };
}

const UNIT: Readonly<Record<Measure, string>> = {
  perSecond: "per s",
  p50Ms: "p50 ms",
  p99Ms: "p99 ms",
  cpuMicros: "CPU µs each",
};

const VALUE: Readonly<Record<Measure, (sample: Sample) => number>> = {
  perSecond: ({ perSecond }) => perSecond,
  p50Ms: ({ p50Ms }) => p50Ms,
  p99Ms: ({ p99Ms }) => p99Ms,
  cpuMicros: ({ cpuSecondsPer1000 }) => cpuSecondsPer1000 * 1000,
};

function rate(times?: number): { measure: Measure; goal: Goal | null } {
  return {
    measure: "perSecond",
    goal: times === undefined ? null : { of: "ratio", relation: "≥", bound: times },
  };
}

function atMost(times: number): Goal {
  return { of: "ratio", relation: "≤", bound: times };
}
