/** One round of one workload on one target: its load, and what the processes used meanwhile. */

import type { Target } from "./target.ts";
import { type Usage, usageOf } from "./usage.ts";
import type { Data, Workload } from "./workload.ts";

const FILL_CLIENTS = 64;

export type NodeSample = {
  readonly name: string;
  readonly leads: boolean;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly anonymousBytes: number;
};

export type Round = {
  readonly workload: Workload;
  readonly warmupMs: number;
  readonly measureMs: number;
};

export type Sample = {
  readonly target: string;
  readonly workload: Workload;
  readonly operations: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly nodes: readonly NodeSample[];
  /** Of all nodes together. */
  readonly cpuSecondsPer1000: number;
  readonly generatorCpuSecondsPer1000: number;
  /** Share of one core: near 1 the generator, not the target, is what was measured. */
  readonly generatorBusy: number;
};

/** Writes every key, so that each read finds a value. */
export async function fill(target: Target, data: Data): Promise<void> {
  const { errors } = await target.load({ kind: "fill", data, clients: FILL_CLIENTS }, () => {});
  const faults = Object.entries(errors).map(([fault, count]) => `${count} times ${fault}`);
  if (faults.length > 0) {
    throw new Error(`${target.name} could not be filled: ${faults.join(", ")}`);
  }
}

export async function measure(target: Target, round: Round): Promise<Sample> {
  const { nodes, generatorPid } = target;
  const leader = await target.leader();
  const edges: { nodes: Usage[]; generator: Usage }[] = [];
  const load = await target.load(
    { kind: "round", ...round },
    () =>
      edges.push({ nodes: nodes.map(({ pid }) => usageOf(pid)), generator: usageOf(generatorPid) }),
  );
  const [begin, end] = edges;
  if (begin === undefined || end === undefined) throw new Error("a round without its two edges");
  const samples = nodes.map(({ name }, i) => ({
    name,
    leads: name === leader,
    cpuSeconds: (end.nodes[i] as Usage).cpuSeconds - (begin.nodes[i] as Usage).cpuSeconds,
    rssBytes: (end.nodes[i] as Usage).rssBytes,
    anonymousBytes: (end.nodes[i] as Usage).anonymousBytes,
  }));
  const nodesCpu = samples.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  const generatorCpu = end.generator.cpuSeconds - begin.generator.cpuSeconds;
  const { operations, elapsedMs, p50Ms, p99Ms, errors } = load;
  return {
    target: target.name,
    workload: round.workload,
    operations,
    perSecond: operations / elapsedMs * 1000,
    p50Ms,
    p99Ms,
    errors,
    nodes: samples,
    cpuSecondsPer1000: nodesCpu / operations * 1000,
    generatorCpuSecondsPer1000: generatorCpu / operations * 1000,
    generatorBusy: generatorCpu / elapsedMs * 1000,
  };
}
