/**
 * Why a history of one key has no order, for a person: the shortest beginning of it that has none,
 * cut down to what was open at its end and to the operations that those speak of.
 */

import { callText, itemText, type Operation, outcomeText } from "./history.ts";
import type { Found } from "./search.ts";

export type Explanation = { readonly reason: string; readonly text: string };

type Judge = (operations: readonly Operation[]) => Found;

/** A table has at most this many operations that overlap the last one; the newest are shown. */
const ROWS_MAX = 24;

/** `why` is the reason itself, or judges parts of the history, which must have no order. */
export function explain(operations: readonly Operation[], why: string | Judge): Explanation {
  if (typeof why === "string") {
    return { reason: why, text: `${why}\n${table(operations, operations.at(-1))}` };
  }
  const last = breakingPoint(operations, why);
  const part = until(operations, last.endedAt as number);
  const cut = quietBefore(part, last);
  const before = why(part.filter(({ endedAt }) => endedAt !== null && endedAt < cut));
  const open = part.filter(({ endedAt }) => endedAt === null || endedAt >= cut);
  const relevant = open.length <= ROWS_MAX ? open : open.slice(-ROWS_MAX);
  const spokenOf = part.filter((one) => !relevant.includes(one) && isSpokenOf(one, last));
  const reason = reasonFor(last, operations);
  const lines = [`${last.key}: ${reason}`];
  if (before.kind === "order") {
    const { value, low } = before.last;
    lines.push(`before these operations: ${itemText(value, low)}`);
  }
  if (open.length > relevant.length) {
    lines.push(`(${open.length - relevant.length} more operations overlap these)`);
  }
  const rows = [...spokenOf.slice(-ROWS_MAX), ...relevant];
  return { reason, text: `${lines.join("\n")}\n${table(rows, last)}` };
}

/** The operation whose end left no order. */
function breakingPoint(operations: readonly Operation[], judge: Judge): Operation {
  const ended = operations.filter(({ endedAt, outcome }) =>
    endedAt !== null && outcome.kind !== "none"
  ).sort((a, b) => (a.endedAt as number) - (b.endedAt as number));
  let good = 0;
  let bad = ended.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const { endedAt } = ended[middle - 1] as Operation;
    if (judge(until(operations, endedAt as number)).kind === "order") good = middle;
    else bad = middle;
  }
  return ended[bad - 1] as Operation;
}

/** What was known at `time`: answers that came later are still open, what began later is not there. */
function until(operations: readonly Operation[], time: number): Operation[] {
  return operations.filter(({ startedAt }) => startedAt <= time).map((one) =>
    one.endedAt === null || one.endedAt <= time || one.outcome.kind === "none"
      ? one
      : { ...one, endedAt: null, outcome: { kind: "unknown" } }
  );
}

/** The latest moment before `last` at which no operation was open that has ended since. */
function quietBefore(operations: readonly Operation[], last: Operation): number {
  let quiet = last.startedAt;
  const byEnd = operations.filter(({ endedAt }) => endedAt !== null)
    .sort((a, b) => (b.endedAt as number) - (a.endedAt as number));
  for (const { startedAt, endedAt } of byEnd) {
    if ((endedAt as number) >= quiet) quiet = Math.min(quiet, startedAt);
  }
  return quiet;
}

/** Whether `operation` wrote, or failed to write, what `last` was told. */
function isSpokenOf({ call, outcome }: Operation, last: Operation): boolean {
  const told = last.outcome;
  if (told.kind === "read" && "value" in call && call.value === told.value) return true;
  const revision = "revision" in told ? told.revision : 0;
  return revision > 0 && "revision" in outcome && outcome.revision === revision &&
    outcome.kind !== "read";
}

function reasonFor(last: Operation, operations: readonly Operation[]): string {
  const told = `${last.client} was told "${outcomeText(last.outcome)}" about ${
    callText(last.call)
  }`;
  if (last.outcome.kind !== "read" || last.outcome.value === null) return `${told}: no order fits`;
  const { value } = last.outcome;
  const writers = operations.filter(({ call }) => "value" in call && call.value === value);
  if (writers.length === 0) return `${told}: nobody wrote ${value}`;
  if (writers.every(({ outcome }) => outcome.kind === "none" || outcome.kind === "refused")) {
    return `${told}: the write of ${value} failed`;
  }
  if (writers.every(({ startedAt }) => startedAt > (last.endedAt as number))) {
    return `${told}: ${value} was not written before`;
  }
  return `${told}: no order fits`;
}

/** Operations in the order of their starts; the one that cannot be is marked. */
function table(operations: readonly Operation[], marked: Operation | undefined): string {
  const rows = operations.toSorted((a, b) => a.startedAt - b.startedAt).map((one) => [
    one.client === marked?.client && one.startedAt === marked.startedAt ? "→" : " ",
    time(one.startedAt),
    one.endedAt === null ? "…" : time(one.endedAt),
    one.client,
    one.key,
    callText(one.call),
    outcomeText(one.outcome),
  ]);
  const all = [["", "from", "to", "client", "key", "operation", "answer"], ...rows];
  const widths = (all[0] as string[]).map((_, column) =>
    Math.max(...all.map((row) => (row[column] as string).length))
  );
  return all.map((row) =>
    `  ${row.map((cell, at) => cell.padEnd(widths[at] as number)).join("  ")}`
  )
    .map((line) => `${line.trimEnd()}\n`).join("");
}

function time(at: number): string {
  return String(Math.round(at * 1000) / 1000);
}
