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
  readonly contentType: string;
  /** 0: never. */
  readonly expiresMs: number;
  /** One character for each byte of the key, so that prefixes are compared by the engine. */
  readonly keyText: string;
  readonly #slab: Uint8Array | null;
  readonly #offset: number;
  readonly #length: number;

  constructor(ring: Ring, slot: number) {
    this.revision = ring.revisions[slot] as number;
    this.position = ring.positions[slot] as number;
    this.contentType = ring.contentTypes[slot] as string;
    this.expiresMs = ring.expiriesMs[slot] as number;
    this.keyText = ring.keyTexts[slot] as string;
    this.#slab = ring.slabs[slot] as Uint8Array | null;
    this.#offset = ring.offsets[slot] as number;
    this.#length = ring.lengths[slot] as number;
  }

  get key(): Uint8Array {
    return keyBytes(this.keyText);
  }

  /** True: the key holds no item any more. */
  get deleted(): boolean {
    return this.#slab === null;
  }

  /** What the key holds now, unless it was deleted. */
  get item(): Item {
    const { contentType, revision, expiresMs } = this;
    const value = this.#slab?.subarray(this.#offset, this.#offset + this.#length) ?? NOTHING;
    return { value, contentType, revision, ...expiresMs !== 0 && { expiresMs } };
  }
}

const NOTHING = new Uint8Array();
const CAPACITY_MIN = 1024;

export class History {
  #ring = new Ring(CAPACITY_MIN);
  /** Changes are numbered; those from #head on, and before #end, are in the ring. */
  #head = 0;
  #end = 0;
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

  /** `cell` is what the key holds now, or null. */
  record(revision: Revision, position: number, keyText: string, cell: Cell | null): void {
    if (this.#end - this.#head === this.#ring.capacity) this.#grow();
    this.#ring.set(this.#end, revision, position, keyText, cell);
    const isFirst = this.#end === this.#head;
    assert(isFirst || this.#comesAfterLast(revision, position), "changes come in their order");
    this.#end++;
    this.#bytes += keyText.length + (cell?.length ?? 0);
    while (this.#isFull && this.#ring.revision(this.#head) < revision) this.#dropOldestEntry();
  }

  /** The next changes behind `cursor`, at least one if there are any; null: some of them are gone. */
  since(cursor: Cursor, { countMax, bytesMax }: Bounds): Stretch | null {
    const whole = cursor.revision > this.#floor ||
      (cursor.revision === this.#floor && cursor.position === Infinity);
    if (!whole) return null;
    const changes: Change[] = [];
    let at = this.#firstBehind(cursor);
    for (let bytes = 0; at < this.#end && changes.length < countMax; at++) {
      bytes += this.#ring.sizeBytes(at);
      if (bytes > bytesMax && changes.length > 0) break;
      changes.push(new Change(this.#ring, this.#ring.slot(at)));
    }
    return { changes, more: at < this.#end };
  }

  get #isFull(): boolean {
    return this.#end - this.#head > limits.historyChangesMax ||
      this.#bytes > limits.historyBytesMax;
  }

  #comesAfterLast(revision: Revision, position: number): boolean {
    const slot = this.#ring.slot(this.#end - 1);
    const last = this.#ring.revisions[slot] as number;
    return revision === last ? position > (this.#ring.positions[slot] as number) : revision > last;
  }

  #dropOldestEntry(): void {
    const revision = this.#ring.revision(this.#head);
    for (; this.#ring.revision(this.#head) === revision; this.#head++) {
      this.#bytes -= this.#ring.sizeBytes(this.#head);
      this.#ring.clear(this.#head);
    }
    this.#floor = revision;
  }

  #firstBehind(cursor: Cursor): number {
    let [low, high] = [this.#head, this.#end];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#ring.isBehind(middle, cursor)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #grow(): void {
    const larger = new Ring(2 * this.#ring.capacity);
    for (let at = this.#head; at < this.#end; at++) larger.copy(at, this.#ring);
    this.#ring = larger;
  }
}

/**
 * Columns of changes, each at its number modulo the capacity. An object for each of up to 65,536
 * changes would be copied twice by the collector before it let it be.
 */
class Ring {
  readonly capacity: number;
  readonly revisions: Float64Array;
  readonly positions: Uint32Array;
  readonly keyTexts: string[];
  readonly contentTypes: string[];
  readonly expiriesMs: Float64Array;
  /** Where the value lies; null: the key held none any more. */
  readonly slabs: (Uint8Array | null)[];
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.revisions = new Float64Array(capacity);
    this.positions = new Uint32Array(capacity);
    this.keyTexts = new Array(capacity).fill("");
    this.contentTypes = new Array(capacity).fill("");
    this.expiriesMs = new Float64Array(capacity);
    this.slabs = new Array(capacity).fill(null);
    this.offsets = new Uint32Array(capacity);
    this.lengths = new Uint32Array(capacity);
  }

  slot(at: number): number {
    return at % this.capacity;
  }

  set(at: number, revision: Revision, position: number, keyText: string, cell: Cell | null): void {
    const slot = this.slot(at);
    this.revisions[slot] = revision;
    this.positions[slot] = position;
    this.keyTexts[slot] = keyText;
    this.contentTypes[slot] = cell?.contentType ?? "";
    this.expiriesMs[slot] = cell?.expiresMs ?? 0;
    this.slabs[slot] = cell?.slab.bytes ?? null;
    this.offsets[slot] = cell?.offset ?? 0;
    this.lengths[slot] = cell?.length ?? 0;
  }

  /** Lets what it refers to go. */
  clear(at: number): void {
    const slot = this.slot(at);
    this.keyTexts[slot] = "";
    this.contentTypes[slot] = "";
    this.slabs[slot] = null;
  }

  copy(at: number, from: Ring): void {
    const [slot, source] = [this.slot(at), from.slot(at)];
    this.revisions[slot] = from.revisions[source] as number;
    this.positions[slot] = from.positions[source] as number;
    this.keyTexts[slot] = from.keyTexts[source] as string;
    this.contentTypes[slot] = from.contentTypes[source] as string;
    this.expiriesMs[slot] = from.expiriesMs[source] as number;
    this.slabs[slot] = from.slabs[source] as Uint8Array | null;
    this.offsets[slot] = from.offsets[source] as number;
    this.lengths[slot] = from.lengths[source] as number;
  }

  revision(at: number): Revision {
    return this.revisions[this.slot(at)] as number;
  }

  sizeBytes(at: number): number {
    const slot = this.slot(at);
    return (this.keyTexts[slot] as string).length + (this.lengths[slot] as number);
  }

  /** Whether the change `at` comes after the place that is given. */
  isBehind(at: number, { revision, position }: Cursor): boolean {
    const slot = this.slot(at);
    const own = this.revisions[slot] as number;
    return own === revision ? this.positions[slot] as number > position : own > revision;
  }
}
