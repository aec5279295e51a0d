/**
 * Whether certificates and keys can be used, found out before they are: this runtime ends the whole
 * process over a client's key that does not fit, and fails each handshake over a server's.
 */

import { X509Certificate } from "node:crypto";
import { err, type Expiry, ok, type Result } from "../base/mod.ts";

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** What the runtime says, and what that means. */
const REASONS: readonly [says: RegExp, means: string][] = [
  [/KeyMismatch/, "the private key is not that of the certificate"],
  [/No keys found/, "there is no private key in it, or one under a passphrase"],
  [/UnsupportedCertVersion/, "the certificate is of version 1; it must be of version 3"],
  [/parse private key/, "the private key must be RSA of at least 2048 bits, ECDSA or Ed25519"],
];

/** Until when the certificate counts, or why it and the key cannot be used. */
export function checkPair(certificate: string, privateKey: string): Result<Expiry, string> {
  const chain = certificatesIn(certificate);
  if (!chain.ok) return chain;
  try {
    // Only what is to use them knows: an own check would know less, or something else.
    const pair = { cert: certificate, key: privateKey };
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...pair }).close();
  } catch (error) {
    const { message } = error as Error;
    return err(REASONS.find(([says]) => says.test(message))?.[1] ?? message);
  }
  const expiry = new Date((chain.value[0] as X509Certificate).validTo);
  return ok({ atMs: expiry.getTime(), text: expiry.toISOString() });
}

/** Null, or what keeps these from being authorities. */
export function checkAuthorities(pem: string): string | null {
  const found = certificatesIn(pem);
  if (!found.ok) return found.error;
  const other = found.value.find(({ ca }) => !ca);
  return other === undefined
    ? null
    : `the certificate of ${oneLine(other.subject)} is not that of an authority`;
}

/** Each certificate in the text, as PEM. */
export function certificateBlocks(pem: string): string[] {
  return pem.match(BLOCK) ?? [];
}

function certificatesIn(pem: string): Result<X509Certificate[], string> {
  const blocks = certificateBlocks(pem);
  if (blocks.length === 0) return err("there is no certificate in it, in the form of PEM");
  try {
    return ok(blocks.map((block) => new X509Certificate(block)));
  } catch {
    return err("it holds a certificate that is damaged");
  }
}

function oneLine(subject: string | undefined): string {
  return (subject ?? "nobody").replaceAll("\n", ", ");
}
