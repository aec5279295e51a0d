/** Public keys: `ssh-ed25519 AAAA… host1`, as in OpenSSH's `.pub` and `authorized_keys` files. */

import { concat, err, type Hash, ok, printableText, type Result, utf8 } from "../base/mod.ts";
import { ED25519, KEY_BYTES, SshReader, sshString } from "./ssh_wire.ts";

export type PublicKey = {
  /** 32 bytes. */
  readonly bytes: Uint8Array;
  /** What stands behind the key; for people, or the node that it belongs to. May be empty. */
  readonly comment: string;
};

const COMMENT_LENGTH_MAX = 255;

export function publicKeyLine({ bytes, comment }: PublicKey): string {
  return `${ED25519} ${blob(bytes).toBase64()} ${comment}`.trimEnd();
}

/** `SHA256:…`, by which people compare keys; what `ssh-keygen -l` prints. */
export function fingerprint(hash: Hash, { bytes }: PublicKey): string {
  return `SHA256:${hash.sha256(blob(bytes)).toBase64({ omitPadding: true })}`;
}

/** The key on one line, or one sentence on why there is none. */
export function parsePublicKey(line: string): Result<PublicKey, string> {
  const [type = "", encoded, ...rest] = line.trim().split(/[ \t]+/);
  if (type !== ED25519) return err(otherType(type));
  if (encoded === undefined) return err(`behind ${ED25519} the key itself is missing`);
  const comment = rest.join(" ");
  if (!isComment(comment)) {
    return err(`a comment has at most ${COMMENT_LENGTH_MAX} visible characters`);
  }
  const reader = new SshReader(fromBase64(encoded) ?? new Uint8Array(0));
  const inner = reader.text();
  const bytes = reader.string();
  if (inner !== ED25519 || bytes?.length !== KEY_BYTES || !reader.ended) {
    return err(`what stands behind ${ED25519} is no such key: it is cut short or mistyped`);
  }
  return ok({ bytes: bytes.slice(), comment });
}

/** Whether `text` may stand behind a key: one line, and nothing that drives a terminal. */
export function isComment(text: string): boolean {
  return text.length <= COMMENT_LENGTH_MAX && !/[\r\n]/.test(text) && printableText(text) === text;
}

function blob(key: Uint8Array): Uint8Array {
  return concat([sshString(utf8(ED25519)), sshString(key)]);
}

function otherType(type: string): string {
  if (/^(ssh|ecdsa|sk)-/.test(type)) {
    return `the key is of type ${printableText(type)}; only ${ED25519} is supported`;
  }
  return `a public key begins with "${ED25519}"`;
}

export function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    return undefined;
  }
}
