/** From the samples of all rounds to figures: medians and their spread, as a table and as JSON. */

import type { Machine } from "./machine.ts";
import type { Sample } from "./measure.ts";
import type { Plan, Workload } from "./workload.ts";

/** The median over the rounds, and the lowest and the highest of them. */
export type Figure = { readonly median: number; readonly min: number; readonly max: number };

export type Row = {
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

export type Report = {
  readonly startedAt: string;
  readonly targets: readonly { readonly name: string; readonly version: string }[];
  readonly machine: Machine;
  readonly plan: Plan;
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
  readonly samples: readonly Sample[];
};

const GENERATOR_BUSY_MAX = 0.9;
const MIB = 1024 * 1024;

/** What was measured, and on what. */
export function headline(targets: Report["targets"], machine: Machine): string {
  const names = targets.map(({ name, version }) => `${name} ${version}`).join(", ");
  const { cores, cpu, kernel, syncMs } = machine;
  return `${names}: three nodes and the load generator on ${cores} cores (${cpu}), ` +
    `kernel ${kernel}, ${syncMs.toFixed(2)} ms for a sync`;
}

/** One row for each workload and target, in the order in which they were first measured. */
export function rowsOf(samples: readonly Sample[]): Row[] {
  return [...groupOf(samples, rowName).values()].map((rounds) => {
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

/** What a reader must know before believing the rows. */
export function notesOf(samples: readonly Sample[], { cores, load1 }: Machine): string[] {
  const notes: string[] = [];
  if (load1 > cores / 4) {
    notes.push(`The machine was busy before the bench began (load ${load1.toFixed(2)}).`);
  }
  for (const [target, rounds] of groupOf(samples, ({ target }) => target)) {
    const leaders = new Set(rounds.map(({ nodes }) => nodes.find(({ leads }) => leads)?.name));
    if (leaders.size > 1) notes.push(`${target}: the leader changed between rounds.`);
  }
  for (const row of rowsOf(samples)) {
    const busy = row.generatorBusy.median;
    if (busy < GENERATOR_BUSY_MAX) continue;
    notes.push(
      `${rowName(row)}: the load generator was ${percent(busy)} busy, so it is the limit.`,
    );
  }
  return notes;
}

/** Answers that were wrong, as opposed to missing: no store may give any. */
export function wrongAnswers(rows: readonly Row[]): string[] {
  return rows.flatMap((row) =>
    Object.entries(row.errors).filter(([kind]) => kind.startsWith("wrong"))
      .map(([kind, count]) => `${rowName(row)}: ${kind}, ${count} times`)
  );
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

export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    rowName(row),
    count(row.perSecond.median),
    `${count(row.perSecond.min)} – ${count(row.perSecond.max)}`,
    row.p50Ms.median.toFixed(2),
    row.p99Ms.median.toFixed(2),
    String(Object.values(row.errors).reduce((sum, one) => sum + one, 0)),
    row.cpuSecondsPer1000.median.toFixed(3),
    row.generatorCpuSecondsPer1000.median.toFixed(3),
    percent(row.generatorBusy.median),
    row.nodes.map(({ rssBytesMax }) => Math.round(rssBytesMax / MIB)).join(" "),
  ]);
  const widths = HEADINGS.map((heading, i) =>
    Math.max(heading.length, ...cells.map((row) => (row[i] as string).length))
  );
  return [HEADINGS, ...cells].map((row) =>
    row.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)
    ).join("  ")
  ).join("\n");
}

export function rowName({ target, workload }: Pick<Row, "target" | "workload">): string {
  const { operation, clients } = workload;
  return `${target} ${operation}s, ${clients} client${clients === 1 ? "" : "s"}`;
}

function figureOf(values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [Math.floor(middle), Math.ceil(middle)];
  return {
    median: ((sorted[low] as number) + (sorted[high] as number)) / 2,
    min: sorted[0] as number,
    max: sorted.at(-1) as number,
  };
}

function groupOf<T>(items: readonly T[], name: (item: T) => string): Map<string, T[]> {
  return Map.groupBy(items, name);
}

function sumOf(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [kind, count] of counts.flatMap(Object.entries)) sum[kind] = (sum[kind] ?? 0) + count;
  return sum;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
