/**
 * One page of the items in a range of keys, as they are in one turn.
 */

import { compareBytes, limits, prefixEnd, successor } from "../base/mod.ts";
import type { Item, KeyRange, KvState, Revision } from "../kv/mod.ts";
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

/** `ranges` are those that the caller may see: no other item has any part in the answer. */
export function pageOf(
  state: Pick<KvState, "items">,
  request: ListRequest,
  ranges: readonly KeyRange[],
): Page {
  const items: Listed[] = [];
  let bytes = 0;
  for (const [key, item] of itemsIn(state, request, ranges)) {
    const size = key.length + (request.values ? item.value.length : 0);
    const last = items.at(-1);
    const isFull = items.length === request.limit || bytes + size > limits.listBytesMax;
    if (last !== undefined && isFull) return { items, next: last.key };
    items.push({ key, item });
    bytes += size;
  }
  return { items, next: null };
}

function* itemsIn(
  state: Pick<KvState, "items">,
  request: ListRequest,
  ranges: readonly KeyRange[],
): Generator<[key: Uint8Array, item: Item]> {
  const { reverse } = request;
  const wanted = rangeOf(request);
  for (const { start, end } of reverse ? ranges.toReversed() : ranges) {
    const range = { start: later(start, wanted.start), end: earlier(end, wanted.end) };
    yield* state.items(range, reverse);
  }
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
