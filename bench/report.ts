/** What a run says, as text and as JSON, and what a reader must know before believing it. */

import { type Comparison, comparisonTable } from "./comparison.ts";
import { type Detail, detailName, detailsOf, detailTable } from "./details.ts";
import { percent } from "./figures.ts";
import type { Machine } from "./machine.ts";
import type { Sample } from "./measure.ts";
import type { Plan } from "./plan.ts";

export type Report = {
  readonly startedAt: string;
  readonly targets: readonly { readonly name: string; readonly version: string }[];
  readonly machine: Machine;
  readonly plan: Plan;
  readonly rows: readonly Comparison[];
  readonly details: readonly Detail[];
  readonly notes: readonly string[];
  readonly samples: readonly Sample[];
};

const GENERATOR_BUSY_MAX = 0.9;
/** Of the rate asked for; less means that the system was overloaded, and its latencies endless. */
const RATE_SHARE_MIN = 0.98;

/** What is measured, and on what. */
export function headline({ targets, machine }: Pick<Report, "targets" | "machine">): string {
  const names = targets.map(({ name, version }) => `${name} ${version}`).join(", ");
  const { cores, cpu, kernel, syncMs } = machine;
  return `${names}: three nodes each and a load generator on ${cores} cores (${cpu}), ` +
    `kernel ${kernel}, ${syncMs.toFixed(2)} ms for a sync`;
}

export function reportText({ targets, rows, details, notes }: Report): string {
  const names = targets.map(({ name }) => name);
  const first = details.length === 0 ? [] : [detailTable(details), ""];
  return ["", ...first, comparisonTable(rows, names), "", ...notes].join("\n");
}

export function notesOf(samples: readonly Sample[], { cores, load1 }: Machine): string[] {
  const notes: string[] = [];
  if (load1 > cores / 4) {
    notes.push(`The machine was busy before the bench began (load ${load1.toFixed(2)}).`);
  }
  for (const [target, rounds] of Map.groupBy(samples, ({ target }) => target)) {
    const leaders = new Set(rounds.map(({ nodes }) => nodes.find(({ leads }) => leads)?.name));
    if (leaders.size > 1) notes.push(`${target}: the leader changed between rounds.`);
  }
  return [...notes, ...detailsOf(samples).flatMap(notesOfDetail)];
}

function notesOfDetail(detail: Detail): string[] {
  const notes: string[] = [];
  const { generatorBusy: { median: busy }, perSecond, workload } = detail;
  if (busy >= GENERATOR_BUSY_MAX) {
    notes.push(`the load generator was ${percent(busy)} busy, so it is the limit.`);
  }
  if (workload.perSecond !== null && perSecond.median < workload.perSecond * RATE_SHARE_MIN) {
    notes.push("it did not keep up with the rate, so its latencies mean nothing.");
  }
  return notes.map((note) => `${detailName(detail)}: ${note}`);
}

/** Answers that were wrong, as opposed to missing: no store may give any. */
export function wrongAnswers(details: readonly Detail[]): string[] {
  return details.flatMap((detail) =>
    Object.entries(detail.errors).filter(([kind]) => kind.startsWith("wrong"))
      .map(([kind, count]) => `${detailName(detail)}: ${kind}, ${count} times`)
  );
}
