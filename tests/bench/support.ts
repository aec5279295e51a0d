/** Values that several tests of the bench start from. */

import type { Sample } from "../../bench/measure.ts";
import type { Workload } from "../../bench/workload.ts";

export function workload(changes: Partial<Workload> = {}): Workload {
  return {
    data: { keys: 50, valueBytes: 256 },
    readShare: 0,
    clients: 64,
    hot: false,
    perSecond: null,
    ...changes,
  };
}

export function sample(changes: Partial<Sample> = {}): Sample {
  return {
    target: "keva",
    workload: workload(),
    operations: 1000,
    perSecond: 1000,
    p50Ms: 1,
    p99Ms: 2,
    errors: {},
    nodes: [{ name: "n1", leads: true, cpuSeconds: 1, rssBytes: 2 ** 20, anonymousBytes: 2 ** 19 }],
    cpuSecondsPer1000: 1,
    generatorCpuSecondsPer1000: 0.1,
    generatorBusy: 0.5,
    ...changes,
  };
}
