/**
 * Aligned columns for a terminal.
 */

/** A number, maybe with a unit, or nothing known. */
const NUMBER = /^(?:\d+(?:\.\d+)?(?: ms)?|-)$/;

/** The first row is the heading. Columns whose cells are all numbers are aligned to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const [heading = [], ...body] = rows;
  const columns = heading.map((title, column) => {
    const cells = body.map((row) => row[column] ?? "");
    const width = Math.max(title.length, ...cells.map((cell) => cell.length));
    return { width, isNumber: cells.length > 0 && cells.every((cell) => NUMBER.test(cell)) };
  });
  return rows.map((row) =>
    row.map((cell, column) => {
      const { width, isNumber } = columns[column] ?? { width: 0, isNumber: false };
      return isNumber ? cell.padStart(width) : cell.padEnd(width);
    }).join("  ").trimEnd() + "\n"
  ).join("");
}
