/**
 * The Random port on the operating system's generator.
 */

import { assert, type Random } from "../base/mod.ts";

/** What one call of `getRandomValues` may be asked for. */
const BYTES_PER_CALL_MAX = 65_536;
const RANGE = 2 ** 32;

export function systemRandom(): Random {
  const word = new Uint32Array(1);
  return {
    below(bound) {
      assert(Number.isInteger(bound) && bound >= 1 && bound <= RANGE, `a bound, not ${bound}`);
      // Words past the last whole multiple of `bound` would favour small results: draw again.
      const fair = RANGE - (RANGE % bound);
      let drawn: number;
      do {
        drawn = crypto.getRandomValues(word)[0] as number;
      } while (drawn >= fair);
      return drawn % bound;
    },
    bytes(length) {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; at += BYTES_PER_CALL_MAX) {
        crypto.getRandomValues(bytes.subarray(at, at + BYTES_PER_CALL_MAX));
      }
      return bytes;
    },
  };
}
