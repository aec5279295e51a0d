/** Targets side by side, and whether Keva is where it should be. */

import { columns, type Figure, figureOf, number } from "./figures.ts";

/** What a row must reach: Keva's figure itself, or its ratio to the other target's. */
export type Goal = {
  readonly of: "ratio" | "keva";
  readonly relation: "≥" | "≤";
  readonly bound: number;
};

/** One row before any arithmetic. */
export type Series = {
  readonly name: string;
  readonly goal: Goal | null;
  /** A value for each round, by target. Values at one place were measured side by side. */
  readonly values: Readonly<Record<string, readonly number[]>>;
};

export type Comparison = Series & {
  readonly figures: Readonly<Record<string, Figure>>;
  /** Keva to the other, round by round: what slows down both for a while falls out. */
  readonly ratio: Figure | null;
  /** Null when there is no goal, or nothing to compare with. */
  readonly reached: boolean | null;
};

export function compare(series: Series): Comparison {
  const { values, goal } = series;
  const { keva, etcd, floor, other = etcd ?? floor } = values;
  const figures = Object.fromEntries(
    Object.entries(values).map(([target, rounds]) => [target, figureOf(rounds)]),
  );
  const ratio = keva === undefined || other === undefined
    ? null
    : figureOf(keva.map((value, round) => value / (other[round] as number)));
  // What Keva must reach beside etcd it need not reach beside another Keva.
  const bar = goal?.of === "ratio" && etcd === undefined ? null : goal;
  const judged = bar === null ? undefined : bar.of === "ratio" ? ratio : figures["keva"];
  const reached = bar === null || !judged ? null : isReached(bar, judged.median);
  return { ...series, figures, ratio, reached };
}

function isReached({ relation, bound }: Goal, value: number): boolean {
  return relation === "≥" ? value >= bound : value <= bound;
}

/** A line for each row. The spread is that of the ratio, or of Keva's figure where there is none. */
export function comparisonTable(
  comparisons: readonly Comparison[],
  targets: readonly string[],
): string {
  return columns([
    ["", ...targets, "ratio", "min – max", "target", ""],
    ...comparisons.map(({ name, figures, ratio, goal, reached }) => [
      name,
      ...targets.map((target) => figures[target] ? number(figures[target].median) : "–"),
      ratio === null ? "–" : number(ratio.median),
      spread(ratio ?? figures["keva"]),
      goal === null ? "" : goalText(goal),
      reached === null ? "" : reached ? "ok" : "SHORT",
    ]),
  ]);
}

function spread(figure: Figure | undefined): string {
  return figure === undefined ? "–" : `${number(figure.min)} – ${number(figure.max)}`;
}

function goalText({ of, relation, bound }: Goal): string {
  return of === "ratio" ? `${relation} ${bound} ×` : `${relation} ${bound}`;
}
