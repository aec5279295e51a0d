/**
 * The list of who is authorised, in the format of OpenSSH's `authorized_keys`: a public key on each
 * line, and behind it the node that it belongs to. A node may have several keys, as it does while
 * one replaces another; empty lines and those that begin with `#` are comments.
 */

import { bytesEqual, err, ok, type Result } from "../base/mod.ts";
import { parsePublicKey, type PublicKey } from "./public_key.ts";

/** The largest file that is read as such a list. */
export const AUTHORISED_KEYS_BYTES_MAX = 1024 * 1024;

export type AuthorisedKey = {
  /** The node's identity. */
  readonly node: string;
  readonly key: PublicKey;
  /** Where it stands, from 1 on. */
  readonly line: number;
};

/** All keys, or what is wrong: one sentence for each line, with its number. */
export function parseAuthorisedKeys(
  text: string,
): Result<AuthorisedKey[], { readonly line: number; readonly reason: string }[]> {
  const keys: AuthorisedKey[] = [];
  const errors: { line: number; reason: string }[] = [];
  for (const [at, content] of text.split("\n").entries()) {
    const line = at + 1;
    if (content.trim() === "" || content.trimStart().startsWith("#")) continue;
    const parsed = parsePublicKey(content);
    const reason = parsed.ok ? objection(parsed.value, keys) : parsed.error;
    if (reason !== null) errors.push({ line, reason });
    else if (parsed.ok) keys.push({ node: nodeOf(parsed.value), key: parsed.value, line });
  }
  return errors.length === 0 ? ok(keys) : err(errors);
}

/** The first word of the comment; people may write more behind it. */
function nodeOf({ comment }: PublicKey): string {
  return comment.split(/\s/, 1)[0] as string;
}

function objection(key: PublicKey, before: readonly AuthorisedKey[]): string | null {
  if (key.comment === "") {
    return "behind the key stands the identity of its node, and there is none";
  }
  const same = before.find((one) => bytesEqual(one.key.bytes, key.bytes));
  if (same === undefined) return null;
  return `the key stands on line ${same.line} already, for ${same.node}`;
}
