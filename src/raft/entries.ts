/**
 * Entries one behind the other, packed into shared blocks of bytes. An object and a buffer for each
 * of a hundred thousand would cost more memory than what they hold, and the collector a visit; so
 * an {@link Entry} is made anew whenever one is asked for.
 *
 * Invariant R13: bytes that were written never change, so a payload handed out stays what it was,
 * also when its entry is truncated and another takes its place.
 */

import { assert } from "../base/mod.ts";
import type { Entry, EntryKind, Index, Term } from "./types.ts";

const BLOCK_BYTES = 64 * 1024;

/** Each is stored as the place of its kind in this list, one byte, and its payload. */
const KINDS: readonly EntryKind[] = ["noop", "command", "membership"];

/** An entry that is longer than a block has one to itself. */
type Block = {
  readonly first: Index;
  readonly bytes: Uint8Array;
  /** Where each entry ends. */
  readonly ends: number[];
  readonly terms: Term[];
};

export class Entries {
  readonly #blocks: Block[] = [];
  /** Behind the last entry. */
  #next: Index;
  /** The block that was asked for last: mostly the next one is in it too. */
  #recent: Block | undefined;

  /** Empty; the first entry will be `next`. */
  constructor(next: Index) {
    this.#next = next;
  }

  /** The entry at `index`, which is here. */
  at(index: Index): Entry {
    const block = this.#blockOf(index);
    const position = index - block.first;
    const start = position === 0 ? 0 : block.ends[position - 1] as number;
    return {
      index,
      term: block.terms[position] as Term,
      kind: KINDS[block.bytes[start] as number] as EntryKind,
      payload: block.bytes.subarray(start + 1, block.ends[position]),
    };
  }

  /** The term of the entry at `index`, which is here. */
  term(index: Index): Term {
    const { first, terms } = this.#blockOf(index);
    return terms[index - first] as Term;
  }

  /** Keeps a copy of `entry`, which is the next one. */
  push({ index, term, kind, payload }: Entry): void {
    assert(index === this.#next, "entries are contiguous");
    const { bytes, ends, terms } = this.#blockFor(1 + payload.length);
    const start = ends.at(-1) ?? 0;
    bytes[start] = KINDS.indexOf(kind);
    bytes.set(payload, start + 1);
    ends.push(start + 1 + payload.length);
    terms.push(term);
    this.#next++;
  }

  /** Drops the entries from `index` on. */
  truncate(index: Index): void {
    while (this.#blocks.length > 0 && (this.#blocks.at(-1) as Block).first >= index) {
      this.#blocks.pop();
    }
    const last = this.#blocks.pop();
    if (last !== undefined) {
      const { first, bytes } = last;
      const ends = last.ends.slice(0, index - first);
      const terms = last.terms.slice(0, index - first);
      // Its room ends here (R13): what comes next has a block of its own.
      this.#blocks.push({ first, bytes: bytes.subarray(0, ends.at(-1)), ends, terms });
    }
    this.#next = index;
    this.#recent = undefined;
  }

  /** Forgets entries before `index`, as many as leave whole blocks. */
  forgetBefore(index: Index): void {
    const kept = this.#blocks.findIndex(({ first, ends }) => first + ends.length > index);
    this.#blocks.splice(0, kept === -1 ? this.#blocks.length : kept);
    this.#recent = undefined;
  }

  #blockOf(index: Index): Block {
    let block = this.#recent;
    if (block === undefined || index < block.first || index >= block.first + block.ends.length) {
      block = this.#recent = this.#find(index);
    }
    return block;
  }

  #find(index: Index): Block {
    let [low, high] = [0, this.#blocks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#blocks[middle] as Block).first <= index) low = middle;
      else high = middle - 1;
    }
    const block = this.#blocks[low];
    const found = block !== undefined && index >= block.first && index < this.#next;
    assert(found, "the entry is here");
    return block;
  }

  #blockFor(lengthBytes: number): Block {
    const open = this.#blocks.at(-1);
    if (open !== undefined && (open.ends.at(-1) ?? 0) + lengthBytes <= open.bytes.length) {
      return open;
    }
    // What stays unused of the one before is less than this entry takes, so half at most is wasted.
    const bytes = new Uint8Array(Math.max(BLOCK_BYTES, lengthBytes));
    const block = { first: this.#next, bytes, ends: [], terms: [] };
    this.#blocks.push(block);
    return block;
  }
}
