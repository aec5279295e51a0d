/**
 * The Hash port on the runtime's native functions, which are synchronous and so deterministic.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import { halfSipHash, type Hash } from "../base/mod.ts";

export function nativeHash(): Hash {
  const [low, high] = crypto.getRandomValues(new Uint32Array(2)) as unknown as [number, number];
  const key = { low, high };
  return {
    crc32: (bytes, seed = 0) => crc32(bytes, seed),
    sha256: (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest()),
    keyed: (bytes) => halfSipHash(key, bytes),
    equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  };
}
