/** Every figure of every workload, target by target: medians over the rounds and their spread. */

import { columns, type Figure, figureOf, number, percent } from "./figures.ts";
import type { Sample } from "./measure.ts";
import { type Workload, workloadName } from "./workload.ts";

/** The rounds of one workload on one target. */
export type Detail = {
  readonly target: string;
  readonly workload: Workload;
  readonly perSecond: Figure;
  readonly p50Ms: Figure;
  readonly p99Ms: Figure;
  readonly errors: Readonly<Record<string, number>>;
  readonly cpuSecondsPer1000: Figure;
  readonly generatorCpuSecondsPer1000: Figure;
  readonly generatorBusy: Figure;
  /** The most that a node held in any round. */
  readonly nodes: readonly { readonly name: string; readonly rssBytesMax: number }[];
};

const MIB = 1024 * 1024;

/** In the order in which they were first measured. */
export function detailsOf(samples: readonly Sample[]): Detail[] {
  return [...Map.groupBy(samples, detailName).values()].map((rounds) => {
    const { target, workload, nodes } = rounds[0] as Sample;
    const figure = (of: (sample: Sample) => number): Figure => figureOf(rounds.map(of));
    return {
      target,
      workload,
      perSecond: figure(({ perSecond }) => perSecond),
      p50Ms: figure(({ p50Ms }) => p50Ms),
      p99Ms: figure(({ p99Ms }) => p99Ms),
      errors: sumOf(rounds.map(({ errors }) => errors)),
      cpuSecondsPer1000: figure(({ cpuSecondsPer1000 }) => cpuSecondsPer1000),
      generatorCpuSecondsPer1000: figure((sample) => sample.generatorCpuSecondsPer1000),
      generatorBusy: figure(({ generatorBusy }) => generatorBusy),
      nodes: nodes.map(({ name }, i) => ({
        name,
        rssBytesMax: Math.max(...rounds.map(({ nodes }) => nodes[i]?.rssBytes ?? 0)),
      })),
    };
  });
}

const HEADINGS = [
  "",
  "ops/s",
  "min – max",
  "p50 ms",
  "p99 ms",
  "errors",
  "CPU s/1k",
  "load CPU s/1k",
  "load busy",
  "RSS MiB",
];

export function detailTable(details: readonly Detail[]): string {
  return columns([
    HEADINGS,
    ...details.map((detail) => [
      detailName(detail),
      number(detail.perSecond.median),
      `${number(detail.perSecond.min)} – ${number(detail.perSecond.max)}`,
      detail.p50Ms.median.toFixed(2),
      detail.p99Ms.median.toFixed(2),
      String(Object.values(detail.errors).reduce((sum, one) => sum + one, 0)),
      detail.cpuSecondsPer1000.median.toFixed(3),
      detail.generatorCpuSecondsPer1000.median.toFixed(3),
      percent(detail.generatorBusy.median),
      detail.nodes.map(({ rssBytesMax }) => Math.round(rssBytesMax / MIB)).join(" "),
    ]),
  ]);
}

export function detailName({ target, workload }: Pick<Detail, "target" | "workload">): string {
  return `${target} ${workloadName(workload)}`;
}

function sumOf(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [kind, count] of counts.flatMap(Object.entries)) sum[kind] = (sum[kind] ?? 0) + count;
  return sum;
}
