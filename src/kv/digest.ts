/**
 * A digest of a set of items that follows every change in constant time: the sum, in two 32-bit
 * lanes, of one well-mixed number per item. Sums do not depend on the order in which items came.
 * It finds replicas that have come apart and images that were damaged; it is no defence against
 * somebody who builds collisions on purpose.
 */

import { type Hash, utf8 } from "../base/mod.ts";

/** What counts of an item, or of anything else that is kept under a name. */
export type Digestible = {
  /** CRC-32 of the value. */
  readonly check: number;
  readonly contentType: string;
  readonly length: number;
  readonly revision: number;
};

/** Two lanes that start apart make 64 bits against chance, where no CRC itself collides. */
const LOW_SEED = 0x6b657661;
const HIGH_SEED = 0x9e3779b9;

export class ItemsDigest {
  readonly #hash: Hash;
  #low = 0;
  #high = 0;
  /** The content type seen last, with its check: most items of a store share one. */
  #type = "";
  #typeCheck = 0;

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  /** `keyCheck` is the CRC-32 of the key. */
  add(keyCheck: number, keyBytes: number, cell: Digestible): void {
    this.#low = (this.#low + this.#lane(LOW_SEED, keyCheck, keyBytes, cell)) >>> 0;
    this.#high = (this.#high + this.#lane(HIGH_SEED, keyCheck, keyBytes, cell)) >>> 0;
  }

  remove(keyCheck: number, keyBytes: number, cell: Digestible): void {
    this.#low = (this.#low - this.#lane(LOW_SEED, keyCheck, keyBytes, cell)) >>> 0;
    this.#high = (this.#high - this.#lane(HIGH_SEED, keyCheck, keyBytes, cell)) >>> 0;
  }

  /** The two lanes by themselves. */
  get sums(): readonly [number, number] {
    return [this.#low, this.#high];
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

  #lane(seed: number, keyCheck: number, keyBytes: number, cell: Digestible): number {
    const { check, contentType, length, revision } = cell;
    let x = mix(seed ^ keyCheck);
    x = mix(x ^ check);
    x = mix(x ^ this.#checkOfType(contentType));
    x = mix(x ^ Math.imul(keyBytes, 0x9e3779b1) ^ length);
    x = mix(x ^ (revision >>> 0));
    return mix(x ^ Math.floor(revision / 2 ** 32));
  }

  #checkOfType(contentType: string): number {
    if (contentType !== this.#type) {
      this.#type = contentType;
      this.#typeCheck = contentType === "" ? 0 : this.#hash.crc32(utf8(contentType));
    }
    return this.#typeCheck;
  }
}

/** The finaliser of MurmurHash3: every input bit changes every output bit with even odds. */
function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
