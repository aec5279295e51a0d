/** The figures of a run, as text. */

import type { Operation } from "../../lin/history.ts";
import type { Done } from "./nemesis.ts";
import type { ChaosRun } from "./run.ts";

export function reportText(run: ChaosRun): string {
  const { verdict, converged, done } = run;
  const seconds = run.durationMs / 1000;
  return [
    `${checkedCount(run)} operations on ${verdict.keys} keys checked in ${ms(run.checkMs)}, ` +
    `${Math.round(checkedCount(run) / seconds)}/s over ${Math.round(seconds)} s`,
    `  ${countsText(outcomeCounts(run.history))}`,
    `  without a known effect: ${countsText(run.failures)}`,
    `${done.flatMap(({ step }) => step.faults).length} faults in ${done.length} steps`,
    `  ${countsText(faultCounts(done))}`,
    `longest stall of writes by kind, in ms`,
    `  ${countsText(stalls(run))}`,
    `longest recovery until all nodes were ready: ${ms(run.recoveryMsMax)}`,
    `all nodes at index ${converged.applied} with digest ${converged.digest}`,
    `${verdict.violations.length} violations`,
    ...verdict.violations.map(({ text }) => text),
  ].join("\n");
}

/** Without those that certainly had no effect: there is nothing about them to check. */
export function checkedCount({ history }: ChaosRun): number {
  return history.filter(({ outcome }) => outcome.kind !== "none").length;
}

export function outcomeCounts(history: readonly Operation[]): Map<string, number> {
  return counted(history.map(({ outcome }) => outcome.kind));
}

export function faultCounts(done: readonly Done[]): Map<string, number> {
  return counted(done.flatMap(({ step }) => step.faults.map(({ kind }) => kind)));
}

/** The longest time within a step without an acknowledged write, by the kind of its fault. */
function stalls({ done, acknowledgedAt }: ChaosRun): Map<string, number> {
  const longest = new Map<string, number>();
  let next = 0; // the first acknowledgement that comes after the step has begun
  for (const { step, startedAt, endedAt } of done) {
    while ((acknowledgedAt[next] ?? Infinity) < startedAt) next++;
    const kind = step.faults.length > 1 ? "two at once" : step.faults[0]?.kind as string;
    let stall = longest.get(kind) ?? 0;
    for (let at = next, from = startedAt; from < endedAt; at++) {
      // What goes on past the end is the next step's doing.
      const until = Math.min(acknowledgedAt[at] ?? endedAt, endedAt);
      stall = Math.max(stall, until - from);
      from = until;
    }
    longest.set(kind, Math.round(stall));
  }
  return longest;
}

function counted(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function countsText(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(", ");
}

function ms(time: number): string {
  return `${Math.round(time)} ms`;
}
