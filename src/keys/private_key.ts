/**
 * Private keys as files hold them: PKCS#8 (RFC 8410), which Keva writes, and the format of
 * `ssh-keygen`, which it reads too. The key itself is its 32-byte seed.
 */

import { concat, err, hex, ok, type Result } from "../base/mod.ts";
import { fromBase64 } from "./public_key.ts";
import { ED25519, KEY_BYTES, SshReader } from "./ssh_wire.ts";

/** The largest file that is read as a private key. */
export const PRIVATE_KEY_BYTES_MAX = 16 * 1024;

/** OneAsymmetricKey, version 1 or 2, algorithm 1.3.101.112, and the seed in two OCTET STRINGs. */
const PKCS8 = /^30[0-9a-f]{2}02010[01]300506032b657004220420([0-9a-f]{64})/;
const PKCS8_HEAD = Uint8Array.fromHex("302e020100300506032b657004220420");
const OPENSSH_MAGIC = "openssh-key-v1\0";

export function privateKeyPem(seed: Uint8Array): string {
  const body = concat([PKCS8_HEAD, seed]).toBase64();
  return `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`;
}

/** The seed, or one sentence on why there is none, without a byte of the file in it. */
export function parsePrivateKey(text: string): Result<Uint8Array, string> {
  const match = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/.exec(text);
  if (match === null) return err("it holds no private key in PEM format");
  const [, label, body = ""] = match;
  const bytes = fromBase64(body);
  if (label === "ENCRYPTED PRIVATE KEY") return err(ENCRYPTED);
  if (bytes === undefined) return err("the text between its BEGIN and END lines is no base64");
  if (label === "PRIVATE KEY") return fromPkcs8(bytes);
  if (label === "OPENSSH PRIVATE KEY") return fromOpenSsh(bytes);
  return err(`it holds a "${label}"; only Ed25519 private keys are supported`);
}

const ENCRYPTED = "the key is protected by a passphrase, which a node has nobody to ask for; " +
  `"ssh-keygen -p" removes it`;

function fromPkcs8(bytes: Uint8Array): Result<Uint8Array, string> {
  const seed = PKCS8.exec(hex(bytes))?.[1];
  return seed === undefined ? err(OTHER_KIND) : ok(Uint8Array.fromHex(seed));
}

const OTHER_KIND = "the private key is not of type Ed25519";

/** PROTOCOL.key of OpenSSH: one key, its private part in a list that may be encrypted. */
function fromOpenSsh(bytes: Uint8Array): Result<Uint8Array, string> {
  const outer = new SshReader(bytes);
  const magic = outer.take(OPENSSH_MAGIC.length);
  const cipher = outer.text();
  outer.string(); // the function that derives the cipher's key
  outer.string(); // and its options
  const count = outer.number();
  outer.string(); // the public key, which follows from the private one
  const list = outer.string();
  if (magic === undefined || new TextDecoder().decode(magic) !== OPENSSH_MAGIC) return err(DAMAGED);
  if (list === undefined || count !== 1) return err(DAMAGED);
  if (cipher !== "none") return err(ENCRYPTED);
  const inner = new SshReader(list);
  const [check, again] = [inner.number(), inner.number()];
  if (check === undefined || check !== again) return err(DAMAGED);
  if (inner.text() !== ED25519) return err(OTHER_KIND);
  inner.string(); // the public key once more
  const pair = inner.string();
  return pair?.length === 2 * KEY_BYTES ? ok(pair.slice(0, KEY_BYTES)) : err(DAMAGED);
}

const DAMAGED = "the OpenSSH private key in it is cut short or damaged";
