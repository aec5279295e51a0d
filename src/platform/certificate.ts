/**
 * Certificates that say nothing but a key, and what others say of their holders. TLS wants certificates where all that matters is which
 * Ed25519 key the other side holds, so each key has exactly one, made wherever it is needed:
 * everything in it, but for the signature, follows from the key.
 */

import "reflect-metadata"; // before @peculiar/x509, which does not work without it
import {
  BasicConstraintsExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { PublicKeyBytes } from "../base/mod.ts";

const ED25519 = { name: "Ed25519" };
/** A key does not expire: it is taken off a list. */
const NOT_BEFORE = new Date("1970-01-01T00:00:00Z");
const NOT_AFTER = new Date("9999-12-31T23:59:59Z");

/**
 * The certificate of `key` as PEM, signed by whoever holds `signer`: its holder, to prove it, or
 * anybody who is to trust it.
 */
export async function certificateOf(key: PublicKeyBytes, signer: CryptoKey): Promise<string> {
  const name = `CN=${key.toHex()}`;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: "01",
    subject: name,
    issuer: name,
    notBefore: NOT_BEFORE,
    notAfter: NOT_AFTER,
    signingAlgorithm: ED25519,
    publicKey: await crypto.subtle.importKey("raw", key.slice(), ED25519, true, ["verify"]),
    signingKey: signer,
    // Without it the runtime takes the certificate for one that may vouch for others.
    extensions: [new BasicConstraintsExtension(false, undefined, true)],
  });
  return certificate.toString("pem");
}

/** A key that nobody keeps: the signature on what this process itself trusts is never looked at. */
export async function passingSigner(): Promise<CryptoKey> {
  const pair = await crypto.subtle.generateKey(ED25519, false, ["sign", "verify"]);
  return (pair as CryptoKeyPair).privateKey;
}

export async function signerOf(privateKeyPem: string): Promise<CryptoKey> {
  const der = Uint8Array.fromBase64(privateKeyPem.replace(/-----[^-]+-----|\s/g, ""));
  return await crypto.subtle.importKey("pkcs8", der, ED25519, false, ["sign"]);
}

/**
 * All common names of the subject. Read from the structure: in a text of it, one attribute could
 * pass for another, and `node:tls` tells the last of several.
 */
export function commonNames(der: Uint8Array): string[] {
  return new X509Certificate(der.slice()).subjectName.getField("CN");
}
