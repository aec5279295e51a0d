/**
 * A digest of a set of items that follows every change in constant time: the sum, in two 32-bit
 * lanes, of one well-mixed number per item. Sums do not depend on the order in which items came.
 * It finds replicas that have come apart and images that were damaged; it is no defence against
 * somebody who builds collisions on purpose.
 */

import { type Hash, utf8 } from "../base/mod.ts";
import type { Item } from "./types.ts";

/** Two lanes that start apart make 64 bits against chance, where no CRC itself collides. */
const LOW_SEED = 0x6b657661;
const HIGH_SEED = 0x9e3779b9;

export class ItemsDigest {
  readonly #hash: Hash;
  #low = 0;
  #high = 0;

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  add(key: Uint8Array, item: Item): void {
    const [low, high] = this.#lanes(key, item);
    this.#low = (this.#low + low) >>> 0;
    this.#high = (this.#high + high) >>> 0;
  }

  remove(key: Uint8Array, item: Item): void {
    const [low, high] = this.#lanes(key, item);
    this.#low = (this.#low - low) >>> 0;
    this.#high = (this.#high - high) >>> 0;
  }

  /** 16 hexadecimal digits over the items and `numbers`, the rest of the replicated state. */
  text(...numbers: readonly number[]): string {
    let low = this.#low;
    let high = this.#high;
    for (const number of numbers) {
      low = mix(low ^ LOW_SEED ^ (number >>> 0));
      high = mix(high ^ Math.floor(number / 2 ** 32) ^ low);
    }
    return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
  }

  #lanes(key: Uint8Array, item: Item): [low: number, high: number] {
    const { value, contentType, revision } = item;
    const words = [
      this.#hash.crc32(key),
      this.#hash.crc32(value),
      contentType === "" ? 0 : this.#hash.crc32(utf8(contentType)),
      Math.imul(key.length, 0x9e3779b1) ^ value.length,
      revision >>> 0,
      Math.floor(revision / 2 ** 32),
    ];
    return [mixAll(LOW_SEED, words), mixAll(HIGH_SEED, words)];
  }
}

function mixAll(seed: number, words: readonly number[]): number {
  let x = seed;
  for (const word of words) x = mix(x ^ word);
  return x;
}

/** The finaliser of MurmurHash3: every input bit changes every output bit with even odds. */
function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
