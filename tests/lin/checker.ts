/**
 * Judges a history: is there one order, in agreement with real time, in which every operation
 * could have happened at one instant with just the answer that its client was told?
 *
 * Linearizability is local, so each key is judged by itself. Two rules tie the keys together,
 * because revisions are positions in one log: a revision belongs to one write, and a write that
 * began after something was known to have revision r has a higher one.
 */

import { explain } from "./explain.ts";
import type { Operation, Revision } from "./history.ts";
import { findOrder, type Found, type KeyHistory } from "./search.ts";

export type Verdict = {
  /** Operations that took part. */
  readonly operations: number;
  readonly keys: number;
  /** Empty: the history is linearizable. */
  readonly violations: readonly Violation[];
};

export type Violation = {
  readonly key: string;
  /** What is wrong, in one sentence. */
  readonly reason: string;
  /** The sentence, and a table of the operations that show it. */
  readonly text: string;
};

export type CheckOptions = {
  /** Steps of the search for one key; reaching it is a violation, since nothing was shown. */
  readonly stepsMax?: number;
};

/** Violations of other keys are left out past this. */
const VIOLATIONS_MAX = 10;

export function checkHistory(history: readonly Operation[], options: CheckOptions = {}): Verdict {
  const keys = byKey(history);
  const { floors, violations } = judgeLog(history);
  for (const [key, operations] of keys) {
    if (violations.length >= VIOLATIONS_MAX) break;
    const found = order(operations, floors, options.stepsMax);
    if (found.kind === "order") continue;
    const explained = found.kind === "none"
      ? explain(operations, (part) => order(part, floors))
      : { reason: `${operations.length} operations are too many to decide about`, text: "" };
    violations.push({ key, ...explained });
  }
  return { operations: history.length, keys: keys.size, violations };
}

/** Fails with everything that is wrong. */
export function assertLinearizable(history: readonly Operation[]): void {
  const { violations } = checkHistory(history);
  if (violations.length === 0) return;
  throw new Error(`not linearizable\n${violations.map(({ text }) => text).join("\n")}`);
}

function byKey(history: readonly Operation[]): Map<string, Operation[]> {
  const keys = new Map<string, Operation[]>();
  for (const operation of history) {
    const operations = keys.get(operation.key);
    if (operations === undefined) keys.set(operation.key, [operation]);
    else operations.push(operation);
  }
  return keys;
}

function order(operations: readonly Operation[], floors: Floors, stepsMax?: number): Found {
  return findOrder(keyHistory(operations, floors), stepsMax);
}

function keyHistory(operations: readonly Operation[], floors: Floors): KeyHistory {
  const sorted = byStart(operations);
  const known = sorted.filter(({ outcome }) =>
    outcome.kind !== "unknown" && outcome.kind !== "none"
  );
  const unknown = sorted.filter(({ outcome, call }) =>
    outcome.kind === "unknown" && call.kind !== "get"
  );
  return { known, unknown, floors: unknown.map((one) => floors.get(one) ?? 0) };
}

// --- One log ------------------------------------------------------------------------------------

/** For writes of unknown outcome: the highest revision that anybody knew before they started. */
type Floors = ReadonlyMap<Operation, Revision>;

function judgeLog(history: readonly Operation[]): { floors: Floors; violations: Violation[] } {
  const floors = new Map<Operation, Revision>();
  const violations: Violation[] = [];
  const report = (reason: string, operations: readonly [Operation, Operation]): void => {
    if (violations.length >= VIOLATIONS_MAX) return;
    violations.push({ key: operations[1].key, ...explain(operations, reason) });
  };
  const told = history.filter((one) => revisionOf(one) > 0 && one.endedAt !== null)
    .sort((a, b) => (a.endedAt as number) - (b.endedAt as number));
  sharedRevisions(told, report);
  let highest: Operation | undefined;
  let next = 0;
  for (const operation of byStart(history)) {
    for (; next < told.length; next++) {
      const one = told[next] as Operation;
      if ((one.endedAt as number) >= operation.startedAt) break;
      if (highest === undefined || revisionOf(one) > revisionOf(highest)) highest = one;
    }
    if (highest === undefined) continue;
    const known = revisionOf(highest);
    const revision = revisionOf(operation);
    if (operation.outcome.kind === "unknown") floors.set(operation, known);
    if (isWrite(operation) && revision <= known) {
      report(`revision ${revision} was given after ${known} was known`, [highest, operation]);
    }
  }
  return { floors, violations };
}

function sharedRevisions(
  told: readonly Operation[],
  report: (reason: string, operations: readonly [Operation, Operation]) => void,
): void {
  const owners = new Map<Revision, Operation>();
  for (const operation of told) {
    const revision = revisionOf(operation);
    const owner = owners.get(revision);
    const isOther = owner !== undefined &&
      (owner.key !== operation.key || isWrite(owner) && isWrite(operation));
    if (isOther) report(`revision ${revision} belongs to two writes`, [owner, operation]);
    if (owner === undefined || isWrite(operation)) owners.set(revision, operation);
  }
}

function isWrite({ outcome }: Operation): boolean {
  return outcome.kind === "written" || outcome.kind === "deleted";
}

function revisionOf({ outcome }: Operation): Revision {
  return "revision" in outcome ? outcome.revision : 0;
}

function byStart(operations: readonly Operation[]): readonly Operation[] {
  const isSorted = operations.every((one, at) =>
    at === 0 || one.startedAt >= (operations[at - 1] as Operation).startedAt
  );
  return isSorted ? operations : operations.toSorted((a, b) => a.startedAt - b.startedAt);
}
