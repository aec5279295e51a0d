/**
 * The items of the state: by their keys, and in the order of their keys. All of them lie in a few
 * large buffers, where the collector has nothing to look at.
 */

import { fromUtf8, type Hash, utf8 } from "../base/mod.ts";
import type { Digestible } from "./digest.ts";
import { KeyIndex } from "./key_index.ts";
import { KeyOrder, slotsDown, slotsUp } from "./key_order.ts";
import { Slabs } from "./slabs.ts";
import { type Slot, Slots } from "./slots.ts";
import type { Item, KeyRange } from "./types.ts";

export class Items {
  readonly #hash: Hash;
  readonly #slots = new Slots();
  readonly #slabs = new Slabs(this.#slots);
  readonly #index = new KeyIndex();
  readonly order = new KeyOrder();
  readonly #types = new ContentTypes();
  /** What is looked for, for `#isWanted`: a closure for each search would cost as much as it. */
  #wanted: Uint8Array = new Uint8Array();
  readonly #isWanted = (slot: Slot): boolean => this.#holds(slot, this.#wanted);

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  get size(): number {
    return this.#index.size;
  }

  /** Of their bytes, with what was overwritten or deleted and not yet given up: as much at most. */
  get sizeBytes(): number {
    return this.#slabs.sizeBytes;
  }

  /** The slot of the item under `key`, or NO_SLOT. */
  find(key: Uint8Array): Slot {
    this.#wanted = key;
    return this.#index.find(this.#hash.keyed(key), this.#isWanted);
  }

  /** Puts an item under `key`, which has none. It has no revision yet, and never goes by itself. */
  add(key: Uint8Array, value: Uint8Array, contentType: string): Slot {
    const slot = this.#slots.take();
    this.#slots.setExpiresMs(slot, 0);
    this.#put(slot, key, value, contentType);
    this.#index.add(this.#hash.keyed(key), slot);
    this.order.add(slot, this.comparison(key));
    return slot;
  }

  /** The item at `slot` is under `key`, and is written again. */
  rewrite(slot: Slot, key: Uint8Array, value: Uint8Array, contentType: string): void {
    this.#slabs.release(slot);
    this.#put(slot, key, value, contentType);
  }

  /** The item at `slot` is under `key`. */
  delete(slot: Slot, key: Uint8Array): void {
    this.order.remove(this.comparison(key));
    this.#index.remove(this.#hash.keyed(key), slot);
    this.#slabs.release(slot);
    this.#slots.giveBack(slot);
  }

  revision(slot: Slot): number {
    return this.#slots.revision(slot);
  }

  setRevision(slot: Slot, revision: number): void {
    this.#slots.setRevision(slot, revision);
  }

  /** 0: never. */
  expiresMs(slot: Slot): number {
    return this.#slots.expiresMs(slot);
  }

  setExpiresMs(slot: Slot, expiresMs: number): void {
    this.#slots.setExpiresMs(slot, expiresMs);
  }

  /** What is at `slot`, until it changes. What it gives out stays what it is. */
  held(slot: Slot): Held {
    return new Held(this.#slots, this.#slabs.bytesOf(slot), slot, this.#types);
  }

  /**
   * Those in `range`, in the order of their keys or against it. To be read within one turn, since it
   * follows the state as it changes.
   */
  *range({ start, end }: KeyRange, reverse: boolean): Generator<Held> {
    const [low, high] = [this.comparison(start), end === null ? undefined : this.comparison(end)];
    const { runs } = this.order;
    for (const slot of reverse ? slotsDown(runs, high) : slotsUp(runs, low)) {
      if (reverse ? low(slot) > 0 : high !== undefined && high(slot) <= 0) return;
      yield this.held(slot);
    }
  }

  /** Compares `key` with those of slots. */
  comparison(key: Uint8Array): (slot: Slot) => number {
    return (slot) => this.#compare(key, slot);
  }

  #put(slot: Slot, key: Uint8Array, value: Uint8Array, contentType: string): void {
    this.#slabs.put(slot, key, this.#types.bytes(contentType), value);
    this.#slots.setCheck(slot, this.#hash.crc32(value));
  }

  #holds(slot: Slot, key: Uint8Array): boolean {
    if (this.#slots.keyBytes(slot) !== key.length) return false;
    const bytes = this.#slabs.bytesOf(slot);
    const start = this.#slots.offset(slot);
    for (let i = 0; i < key.length; i++) if (bytes[start + i] !== key[i]) return false;
    return true;
  }

  #compare(key: Uint8Array, slot: Slot): number {
    const bytes = this.#slabs.bytesOf(slot);
    const start = this.#slots.offset(slot);
    const length = this.#slots.keyBytes(slot);
    for (let i = 0; i < key.length && i < length; i++) {
      const difference = (key[i] as number) - (bytes[start + i] as number);
      if (difference !== 0) return difference;
    }
    return key.length - length;
  }
}

/** An item as it was when somebody looked: where its bytes are, and the rest. */
export class Held implements Digestible {
  readonly slab: Uint8Array;
  readonly offset: number;
  readonly keyBytes: number;
  readonly typeBytes: number;
  /** Of the value. */
  readonly length: number;
  /** CRC-32 of the value. */
  readonly check: number;
  readonly revision: number;
  /** 0: never. */
  readonly expiresMs: number;
  readonly #types: ContentTypes;

  constructor(slots: Slots, slab: Uint8Array, slot: Slot, types: ContentTypes) {
    this.slab = slab;
    this.offset = slots.offset(slot);
    this.keyBytes = slots.keyBytes(slot);
    this.typeBytes = slots.typeBytes(slot);
    this.length = slots.valueBytes(slot);
    this.check = slots.check(slot);
    this.revision = slots.revision(slot);
    this.expiresMs = slots.expiresMs(slot);
    this.#types = types;
  }

  get key(): Uint8Array {
    return this.slab.subarray(this.offset, this.offset + this.keyBytes);
  }

  get contentType(): string {
    const start = this.offset + this.keyBytes;
    return this.#types.text(this.slab, start, start + this.typeBytes);
  }

  get value(): Uint8Array {
    const start = this.offset + this.keyBytes + this.typeBytes;
    return this.slab.subarray(start, start + this.length);
  }

  get item(): Item {
    const { value, contentType, revision, expiresMs } = this;
    const item = { value, contentType, revision };
    return expiresMs === 0 ? item : { ...item, expiresMs };
  }
}

/** Content types as bytes and as text: most items of a store share the one that was seen last. */
export class ContentTypes {
  #text = "";
  #bytes: Uint8Array = new Uint8Array();

  bytes(text: string): Uint8Array {
    if (text !== this.#text) this.#keep(text, utf8(text));
    return this.#bytes;
  }

  text(bytes: Uint8Array, from: number, to: number): string {
    if (from === to) return "";
    if (!this.#isLast(bytes, from, to)) {
      const own = bytes.slice(from, to);
      const text = fromUtf8(own);
      this.#keep(text.ok ? text.value : "", own);
    }
    return this.#text;
  }

  #keep(text: string, bytes: Uint8Array): void {
    this.#text = text;
    this.#bytes = bytes;
  }

  #isLast(bytes: Uint8Array, from: number, to: number): boolean {
    const last = this.#bytes;
    if (last.length !== to - from) return false;
    for (let i = 0; i < last.length; i++) if (bytes[from + i] !== last[i]) return false;
    return true;
  }
}
