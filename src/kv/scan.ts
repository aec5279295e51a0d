/** Items out of the cells of a state, one by one or in the order of their keys. */

import { keyBytes, keyText } from "./key_text.ts";
import type { Cell } from "./slabs.ts";
import type { Tree } from "./tree.ts";
import type { Item, KeyRange } from "./types.ts";

export function itemOf({ value, contentType, revision, expiresMs }: Cell): Item {
  const item = { value, contentType, revision };
  return expiresMs === 0 ? item : { ...item, expiresMs };
}

export function* itemsUnder(prefix: string, cells: Tree<Cell>): Generator<[Uint8Array, Item]> {
  for (const [text, cell] of cells.entries(prefix)) {
    if (!text.startsWith(prefix)) return;
    yield [keyBytes(text), itemOf(cell)];
  }
}

export function* itemsIn(
  { start, end }: KeyRange,
  cells: Tree<Cell>,
  reverse: boolean,
): Generator<[Uint8Array, Item]> {
  const [low, high] = [keyText(start), end === null ? undefined : keyText(end)];
  const entries = reverse ? cells.entriesReversed(high, undefined, true) : cells.entries(low);
  for (const [text, cell] of entries) {
    if (reverse ? text < low : high !== undefined && text >= high) return;
    yield [keyBytes(text), itemOf(cell)];
  }
}
