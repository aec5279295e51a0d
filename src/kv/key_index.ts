/**
 * Finds the slot of a key: a hash table with open addressing and linear probing. It holds the
 * hashes beside the slots, so that other keys are passed over, and the table grows, without a look
 * at any item.
 */

import { NO_SLOT, type Slot } from "./slots.ts";

const BUCKETS_MIN = 1024;
/** Past this share of used buckets, of four, it doubles. */
const USED_QUARTERS_MAX = 3;

export class KeyIndex {
  /** For each bucket a hash, and a slot plus one; 0: empty. */
  #buckets = new Uint32Array(2 * BUCKETS_MIN);
  #mask = BUCKETS_MIN - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The first slot with this hash of which `isIt` holds. */
  find(hash: number, isIt: (slot: Slot) => boolean): Slot {
    const buckets = this.#buckets;
    for (let at = hash & this.#mask;; at = (at + 1) & this.#mask) {
      const entry = buckets[2 * at + 1] as number;
      if (entry === 0) return NO_SLOT;
      if (buckets[2 * at] === hash && isIt(entry - 1)) return entry - 1;
    }
  }

  /** `slot` is not in it. */
  add(hash: number, slot: Slot): void {
    if (4 * (this.#size + 1) > USED_QUARTERS_MAX * (this.#mask + 1)) this.#grow();
    this.#size++;
    this.#put(hash, slot + 1);
  }

  /** `slot` is in it. */
  remove(hash: number, slot: Slot): void {
    const buckets = this.#buckets;
    let at = hash & this.#mask;
    while (buckets[2 * at + 1] !== slot + 1) at = (at + 1) & this.#mask;
    this.#size--;
    // What follows moves up, unless it would come before where its search begins: no gap is left
    // in which a search would end too early (Knuth, TAOCP volume 3, section 6.4, algorithm R).
    for (let next = (at + 1) & this.#mask;; next = (next + 1) & this.#mask) {
      const entry = buckets[2 * next + 1] as number;
      if (entry === 0) break;
      const home = (buckets[2 * next] as number) & this.#mask;
      if (((next - home) & this.#mask) < ((next - at) & this.#mask)) continue;
      buckets[2 * at] = buckets[2 * next] as number;
      buckets[2 * at + 1] = entry;
      at = next;
    }
    buckets[2 * at] = buckets[2 * at + 1] = 0;
  }

  #put(hash: number, entry: number): void {
    const buckets = this.#buckets;
    let at = hash & this.#mask;
    while (buckets[2 * at + 1] !== 0) at = (at + 1) & this.#mask;
    buckets[2 * at] = hash;
    buckets[2 * at + 1] = entry;
  }

  #grow(): void {
    const old = this.#buckets;
    this.#buckets = new Uint32Array(2 * old.length);
    this.#mask = old.length - 1;
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] !== 0) this.#put(old[at] as number, old[at + 1] as number);
    }
  }
}
