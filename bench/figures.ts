/** Arithmetic on what rounds gave, and its text. */

/** The median over the rounds, and the lowest and the highest of them. */
export type Figure = { readonly median: number; readonly min: number; readonly max: number };

export function figureOf(values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [Math.floor(middle), Math.ceil(middle)];
  return {
    median: ((sorted[low] as number) + (sorted[high] as number)) / 2,
    min: sorted[0] as number,
    max: sorted.at(-1) as number,
  };
}

/** As many digits as say something: 12,346 or 123 or 12.3 or 1.23. */
export function number(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(size >= 10 ? 1 : 2);
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Columns as wide as they need to be, the first flush left, the others flush right. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] as readonly string[]).map((_, i) =>
    Math.max(...rows.map((row) => (row[i] as string).length))
  );
  return rows.map((row) =>
    row.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)
    ).join("  ").trimEnd()
  ).join("\n");
}
