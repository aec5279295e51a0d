/**
 * HalfSipHash-2-4 with 32 bits of output: a hash for tables whose keys strangers choose. Without
 * its key nobody can find inputs that fall together, as one could for a check such as CRC-32.
 *
 * J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012; the variant
 * of 32-bit words is in their reference implementation.
 */

import { u32At } from "./bytes.ts";

/** Of the 64 bits of a key, the lower half first. */
export type HashKey = { readonly low: number; readonly high: number };

export function halfSipHash(key: HashKey, bytes: Uint8Array): number {
  let v0 = key.low;
  let v1 = key.high;
  let v2 = 0x6c796765 ^ key.low;
  let v3 = 0x74656462 ^ key.high;
  const { length } = bytes;
  const whole = length & ~3;
  for (let at = 0, rounds = 2;; at += 4) {
    let word: number;
    if (at < whole) word = u32At(bytes, at) | 0;
    else if (at === whole && rounds === 2) {
      word = length << 24;
      for (let i = length - 1; i >= whole; i--) word |= (bytes[i] as number) << (8 * (i - whole));
    } else {
      word = 0;
      v2 ^= 0xff;
      rounds = 4;
    }
    v3 ^= word;
    for (let left = rounds; left > 0; left--) {
      v0 = (v0 + v1) | 0;
      v1 = (v1 << 5) | (v1 >>> 27);
      v1 ^= v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = (v3 << 8) | (v3 >>> 24);
      v3 ^= v2;
      v0 = (v0 + v3) | 0;
      v3 = (v3 << 7) | (v3 >>> 25);
      v3 ^= v0;
      v2 = (v2 + v1) | 0;
      v1 = (v1 << 13) | (v1 >>> 19);
      v1 ^= v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    if (rounds === 4) return (v1 ^ v3) >>> 0;
    v0 ^= word;
  }
}
