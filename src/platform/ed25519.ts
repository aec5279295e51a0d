/**
 * The Ed25519 port on the runtime's native functions.
 */

import { createPrivateKey, createPublicKey } from "node:crypto";
import type { Ed25519 } from "../base/mod.ts";

export const ed25519: Ed25519 = {
  publicKey(seed) {
    const der = new Uint8Array([...PKCS8_HEAD, ...seed]);
    const key = createPrivateKey({ key: der as never, format: "der", type: "pkcs8" });
    const spki = createPublicKey(key).export({ format: "der", type: "spki" });
    return new Uint8Array(spki.subarray(spki.length - KEY_BYTES));
  },
};

/** PrivateKeyInfo up to the seed. */
const PKCS8_HEAD = Uint8Array.fromHex("302e020100300506032b657004220420");
const KEY_BYTES = 32;
