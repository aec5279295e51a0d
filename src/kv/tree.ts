/** An ordered map from text to anything, of which a copy costs nothing until one of the two changes. */

import createTree from "sorted-btree";

// A CommonJS package: its class may arrive as the module or as the module's default.
export type Tree<T> = import("sorted-btree").default<string, T>;
const BTree = ((createTree as { default?: unknown }).default ?? createTree) as new <T>(
  entries: undefined,
  compare: (a: string, b: string) => number,
) => Tree<T>;

/** The package's own comparator also copes with numbers, dates and NaN, at a price. */
function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function newTree<T>(): Tree<T> {
  return new BTree<T>(undefined, byBytes);
}
