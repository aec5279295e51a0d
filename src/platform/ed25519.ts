/**
 * The Ed25519 port on the runtime's native functions.
 */

import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { concat, type Ed25519, type PublicKeyBytes } from "../base/mod.ts";

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
/** SubjectPublicKeyInfo (RFC 8410) up to the key. */
const SPKI_HEAD = Uint8Array.fromHex("302a300506032b6570032100");

export function signWith(privateKeyPem: string, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, createPrivateKey(privateKeyPem)));
}

/** Whether the holder of `key` has signed `message`. */
export function verifyWith(
  key: PublicKeyBytes,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const spki = Buffer.from(concat([SPKI_HEAD, key]));
  return verify(
    null,
    message,
    createPublicKey({ key: spki, format: "der", type: "spki" }),
    signature,
  );
}
