/**
 * The Random port from a seed: xoshiro128** over a state filled by SplitMix32. Integers only, so
 * that a seed means the same on every machine.
 */

import { assert, type Random } from "../../src/base/mod.ts";

const RANGE = 2 ** 32;

export class SeededRandom implements Random {
  readonly #state: Uint32Array;

  constructor(seed: number) {
    this.#state = splitMix(seed);
  }

  below(bound: number): number {
    assert(Number.isInteger(bound) && bound >= 1 && bound <= RANGE, `a bound, not ${bound}`);
    // Words past the last whole multiple of `bound` would favour small results: draw again.
    const fair = RANGE - (RANGE % bound);
    let word: number;
    do word = this.#next(); while (word >= fair);
    return word % bound;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = this.#next() >>> 24;
    return bytes;
  }

  /** True in `times` of `outOf` cases. */
  chance(times: number, outOf: number): boolean {
    return this.below(outOf) < times;
  }

  /** An integer from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** A generator of its own, so that one part's draws do not shift those of another. */
  fork(): SeededRandom {
    return new SeededRandom(this.#next());
  }

  #next(): number {
    const s = this.#state as unknown as [number, number, number, number];
    const word = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 11);
    return word;
  }
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function splitMix(seed: number): Uint32Array {
  let counter = seed >>> 0;
  return Uint32Array.from({ length: 4 }, () => {
    counter = (counter + 0x9e3779b9) >>> 0;
    let x = counter;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return (x ^ (x >>> 15)) >>> 0;
  });
}
