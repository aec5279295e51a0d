/** Authorities and certificates as a small company would make them, for tests. */

import "reflect-metadata"; // before @peculiar/x509
import assert from "node:assert/strict";
import { sign } from "node:crypto";
import {
  BasicConstraintsExtension,
  type Extension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { concat } from "../../src/base/mod.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };
const DAY_MS = 86_400_000;

/** A certificate and its private key, as PEM. */
export type Pair = { readonly certificate: string; readonly privateKey: string };

export type Wish = {
  /** As in `CN=web`. */
  readonly subject: string;
  /** DNS names and IP addresses that it is for. */
  readonly names?: readonly { readonly type: "dns" | "ip"; readonly value: string }[];
  /** Until it ends, from now; negative: it has ended already. */
  readonly days?: number;
  readonly isAuthority?: boolean;
};

export const LOCAL_NAMES = [
  { type: "dns", value: "localhost" },
  { type: "ip", value: "127.0.0.1" },
] as const;

export class Authority implements Pair {
  readonly certificate: string;
  readonly privateKey: string;
  readonly #name: string;
  readonly #signer: CryptoKey;
  #serial = 1;

  private constructor(name: string, pair: Pair, signer: CryptoKey) {
    this.certificate = pair.certificate;
    this.privateKey = pair.privateKey;
    this.#name = name;
    this.#signer = signer;
  }

  static async make(subject: string): Promise<Authority> {
    const keys = await newKeys();
    const wish = { subject, isAuthority: true };
    const signed = { issuer: subject, signer: keys.privateKey, serial: 1 };
    return new Authority(subject, await make(wish, keys, signed), keys.privateKey);
  }

  async issue(wish: Wish): Promise<Pair> {
    const signed = { issuer: this.#name, signer: this.#signer, serial: ++this.#serial };
    return await make(wish, await newKeys(), signed);
  }

  /** One that may sign for others, in the name of this one. */
  async delegate(subject: string): Promise<Authority> {
    const keys = await newKeys();
    const signed = { issuer: this.#name, signer: this.#signer, serial: ++this.#serial };
    return new Authority(
      subject,
      await make({ subject, isAuthority: true }, keys, signed),
      keys.privateKey,
    );
  }
}

/** An authority of this name that signs with the key of `holder`, whose certificate is no authority's. */
export async function issuedBy(holder: Pair, issuer: string, wish: Wish): Promise<Pair> {
  const signer = await crypto.subtle.importKey("pkcs8", derOf(holder.privateKey), ALGORITHM, true, [
    "sign",
  ]);
  return await make(wish, await newKeys(), { issuer, signer, serial: 77 });
}

/**
 * The same in version 1, as it was before certificates could say whether their holder may sign
 * others; `signer` signs it.
 */
export function asVersion1(pair: Pair, signer: Pair): Pair {
  const [tbs, algorithm] = partsOf(derOf(pair.certificate)) as [Uint8Array, Uint8Array];
  const [version, ...fields] = partsOf(tbs);
  assert.equal(version?.[0], 0xa0);
  const old = sequence(0x30, fields.filter(([tag]) => tag !== 0xa3)); // without extensions
  const signature = sign("sha256", old, signer.privateKey);
  const bits = sequence(0x03, [Uint8Array.of(0), new Uint8Array(signature)]);
  const der = sequence(0x30, [old, algorithm, bits]);
  return { ...pair, certificate: pem("CERTIFICATE", der) };
}

/** The elements, with tag and length, in an element of DER. */
function partsOf(element: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let rest = contentOf(element).content; rest.length > 0;) {
    const { end } = contentOf(rest);
    parts.push(rest.subarray(0, end));
    rest = rest.subarray(end);
  }
  return parts;
}

function contentOf(element: Uint8Array): { content: Uint8Array; end: number } {
  const [, first = 0, ...more] = element;
  const lengthBytes = first < 0x80 ? 0 : first - 0x80;
  const length = first < 0x80 ? first : more.slice(0, lengthBytes).reduce((a, b) => a * 256 + b, 0);
  const start = 2 + lengthBytes;
  return { content: element.subarray(start, start + length), end: start + length };
}

function sequence(tag: number, parts: readonly Uint8Array[]): Uint8Array {
  const content = concat(parts);
  const { length } = content;
  const lengthBytes = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : [0x82, length >> 8, length & 0xff];
  return concat([Uint8Array.of(tag, ...lengthBytes), content]);
}

function pem(label: string, der: Uint8Array): string {
  const lines = der.toBase64().replace(/.{64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

function derOf(pem: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(pem.replace(/-----[^-]+-----|\s/g, ""));
}

async function newKeys(): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function make(
  { subject, names, days = 30, isAuthority = false }: Wish,
  keys: CryptoKeyPair,
  { issuer, signer, serial }: { issuer: string; signer: CryptoKey; serial: number },
): Promise<Pair> {
  const now = Date.now();
  const extensions: Extension[] = [new BasicConstraintsExtension(isAuthority, undefined, true)];
  if (names !== undefined) extensions.push(new SubjectAlternativeNameExtension([...names]));
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial.toString(16).padStart(2, "0"),
    subject,
    issuer,
    notBefore: new Date(now - 60 * DAY_MS),
    notAfter: new Date(now + days * DAY_MS),
    signingAlgorithm: SIGNING,
    publicKey: keys.publicKey,
    signingKey: signer,
    extensions,
  });
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return {
    certificate: `${certificate.toString("pem")}\n`,
    privateKey: pem("PRIVATE KEY", pkcs8),
  };
}
