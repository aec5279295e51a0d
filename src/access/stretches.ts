/**
 * One caller's right to one action, key by key. Keys are texts of one character per byte, so that
 * texts and bytes have one order.
 */

import type { Row } from "./casbin.ts";

/** The keys from `start` on, up to but without `end`; null: to the last one. */
export type Range = { readonly start: Uint8Array; readonly end: Uint8Array | null };

/** What Casbin says of `key` where `rows` are all rules. */
export type Decide = (rows: Row[], key: string) => boolean;

export class Stretches {
  /** Where each begins, in order; the first at the empty key. */
  readonly #starts: readonly string[];
  /** Undefined: nobody has asked yet. */
  readonly #decisions: (boolean | undefined)[];
  readonly #rows: readonly Row[];
  readonly #decide: Decide;
  #basis: string | undefined;
  #ranges: readonly Range[] | undefined;

  /** `rows` are those of the caller and the action. */
  constructor(rows: readonly Row[], decide: Decide) {
    const starts = new Set([""]);
    for (const [, prefix] of rows) {
      starts.add(prefix);
      const end = endOf(prefix);
      if (end !== null) starts.add(end);
    }
    this.#starts = [...starts].sort();
    this.#decisions = new Array(this.#starts.length);
    this.#rows = rows;
    this.#decide = decide;
  }

  allows(key: string): boolean {
    return this.#allowsAt(this.#find(key));
  }

  /** Whether every key from `start` on is allowed, up to but without `end`; null: to the last one. */
  allowsAll(start: string, end: string | null): boolean {
    for (let at = this.#find(start); at < this.#starts.length; at++) {
      if (end !== null && this.#start(at) >= end) break;
      if (!this.#allowsAt(at)) return false;
    }
    return true;
  }

  /** All that is allowed, in order; neighbours are one. */
  get ranges(): readonly Range[] {
    return this.#ranges ??= this.#allowed();
  }

  #allowed(): Range[] {
    const ranges: Range[] = [];
    for (let at = 0; at < this.#starts.length; at++) {
      if (!this.#allowsAt(at)) continue;
      const start = this.#start(at);
      while (at + 1 < this.#starts.length && this.#allowsAt(at + 1)) at++;
      const end = this.#starts[at + 1];
      ranges.push({ start: bytesOf(start), end: end === undefined ? null : bytesOf(end) });
    }
    return ranges;
  }

  /** The same for the same rules, and so for the same decisions. */
  get basis(): string {
    return this.#basis ??= JSON.stringify(this.#rows);
  }

  /** The stretch in which `key` lies: the last one that does not begin behind it. */
  #find(key: string): number {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#start(middle) <= key) low = middle;
      else high = middle;
    }
    return low;
  }

  #start(at: number): string {
    return this.#starts[at] as string;
  }

  /** The first key of a stretch stands for all others: the same prefixes begin them. */
  #allowsAt(at: number): boolean {
    const known = this.#decisions[at];
    if (known !== undefined) return known;
    const key = this.#start(at);
    const decision = this.#decide(this.#rows.filter(([, prefix]) => key.startsWith(prefix)), key);
    this.#decisions[at] = decision;
    return decision;
  }
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** The first key behind all that begin with `prefix`; null: there is none. */
function endOf(prefix: string): string | null {
  for (let length = prefix.length; length > 0; length--) {
    const last = prefix.charCodeAt(length - 1);
    if (last < 0xff) return prefix.slice(0, length - 1) + String.fromCharCode(last + 1);
  }
  return null;
}
