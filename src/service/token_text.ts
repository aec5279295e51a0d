/**
 * Tokens as text and as bytes. The text is for the client alone; the cluster keeps what can check
 * it, and cannot tell it.
 *
 * ```
 * text     keva_ id _ secret     id: 12 hexadecimal digits; secret: 32 random bytes in base64url
 * record   version u8 (1), id, created at u64 (ms since 1970), roles: count u8, each a text,
 *          salt, SHA-256 of the salt and the text
 * ```
 *
 * Texts are preceded by their length as u16, salt and hash as u32.
 */

import {
  ByteWriter,
  concat,
  decode,
  DecodeError,
  type Hash,
  hex,
  limits,
  type Random,
  type Result,
  Secret,
  utf8,
} from "../base/mod.ts";
import { isName } from "../access/mod.ts";

const VERSION = 1;
const ID_BYTES = 6;
const SECRET_BYTES = 32;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const TEXT = /^keva_([0-9a-z]{12})_[A-Za-z0-9_-]{43}$/;
const ID = /^[0-9a-f]{12}$/;

/** What checks a token. */
export type TokenCheck = {
  /** The part of the text that is no secret. */
  readonly id: string;
  readonly createdAtMs: number;
  readonly roles: readonly string[];
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
};

export function newTokenId(random: Random): string {
  return hex(random.bytes(ID_BYTES));
}

export function newTokenText(id: string, random: Random): Secret {
  const secret = random.bytes(SECRET_BYTES).toBase64({ alphabet: "base64url", omitPadding: true });
  return new Secret(`keva_${id}_${secret}`);
}

/** The id of the token that `text` looks like, or null. */
export function tokenIdOf(text: string): string | null {
  return TEXT.exec(text)?.[1] ?? null;
}

export function saltedHash(
  text: Secret,
  { random, hash }: { random: Random; hash: Hash },
): Pick<TokenCheck, "salt" | "hash"> {
  const salt = random.bytes(SALT_BYTES);
  return { salt, hash: digest(text.reveal(), salt, hash) };
}

/** Takes as long for a text that begins like the right one as for any other. */
export function isTokenText(text: string, check: TokenCheck, hash: Hash): boolean {
  return hash.equal(digest(text, check.salt, hash), check.hash);
}

export function encodeTokenCheck(check: TokenCheck): Uint8Array {
  const writer = new ByteWriter().u8(VERSION).text(check.id).u64(check.createdAtMs);
  writer.u8(check.roles.length);
  for (const role of check.roles) writer.text(role);
  return writer.bytes(check.salt).bytes(check.hash).finish();
}

/** Salt and hash are views of `bytes`. */
export function decodeTokenCheck(bytes: Uint8Array): Result<TokenCheck, string> {
  return decode(bytes, (reader) => {
    reader.tag([VERSION], "version of a token");
    const id = reader.text();
    if (!ID.test(id)) throw new DecodeError("id of a token");
    const createdAtMs = reader.u64();
    const roles: string[] = [];
    for (let left = reader.u8(); left > 0; left--) roles.push(reader.text());
    if (roles.length > limits.rolesPerTokenMax || !roles.every(isName)) {
      throw new DecodeError("roles of a token");
    }
    const salt = reader.bytes();
    const hash = reader.bytes();
    if (salt.length !== SALT_BYTES || hash.length !== HASH_BYTES) throw new DecodeError("hash");
    return { id, createdAtMs, roles, salt, hash };
  });
}

function digest(text: string, salt: Uint8Array, hash: Hash): Uint8Array {
  return hash.sha256(concat([salt, utf8(text)]));
}
