/** Which rows a run measures, in which order and for how long. */

import { allRows, hasGoal, KEYS, type Row } from "./rows.ts";
import { type Data, type Workload, workloadName } from "./workload.ts";

export type Plan = {
  readonly rows: readonly Row[];
  /** Of each row. The median over them is what counts. */
  readonly rounds: number;
  /** Before each round's figures begin: connections open, batches settle. */
  readonly warmupMs: number;
  readonly measureMs: number;
};

export type PlanOptions = {
  readonly quick: boolean;
  /** Only rows with such a name. */
  readonly only?: RegExp;
  readonly keys?: number;
  readonly rounds?: number;
  readonly measureMs?: number;
};

/** With two targets under ten minutes. */
const THOROUGH = { rounds: 5, warmupMs: 400, measureMs: 2_400 };
/** With two targets under three: shows whether something is far off, not by how much. */
const QUICK = { rounds: 3, warmupMs: 300, measureMs: 1_200 };

export function planOf({ quick, only, keys, rounds, measureMs }: PlanOptions): Plan {
  const base = quick ? QUICK : THOROUGH;
  const rows = allRows(keys ?? KEYS).filter((row) =>
    only === undefined ? !quick || hasGoal(row) : only.test(workloadName(row.workload))
  );
  return {
    rows,
    rounds: rounds ?? base.rounds,
    warmupMs: base.warmupMs,
    measureMs: measureMs ?? base.measureMs,
  };
}

/** What `plan` does without, compared with everything. */
export function leftOut({ rows }: Plan): string[] {
  const names = new Set(rows.map(({ workload }) => workloadName(workload)));
  return allRows(KEYS).map(({ workload }) => workloadName(workload)).filter((name) =>
    !names.has(name)
  );
}

/**
 * All rows in turn, then all of them again, so that what changes while the bench runs (a warmer
 * machine, a longer log, a neighbour) falls on all of them alike.
 */
export function* roundsOf({ rows, rounds }: Plan): Generator<Workload> {
  for (let round = 0; round < rounds; round++) {
    for (const { workload } of rows) yield workload;
  }
}

/** The sets of keys that the rows ask for. */
export function dataOf({ rows }: Plan): Data[] {
  return [...new Map(rows.map(({ workload: { data } }) => [data.valueBytes, data])).values()];
}

/** How long all rounds of `plan` take on one target. */
export function planMs({ rows, rounds, warmupMs, measureMs }: Plan): number {
  return rows.length * rounds * (warmupMs + measureMs);
}
