/** Items out of the cells of a state, one by one or in the order of their keys. */

import { keyBytes, keyText } from "./key_text.ts";
import type { Cell, Held } from "./slabs.ts";
import type { Tree } from "./tree.ts";
import type { Item, KeyRange } from "./types.ts";

export function itemOf({ value, contentType, revision, expiresMs }: Held): Item {
  const item = { value, contentType, revision };
  return expiresMs === 0 ? item : { ...item, expiresMs };
}

/** `entries` begin with the first that is not below `prefix`. */
export function* itemsUnder(
  prefix: string,
  entries: Iterable<[string, Held]>,
): Generator<[Uint8Array, Item]> {
  for (const [text, held] of entries) {
    if (!text.startsWith(prefix)) return;
    yield [keyBytes(text), itemOf(held)];
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
