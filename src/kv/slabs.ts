/**
 * The bytes of items, packed into shared buffers: a buffer of its own costs every small value more
 * than half again what it holds, and the collector a visit.
 *
 * ```
 * record   slot u32, length u32 of what follows, then key, content type and value
 * ```
 *
 * Invariants:
 * - S6 a byte that a slot refers to never changes: a slab is only ever appended to, and given up as
 *   a whole to the collector. So a view handed out stays what it was, however the state moves on.
 * - S7 at most half of what full slabs hold is garbage: past that their live records move out.
 */

import { setU32At, u32At } from "../base/mod.ts";
import { NO_SLAB, type Slot, type Slots } from "./slots.ts";

const SLAB_BYTES = 64 * 1024;
/** A larger record has a slab to itself, so that no slab ends with much room unused. */
const SHARED_BYTES_MAX = SLAB_BYTES / 8;
const HEAD_BYTES = 8;

class Slab {
  readonly bytes: Uint8Array;
  used = 0;
  liveBytes = 0;

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes);
  }

  hasRoomFor(lengthBytes: number): boolean {
    return this.used + lengthBytes <= this.bytes.length;
  }

  get isMostlyGarbage(): boolean {
    return 2 * this.liveBytes < this.bytes.length;
  }
}

export class Slabs {
  readonly #slots: Slots;
  /** By their numbers; the first is no slab's. */
  readonly #slabs: (Slab | undefined)[] = [undefined];
  readonly #unusedNumbers: number[] = [];
  #open: number;
  #sizeBytes = 0;

  constructor(slots: Slots) {
    this.#slots = slots;
    this.#open = this.#newSlab(SLAB_BYTES);
  }

  /** Of all slabs that hold a record of the state, with what of them is garbage. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Where the bytes of `slot` are, from its offset on. */
  bytesOf(slot: Slot): Uint8Array {
    return this.#slab(this.#slots.slab(slot)).bytes;
  }

  /** Copies the bytes of `slot`, which has none so far. */
  put(slot: Slot, key: Uint8Array, type: Uint8Array, value: Uint8Array): void {
    const lengthBytes = key.length + type.length + value.length;
    const { bytes, at } = this.#reserve(slot, lengthBytes);
    bytes.set(key, at);
    if (type.length > 0) bytes.set(type, at + key.length);
    bytes.set(value, at + key.length + type.length);
    this.#slots.measure(slot, key.length, type.length, value.length);
  }

  /** The state no longer refers to the bytes of `slot`. */
  release(slot: Slot): void {
    const number = this.#slots.slab(slot);
    const slab = this.#slab(number);
    slab.liveBytes -= HEAD_BYTES + this.#slots.bytes(slot);
    this.#slots.place(slot, NO_SLAB, 0);
    if (number !== this.#open) this.#tidy(number);
  }

  #reserve(slot: Slot, lengthBytes: number): { bytes: Uint8Array; at: number } {
    const number = this.#slabFor(HEAD_BYTES + lengthBytes);
    const slab = this.#slab(number);
    const at = slab.used + HEAD_BYTES;
    setU32At(slab.bytes, slab.used, slot);
    setU32At(slab.bytes, slab.used + 4, lengthBytes);
    this.#slots.place(slot, number, at);
    slab.used += HEAD_BYTES + lengthBytes;
    slab.liveBytes += HEAD_BYTES + lengthBytes;
    return { bytes: slab.bytes, at };
  }

  #slabFor(lengthBytes: number): number {
    if (lengthBytes > SHARED_BYTES_MAX) return this.#newSlab(lengthBytes);
    while (!this.#slab(this.#open).hasRoomFor(lengthBytes)) {
      const full = this.#open;
      this.#open = this.#newSlab(SLAB_BYTES);
      this.#tidy(full); // what it moves leaves half of the new slab free
    }
    return this.#open;
  }

  #newSlab(sizeBytes: number): number {
    const number = this.#unusedNumbers.pop() ?? this.#slabs.length;
    this.#slabs[number] = new Slab(sizeBytes);
    this.#sizeBytes += sizeBytes;
    return number;
  }

  #slab(number: number): Slab {
    return this.#slabs[number] as Slab;
  }

  /** What a view holds besides stays where it is, and the slab with it, until the view goes. */
  #tidy(number: number): void {
    const slab = this.#slab(number);
    if (!slab.isMostlyGarbage) return;
    for (let at = 0; at < slab.used;) {
      const slot = u32At(slab.bytes, at);
      const start = at + HEAD_BYTES;
      at = start + u32At(slab.bytes, at + 4);
      if (this.#slots.slab(slot) !== number || this.#slots.offset(slot) !== start) continue;
      const moved = this.#reserve(slot, at - start);
      moved.bytes.set(slab.bytes.subarray(start, at), moved.at);
    }
    this.#slabs[number] = undefined;
    this.#unusedNumbers.push(number);
    this.#sizeBytes -= slab.bytes.length;
  }
}
