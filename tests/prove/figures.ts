/** What was shown, as a table with a line per figure. */

export type Figure = {
  readonly what: string;
  readonly reached: number;
  readonly wanted: number;
  readonly unit?: string;
};

export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, reached, wanted, unit = "" }) => [
    reached >= wanted ? "ok" : "SHORT",
    what,
    `${shown(reached)}${unit}`,
    `${shown(wanted)}${unit}`,
  ]);
  const all = [["", "figure", "reached", "wanted"], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map(([verdict, what, reached, wanted]) =>
    `${verdict!.padEnd(widths[0]!)}  ${what!.padEnd(widths[1]!)}  ` +
    `${reached!.padStart(widths[2]!)}  ${wanted!.padStart(widths[3]!)}`
  ).join("\n");
}

export function enough(figures: readonly Figure[]): boolean {
  return figures.every(({ reached, wanted }) => reached >= wanted);
}

function shown(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: 1 });
}
