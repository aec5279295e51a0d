/** Filling the targets before the rounds, and what their memory is then. */

import type { Series } from "./comparison.ts";
import { fill } from "./measure.ts";
import { dataOf, type Plan } from "./plan.ts";
import { memorySeries } from "./rows.ts";
import type { Target } from "./target.ts";
import { usageOf } from "./usage.ts";
import { VALUE_BYTES } from "./workload.ts";

/** For what the writes have left to do: replication to the last node, collecting garbage. */
const REST_MS = 2_000;

/** Returns the rows about memory: none when the usual keys are not among those that are needed. */
export async function fillAll(plan: Plan, targets: readonly Target[]): Promise<Series[]> {
  const rows: Series[] = [];
  // The usual values come first: memory is compared before anything else is written.
  for (const data of dataOf(plan).toSorted((a, b) => a.valueBytes - b.valueBytes)) {
    for (const target of targets) await fill(target, data);
    if (data.valueBytes !== VALUE_BYTES) continue;
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    const used = targets.map(({ name, nodes }) => [name, nodes.map(({ pid }) => usageOf(pid))]);
    rows.push(memorySeries(data.keys, Object.fromEntries(used)));
  }
  return rows;
}
