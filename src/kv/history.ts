/**
 * The latest changes of this node's state, in their order, for those who watch it. It is not
 * replicated: each node has its own, since its start or the last snapshot that it was given.
 *
 * Invariants:
 * - S9 after `floor` no change is missing: what is dropped is dropped from the oldest on, and an
 *   entry's changes all together.
 * - what it holds is bounded in changes and in bytes of keys and values.
 */

import { assert, EMPTY, limits } from "../base/mod.ts";
import { ContentTypes, type Held } from "./items.ts";
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
  readonly key: Uint8Array;
  /** 0: never. */
  readonly expiresMs: number;
  readonly #slab: Uint8Array;
  readonly #typeAt: number;
  readonly #valueAt: number;
  readonly #end: number;

  constructor(ring: Ring, place: number) {
    this.revision = ring.revisions[place] as number;
    this.position = ring.positions[place] as number;
    this.deleted = ring.deletions[place] === 1;
    this.expiresMs = ring.expiriesMs[place] as number;
    const slab = this.#slab = ring.slabs[place] as Uint8Array;
    const start = ring.offsets[place] as number;
    this.#typeAt = start + (ring.keyBytes[place] as number);
    this.#valueAt = this.#typeAt + (ring.typeBytes[place] as number);
    this.#end = this.#valueAt + (ring.lengths[place] as number);
    this.key = slab.subarray(start, this.#typeAt);
  }

  /** What the key holds now, unless it was deleted. */
  get item(): Item {
    const { revision, expiresMs } = this;
    const value = this.#slab.subarray(this.#valueAt, this.#end);
    const contentType = TYPES.text(this.#slab, this.#typeAt, this.#valueAt);
    return { value, contentType, revision, ...expiresMs !== 0 && { expiresMs } };
  }
}

const TYPES = new ContentTypes();
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

  /** `held` is what the key holds now, or held before it was deleted. */
  record(revision: Revision, position: number, held: Held, deleted: boolean): void {
    if (this.#end - this.#head === this.#ring.capacity) this.#grow();
    const isFirst = this.#end === this.#head;
    assert(isFirst || this.#comesAfterLast(revision, position), "changes come in their order");
    this.#ring.set(this.#end, { revision, position }, held, deleted);
    this.#bytes += this.#ring.sizeBytes(this.#end++);
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
      changes.push(new Change(this.#ring, this.#ring.place(at)));
    }
    return { changes, more: at < this.#end };
  }

  get #isFull(): boolean {
    return this.#end - this.#head > limits.historyChangesMax ||
      this.#bytes > limits.historyBytesMax;
  }

  #comesAfterLast(revision: Revision, position: number): boolean {
    const place = this.#ring.place(this.#end - 1);
    const last = this.#ring.revisions[place] as number;
    return revision === last ? position > (this.#ring.positions[place] as number) : revision > last;
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
  readonly deletions: Uint8Array;
  readonly expiriesMs: Float64Array;
  /** Where key, content type and value lie; of a deletion the key counts. */
  readonly slabs: Uint8Array[];
  readonly offsets: Uint32Array;
  readonly keyBytes: Uint32Array;
  readonly typeBytes: Uint32Array;
  readonly lengths: Uint32Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.revisions = new Float64Array(capacity);
    this.positions = new Uint32Array(capacity);
    this.deletions = new Uint8Array(capacity);
    this.expiriesMs = new Float64Array(capacity);
    this.slabs = new Array(capacity).fill(EMPTY);
    this.offsets = new Uint32Array(capacity);
    this.keyBytes = new Uint32Array(capacity);
    this.typeBytes = new Uint32Array(capacity);
    this.lengths = new Uint32Array(capacity);
  }

  place(at: number): number {
    return at % this.capacity;
  }

  set(at: number, { revision, position }: Cursor, held: Held, deleted: boolean): void {
    const place = this.place(at);
    this.revisions[place] = revision;
    this.positions[place] = position;
    this.deletions[place] = deleted ? 1 : 0;
    this.expiriesMs[place] = deleted ? 0 : held.expiresMs;
    this.slabs[place] = held.slab;
    this.offsets[place] = held.offset;
    this.keyBytes[place] = held.keyBytes;
    this.typeBytes[place] = deleted ? 0 : held.typeBytes;
    this.lengths[place] = deleted ? 0 : held.length;
  }

  /** Lets the bytes that it refers to go. */
  clear(at: number): void {
    this.slabs[this.place(at)] = EMPTY;
  }

  copy(at: number, from: Ring): void {
    const [place, source] = [this.place(at), from.place(at)];
    this.revisions[place] = from.revisions[source] as number;
    this.positions[place] = from.positions[source] as number;
    this.deletions[place] = from.deletions[source] as number;
    this.expiriesMs[place] = from.expiriesMs[source] as number;
    this.slabs[place] = from.slabs[source] as Uint8Array;
    this.offsets[place] = from.offsets[source] as number;
    this.keyBytes[place] = from.keyBytes[source] as number;
    this.typeBytes[place] = from.typeBytes[source] as number;
    this.lengths[place] = from.lengths[source] as number;
  }

  revision(at: number): Revision {
    return this.revisions[this.place(at)] as number;
  }

  /** Bytes of key and value. */
  sizeBytes(at: number): number {
    const place = this.place(at);
    return (this.keyBytes[place] as number) + (this.lengths[place] as number);
  }

  /** Whether the change `at` comes after the place that is given. */
  isBehind(at: number, { revision, position }: Cursor): boolean {
    const place = this.place(at);
    const own = this.revisions[place] as number;
    return own === revision ? this.positions[place] as number > position : own > revision;
  }
}
