/**
 * The latest changes of this node's state, in their order, for those who watch it. It is not
 * replicated: each node has its own, since its start or the last snapshot that it was given.
 *
 * Invariants:
 * - S9 after `floor` no change is missing: what is dropped is dropped from the oldest on, and an
 *   entry's changes all together.
 * - what it holds is bounded in changes and in bytes of keys and values.
 */

import { assert, limits } from "../base/mod.ts";
import { keyBytes } from "./key_text.ts";
import type { Cell } from "./slabs.ts";
import type { Item, Revision } from "./types.ts";

/** Behind the change `position` of the entry `revision`; Infinity: behind all of its changes. */
export type Cursor = { readonly revision: Revision; readonly position: number };

export type Bounds = { readonly countMax: number; readonly bytesMax: number };

/** `more`: further changes follow already. */
export type Stretch = { readonly changes: readonly Change[]; readonly more: boolean };

/** What one mutation did to one key. */
export class Change {
  readonly revision: Revision;
  /** Among the changes of its entry. */
  readonly position: number;
  /** True: the key holds no item any more. */
  readonly deleted: boolean;
  readonly contentType: string;
  /** 0: never. */
  readonly expiresMs: number;
  /** One character for each byte of the key, so that prefixes are compared by the engine. */
  readonly keyText: string;
  // A view of its own for each change would cost more than most values.
  readonly #slab: Uint8Array;
  readonly #offset: number;
  readonly #length: number;

  /** `cell` is what the key holds now, or null. */
  constructor(at: Cursor, keyText: string, cell: Cell | null) {
    this.revision = at.revision;
    this.position = at.position;
    this.keyText = keyText;
    this.deleted = cell === null;
    this.contentType = cell?.contentType ?? "";
    this.expiresMs = cell?.expiresMs ?? 0;
    this.#slab = cell?.slab.bytes ?? NOTHING;
    this.#offset = cell?.offset ?? 0;
    this.#length = cell?.length ?? 0;
  }

  get key(): Uint8Array {
    return keyBytes(this.keyText);
  }

  get value(): Uint8Array {
    return this.#slab.subarray(this.#offset, this.#offset + this.#length);
  }

  /** What the key holds now, unless it was deleted. */
  get item(): Item {
    const { value, contentType, revision, expiresMs } = this;
    return { value, contentType, revision, ...expiresMs !== 0 && { expiresMs } };
  }

  get sizeBytes(): number {
    return this.keyText.length + this.#length;
  }
}

const NOTHING = new Uint8Array();

export class History {
  #changes: Change[] = [];
  /** Those before it are dropped, and go for good now and then. */
  #head = 0;
  #bytes = 0;
  #floor: Revision;

  /** Knows nothing of what happened up to `floor`. */
  constructor(floor: Revision) {
    this.#floor = floor;
  }

  /** All changes of later entries are here, unless there were none. */
  get floor(): Revision {
    return this.#floor;
  }

  record(change: Change): void {
    const last = this.#changes.at(-1);
    assert(last === undefined || isBehind(change, last), "changes come in their order");
    this.#changes.push(change);
    this.#bytes += change.sizeBytes;
    while (this.#isFull && this.#oldest.revision < change.revision) this.#dropOldestEntry();
  }

  /** The next changes behind `cursor`, at least one if there are any; null: some of them are gone. */
  since(cursor: Cursor, { countMax, bytesMax }: Bounds): Stretch | null {
    const whole = cursor.revision > this.#floor ||
      (cursor.revision === this.#floor && cursor.position === Infinity);
    if (!whole) return null;
    const from = this.#firstBehind(cursor);
    let to = from;
    for (let bytes = 0; to < this.#changes.length && to - from < countMax; to++) {
      bytes += (this.#changes[to] as Change).sizeBytes;
      if (bytes > bytesMax && to > from) break;
    }
    return { changes: this.#changes.slice(from, to), more: to < this.#changes.length };
  }

  get #isFull(): boolean {
    return this.#changes.length - this.#head > limits.historyChangesMax ||
      this.#bytes > limits.historyBytesMax;
  }

  get #oldest(): Change {
    return this.#changes[this.#head] as Change;
  }

  #dropOldestEntry(): void {
    const { revision } = this.#oldest;
    for (; this.#oldest.revision === revision; this.#head++) this.#bytes -= this.#oldest.sizeBytes;
    this.#floor = revision;
    if (2 * this.#head < this.#changes.length) return;
    this.#changes = this.#changes.slice(this.#head);
    this.#head = 0;
  }

  #firstBehind(cursor: Cursor): number {
    let [low, high] = [this.#head, this.#changes.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBehind(this.#changes[middle] as Change, cursor)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function isBehind(one: Cursor, other: Cursor): boolean {
  if (one.revision !== other.revision) return one.revision > other.revision;
  return one.position > other.position;
}
