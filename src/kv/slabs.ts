/**
 * Memory of values: many of them share one buffer, since a buffer of its own costs every small
 * value more than half again what it holds, and the collector a visit.
 *
 * Invariants:
 * - S6 a byte that a cell refers to never changes: a slab is only ever appended to, and given up as
 *   a whole to the collector. So a view handed out stays what it was, however the state moves on.
 * - S7 at most half of what full slabs hold is garbage: past that their live cells move out.
 */

import { assert } from "../base/mod.ts";

const SLAB_BYTES = 64 * 1024;
/** A larger value has a slab to itself, so that no slab ends with much room unused. */
const SHARED_BYTES_MAX = SLAB_BYTES / 8;

/** What an item is, where its value lies in a slab. */
export type Held = {
  readonly value: Uint8Array;
  readonly length: number;
  readonly contentType: string;
  readonly revision: number;
  /** 0: never. */
  readonly expiresMs: number;
};

/** The item under one key, whatever it is at the time: as long as there is one, it is this cell. */
export class Cell implements Held {
  /** The very text that the tree has, which is there once for all who name the item. */
  keyText = "";
  /** CRC-32 of the value. */
  check = 0;
  contentType = "";
  revision = 0;
  /** 0: never. */
  expiresMs = 0;
  /** False once the state no longer holds it; a view may do so still. */
  live = true;
  slab: Slab;
  offset = 0;
  length = 0;

  constructor(slab: Slab) {
    this.slab = slab;
  }

  get value(): Uint8Array {
    return this.slab.bytes.subarray(this.offset, this.offset + this.length);
  }
}

/** What a cell held before. */
export class Past implements Held {
  readonly contentType: string;
  readonly revision: number;
  readonly expiresMs: number;
  readonly length: number;
  readonly #bytes: Uint8Array;
  readonly #offset: number;

  constructor(cell: Cell) {
    this.contentType = cell.contentType;
    this.revision = cell.revision;
    this.expiresMs = cell.expiresMs;
    this.length = cell.length;
    this.#bytes = cell.slab.bytes;
    this.#offset = cell.offset;
  }

  get value(): Uint8Array {
    return this.#bytes.subarray(this.#offset, this.#offset + this.length);
  }
}

class Slab {
  readonly bytes: Uint8Array;
  /** Every cell that was put here; those that have left since refer to another slab. */
  readonly cells: Cell[] = [];
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

const NOWHERE = new Slab(0);

export class Slabs {
  #open = new Slab(SLAB_BYTES);
  #sizeBytes = SLAB_BYTES;

  /** Of all slabs that hold a value of the state, with what of them is garbage. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** A cell that holds a copy of `value`. */
  store(value: Uint8Array): Cell {
    const cell = new Cell(NOWHERE);
    this.#put(cell, value);
    return cell;
  }

  /** Lets `cell` hold a copy of `value` instead. */
  replace(cell: Cell, value: Uint8Array): void {
    const { slab, length } = cell;
    cell.slab = NOWHERE; // else it would be saved from a slab that is emptied, with its old value
    this.#free(slab, length);
    this.#put(cell, value);
  }

  /** The state no longer refers to `cell`. */
  release(cell: Cell): void {
    assert(cell.live, "a cell is released once");
    cell.live = false;
    this.#free(cell.slab, cell.length);
  }

  #put(cell: Cell, value: Uint8Array): void {
    const slab = this.#slabFor(value.length);
    slab.bytes.set(value, slab.used);
    slab.cells.push(cell);
    cell.slab = slab;
    cell.offset = slab.used;
    cell.length = value.length;
    slab.used += value.length;
    slab.liveBytes += value.length;
  }

  #slabFor(lengthBytes: number): Slab {
    if (lengthBytes > SHARED_BYTES_MAX) return this.#newSlab(lengthBytes);
    while (!this.#open.hasRoomFor(lengthBytes)) {
      const full = this.#open;
      this.#open = this.#newSlab(SLAB_BYTES);
      this.#tidy(full); // what it moves leaves half of the new slab free
    }
    return this.#open;
  }

  #newSlab(sizeBytes: number): Slab {
    this.#sizeBytes += sizeBytes;
    return new Slab(sizeBytes);
  }

  #free(slab: Slab, lengthBytes: number): void {
    slab.liveBytes -= lengthBytes;
    if (slab !== this.#open) this.#tidy(slab);
  }

  /** What a view holds besides stays where it is, and the slab with it, until the view goes. */
  #tidy(slab: Slab): void {
    if (!slab.isMostlyGarbage || slab.cells.length === 0) return;
    for (const cell of slab.cells) {
      if (cell.slab === slab && cell.live) this.#put(cell, cell.value);
    }
    slab.cells.length = 0;
    this.#sizeBytes -= slab.bytes.length;
  }
}
