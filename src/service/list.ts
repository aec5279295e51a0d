/**
 * One page of the items in a range of keys, as they are in one turn.
 */

import { compareBytes, limits, prefixEnd, successor } from "../base/mod.ts";
import type { Item, KeyRange, KvState, Revision } from "../kv/mod.ts";
import type { Sees } from "./access.ts";
import type { Consistency } from "./types.ts";

export type ListRequest = {
  /** Empty: all keys. */
  readonly prefix: Uint8Array;
  /** The first key, and the first that is left out; absent: as the prefix has it. */
  readonly start?: Uint8Array | undefined;
  readonly end?: Uint8Array | undefined;
  /** Where the page before ended: this one begins behind it, in the order that is asked for. */
  readonly after?: Uint8Array | undefined;
  /** From the last key to the first. */
  readonly reverse: boolean;
  /** 1 to `limits.listItemsMax`. */
  readonly limit: number;
  /** Whether values count towards the bytes of a page. */
  readonly values: boolean;
};

export type Listed = { readonly key: Uint8Array; readonly item: Item };

/** `next` is the `after` of the page that follows, or null: there is none. */
export type Page = { readonly items: readonly Listed[]; readonly next: Uint8Array | null };

export type ListAnswer = Page & {
  /** The page shows everything up to it and nothing after it. */
  readonly revision: Revision;
  readonly consistency: Consistency;
};

export function pageOf(
  state: Pick<KvState, "items">,
  request: ListRequest,
  sees: Sees | null,
): Page {
  const items: Listed[] = [];
  let bytes = 0;
  let lookedAt = 0;
  let last: Uint8Array | null = null;
  for (const [key, item] of state.items(rangeOf(request), request.reverse)) {
    const seen = sees === null || sees(key);
    const size = seen ? key.length + (request.values ? item.value.length : 0) : 0;
    const full = items.length === request.limit || lookedAt === limits.listLookedAtMax ||
      (items.length > 0 && bytes + size > limits.listBytesMax);
    if (full) return { items, next: last };
    if (seen) items.push({ key, item });
    bytes += size;
    lookedAt++;
    last = key;
  }
  return { items, next: null };
}

/** The keys that are both under the prefix and between `start` and `end`. */
export function rangeUnder(
  prefix: Uint8Array,
  start: Uint8Array | undefined,
  end: Uint8Array | undefined,
): KeyRange {
  return {
    start: start === undefined ? prefix : later(prefix, start),
    end: earlier(prefixEnd(prefix), end ?? null),
  };
}

function rangeOf({ prefix, start, end, after, reverse }: ListRequest): KeyRange {
  const range = rangeUnder(prefix, start, end);
  if (after === undefined) return range;
  if (reverse) return { start: range.start, end: earlier(range.end, after) };
  return { start: later(range.start, successor(after)), end: range.end };
}

function later(a: Uint8Array, b: Uint8Array): Uint8Array {
  return compareBytes(a, b) < 0 ? b : a;
}

/** Null is behind everything. */
function earlier(a: Uint8Array | null, b: Uint8Array | null): Uint8Array | null {
  if (a === null || b === null) return a ?? b;
  return compareBytes(a, b) < 0 ? a : b;
}
