/**
 * The Hash port on the runtime's native functions, which are synchronous and so deterministic.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Hash } from "../base/mod.ts";

export function nativeHash(): Hash {
  return {
    crc32: (bytes, seed = 0) => crc32(bytes, seed),
    sha256: (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest()),
    equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  };
}
