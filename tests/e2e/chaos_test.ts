/** A short storm on real processes, and that the check of its history would notice a wrong answer. */

import assert from "node:assert/strict";
import { checkHistory } from "../lin/checker.ts";
import type { Operation, Outcome } from "../lin/history.ts";
import { checkedCount, faultCounts, reportText } from "./chaos/report.ts";
import { runChaos } from "./chaos/run.ts";

const STORM_MS = 25_000;
const KEYED_STORM_MS = 12_000;
/** A tenth of what an idle machine does: a storm that nobody is out in proves nothing. */
const OPERATIONS_MIN = 3_000;
const FAULTS_MIN = 4;
/** A write whose outcome nobody learned may excuse one lie, or a few of them, and never all. */
const TELLINGS = 20;

Deno.test("chaos: a storm on real processes leaves a linearizable history", async () => {
  const run = await runChaos({ durationMs: STORM_MS, say: (line) => console.log(line) });
  console.log(reportText(run));
  assert.deepEqual(run.verdict.violations.map(({ text }) => text), []);
  assert.ok(checkedCount(run) >= OPERATIONS_MIN, `only ${checkedCount(run)} operations`);
  const faults = [...faultCounts(run.done).values()].reduce((sum, count) => sum + count, 0);
  assert.ok(faults >= FAULTS_MIN, `only ${faults} faults`);
  for (const [name, lie] of Object.entries(LIES)) {
    const noticed = withLie(run.history, lie).take(TELLINGS)
      .some((history) => checkHistory(history).violations.length > 0);
    assert.ok(noticed, `nobody noticed: ${name}`);
  }
});

Deno.test("chaos: so does one on nodes that know each other by keys", async () => {
  const run = await runChaos({ durationMs: KEYED_STORM_MS, keyed: true });
  console.log(reportText(run));
  assert.deepEqual(run.verdict.violations.map(({ text }) => text), []);
  assert.ok(checkedCount(run) >= OPERATIONS_MIN / 4, `only ${checkedCount(run)} operations`);
});

/** What a client might have been told instead; undefined where the lie does not fit. */
type Lie = (operation: Operation, before: readonly Operation[]) => Outcome | undefined;

const LIES: Readonly<Record<string, Lie>> = {
  "a stale read": ({ key, outcome, startedAt }, before) => {
    if (outcome.kind !== "read" || outcome.value === null) return undefined;
    const writes = before.filter((one) => one.key === key && one.outcome.kind === "written");
    const [overwritten, last] = writes.slice(-2);
    if (last?.endedAt === undefined || last.endedAt === null || last.endedAt >= startedAt) {
      return undefined;
    }
    return before.find((one) =>
      one.outcome.kind === "read" && one.key === key &&
      revisionOf(one) === revisionOf(overwritten as Operation)
    )?.outcome;
  },
  "an acknowledged write that is gone": ({ outcome, call }) =>
    outcome.kind === "read" && call.kind === "get" && outcome.value !== null
      ? { kind: "read", value: null, revision: 0 }
      : undefined,
  "a write that failed without effect and happened": ({ outcome }) =>
    outcome.kind === "written" ? { kind: "none" } : undefined,
  "a revision that was given before": ({ outcome }) =>
    outcome.kind === "written" ? { ...outcome, revision: outcome.revision - 1 } : undefined,
};

/** Tells the lie to one client whom it can be told, the last first: each time another history. */
function* withLie(history: readonly Operation[], lie: Lie): Generator<Operation[]> {
  for (let at = history.length - 1; at >= 0; at--) {
    const operation = history[at] as Operation;
    const outcome = lie(operation, history.slice(0, at));
    if (outcome !== undefined) yield history.toSpliced(at, 1, { ...operation, outcome });
  }
}

function revisionOf({ outcome }: Operation): number {
  return "revision" in outcome ? outcome.revision : 0;
}
