/**
 * The Ed25519 port on the runtime's native functions.
 */

import { createPrivateKey, createPublicKey } from "node:crypto";
import type { Ed25519 } from "../base/mod.ts";

export const ed25519: Ed25519 = {
  publicKey(privateKeyPem) {
    const spki = createPublicKey(createPrivateKey(privateKeyPem)).export({
      format: "der",
      type: "spki",
    });
    return new Uint8Array(spki.subarray(spki.length - KEY_BYTES));
  },
};

const KEY_BYTES = 32;
