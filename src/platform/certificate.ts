/**
 * Certificates that say nothing but a key. TLS wants certificates where all that matters is which
 * Ed25519 key the other side holds, so each key has exactly one, the same wherever it is made:
 * everything in it, but for the signature, follows from the key.
 */

import "reflect-metadata"; // before @peculiar/x509, which does not work without it
import { BasicConstraintsExtension, X509CertificateGenerator } from "@peculiar/x509";
import type { PublicKeyBytes } from "../base/mod.ts";

const ED25519 = { name: "Ed25519" };
/** A key does not expire: it is taken off a list. */
const NOT_BEFORE = new Date("1970-01-01T00:00:00Z");
const NOT_AFTER = new Date("9999-12-31T23:59:59Z");
/** An Ed25519 signature; nothing follows it in a certificate. */
const SIGNATURE_BYTES = 64;

export type Certificate = {
  readonly pem: string;
  /** All bytes before the signature: equal for every certificate of a key, and for no other. */
  readonly body: Uint8Array;
};

/**
 * The certificate of `key`, signed by whoever holds `signer`: its holder, to prove it. Only forgers
 * name another key in it.
 */
export async function certificateOf(
  key: PublicKeyBytes,
  signer: CryptoKey,
  named: PublicKeyBytes = key,
): Promise<Certificate> {
  const name = `CN=${named.toHex()}`;
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
  return {
    pem: certificate.toString("pem"),
    body: bodyOf(new Uint8Array(certificate.rawData)),
  };
}

export function bodyOf(certificate: Uint8Array): Uint8Array {
  return certificate.subarray(0, -SIGNATURE_BYTES);
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
