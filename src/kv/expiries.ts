/**
 * When items go by themselves: those that do, in the order in which they are due.
 *
 * Nothing here looks at a clock. A command says "remove what is due", and what is due goes by the
 * cluster's time, so that the same items go everywhere, at the same index.
 *
 * Invariant S12: it names the items that have an `expiresMs`, and no others, each once.
 */

import { type Hash, invariant } from "../base/mod.ts";
import { ItemsDigest } from "./digest.ts";
import { keyBytes } from "./key_text.ts";
import { newTree } from "./tree.ts";
import type { Lifetime } from "./types.ts";

/** Hexadecimal digits of a time below 2^53: as text they have the order of the numbers. */
const TIME_DIGITS = 14;

/** By the cluster's time; 0: never. */
export function expiryOf(lifetime: Lifetime | undefined, timeMs: number): number {
  if (lifetime === undefined) return 0;
  if ("atMs" in lifetime) return lifetime.atMs;
  return Math.min(timeMs + lifetime.afterMs, Number.MAX_SAFE_INTEGER);
}

export class Expiries {
  readonly #hash: Hash;
  readonly #digest: ItemsDigest;
  /** By the time when the item is due, then by its key. */
  readonly #due = newTree<undefined>();

  constructor(hash: Hash) {
    this.#hash = hash;
    this.#digest = new ItemsDigest(hash);
  }

  get size(): number {
    return this.#due.size;
  }

  /** When the first of them is due; Infinity: none ever is. */
  get nextMs(): number {
    const first = this.#due.minKey();
    return first === undefined ? Infinity : timeOf(first);
  }

  /** The item under `keyText` was due at `fromMs`, and is at `toMs` from now on; 0: never. */
  change(keyText: string, fromMs: number, toMs: number): void {
    if (fromMs === toMs) return;
    if (fromMs !== 0) {
      const wasThere = this.#due.delete(entryOf(keyText, fromMs));
      invariant("S12", wasThere, () => `an item due at ${fromMs} was not known`);
      this.#digest.remove(...this.#digested(keyText, fromMs));
    }
    if (toMs !== 0) {
      this.#due.set(entryOf(keyText, toMs), undefined);
      this.#digest.add(...this.#digested(keyText, toMs));
    }
  }

  /** The keys of the first `countMax` items that are due at `timeMs`, as text. */
  due(timeMs: number, countMax: number): string[] {
    const texts: string[] = [];
    for (const entry of this.#due.keys()) {
      if (texts.length >= countMax || timeOf(entry) > timeMs) break;
      texts.push(keyTextOf(entry));
    }
    return texts;
  }

  /** All of them as they are now, which later changes leave alone. */
  frozen(): Iterable<[keyText: string, expiresMs: number]> {
    return parsed(this.#due.clone().keys());
  }

  /** What the digest of the whole state is made of beside the items. */
  digest(): readonly number[] {
    return [this.size, ...this.#digest.sums];
  }

  #digested(keyText: string, expiresMs: number): Parameters<ItemsDigest["add"]> {
    const digestible = { check: 0, contentType: "", length: 0, revision: expiresMs };
    return [this.#hash.crc32(keyBytes(keyText)), keyText.length, digestible];
  }
}

function* parsed(entries: Iterable<string>): Generator<[string, number]> {
  for (const entry of entries) yield [keyTextOf(entry), timeOf(entry)];
}

function entryOf(keyText: string, expiresMs: number): string {
  return expiresMs.toString(16).padStart(TIME_DIGITS, "0") + keyText;
}

function timeOf(entry: string): number {
  return Number.parseInt(entry.slice(0, TIME_DIGITS), 16);
}

function keyTextOf(entry: string): string {
  return entry.slice(TIME_DIGITS);
}
