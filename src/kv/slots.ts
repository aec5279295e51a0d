/**
 * The table of items: what there is to know of each beside its bytes, forty bytes at its number,
 * the slot. An object for each of a million would cost five times as much, and the collector a
 * visit to every one of them.
 */

const WORDS = 10;
const PAGE_SLOTS = 4096;
const PAGE_SHIFT = 12;
const HIGH = 2 ** 32;

/** The number of an item for as long as there is one under its key; another may have it after. */
export type Slot = number;

export const NO_SLOT: Slot = -1;
/** The number of the slab of a slot without bytes. */
export const NO_SLAB = 0;

/** Words of a slot. */
const SLAB = 0;
const OFFSET = 1;
const KEY_BYTES = 2;
const TYPE_BYTES = 3;
const VALUE_BYTES = 4;
const CHECK = 5;
const REVISION = 6;
const EXPIRES = 8;

export class Slots {
  /** Grown page by page: to copy a large table into a larger one would take a while. */
  readonly #pages: Uint32Array[] = [];
  #end: Slot = 0;
  /** The first of those that were given back, which are chained by their second word. */
  #free: Slot = NO_SLOT;

  /** One that nobody has, and that has no bytes yet. */
  take(): Slot {
    const slot = this.#free;
    if (slot !== NO_SLOT) {
      this.#free = this.#get(slot, OFFSET) - 1;
      return slot;
    }
    if (this.#end === this.#pages.length * PAGE_SLOTS) {
      this.#pages.push(new Uint32Array(PAGE_SLOTS * WORDS));
    }
    return this.#end++;
  }

  giveBack(slot: Slot): void {
    this.#set(slot, SLAB, NO_SLAB);
    this.#set(slot, OFFSET, this.#free + 1);
    this.#free = slot;
  }

  /** Says where its bytes are, or that it has none. */
  place(slot: Slot, slab: number, offset: number): void {
    this.#set(slot, SLAB, slab);
    this.#set(slot, OFFSET, offset);
  }

  /** Says what its bytes are: one behind the other the key, the content type and the value. */
  measure(slot: Slot, keyBytes: number, typeBytes: number, valueBytes: number): void {
    this.#set(slot, KEY_BYTES, keyBytes);
    this.#set(slot, TYPE_BYTES, typeBytes);
    this.#set(slot, VALUE_BYTES, valueBytes);
  }

  slab(slot: Slot): number {
    return this.#get(slot, SLAB);
  }

  offset(slot: Slot): number {
    return this.#get(slot, OFFSET);
  }

  keyBytes(slot: Slot): number {
    return this.#get(slot, KEY_BYTES);
  }

  typeBytes(slot: Slot): number {
    return this.#get(slot, TYPE_BYTES);
  }

  valueBytes(slot: Slot): number {
    return this.#get(slot, VALUE_BYTES);
  }

  bytes(slot: Slot): number {
    return this.keyBytes(slot) + this.typeBytes(slot) + this.valueBytes(slot);
  }

  /** CRC-32 of the value. */
  check(slot: Slot): number {
    return this.#get(slot, CHECK);
  }

  setCheck(slot: Slot, check: number): void {
    this.#set(slot, CHECK, check);
  }

  revision(slot: Slot): number {
    return this.#getLong(slot, REVISION);
  }

  setRevision(slot: Slot, revision: number): void {
    this.#setLong(slot, REVISION, revision);
  }

  /** 0: never. */
  expiresMs(slot: Slot): number {
    return this.#getLong(slot, EXPIRES);
  }

  setExpiresMs(slot: Slot, expiresMs: number): void {
    this.#setLong(slot, EXPIRES, expiresMs);
  }

  #get(slot: Slot, word: number): number {
    const page = this.#pages[slot >>> PAGE_SHIFT] as Uint32Array;
    return page[(slot % PAGE_SLOTS) * WORDS + word] as number;
  }

  #set(slot: Slot, word: number, value: number): void {
    const page = this.#pages[slot >>> PAGE_SHIFT] as Uint32Array;
    page[(slot % PAGE_SLOTS) * WORDS + word] = value;
  }

  #getLong(slot: Slot, word: number): number {
    return this.#get(slot, word) + this.#get(slot, word + 1) * HIGH;
  }

  #setLong(slot: Slot, word: number, value: number): void {
    this.#set(slot, word, value % HIGH);
    this.#set(slot, word + 1, Math.floor(value / HIGH));
  }
}
