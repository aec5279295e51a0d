/**
 * From a raw target to a key and query parameters. No URL class comes near it: `new URL` would
 * resolve "..", fold "//" and re-encode, and two different keys would become one.
 *
 * The key is all that follows KEY_PREFIX up to the first "?", with each %XX replaced by its byte.
 *
 * | target rest     | key                  |     | target rest | answer                         |
 * | --------------- | -------------------- | --- | ----------- | ------------------------------ |
 * | `a`, `%61`      | `a`                  |     | (nothing)   | 400 keyEmpty                   |
 * | `a/b`, `a%2Fb`  | `a/b`                |     | `%`, `%4`   | 400 badTarget                  |
 * | `a//b`, `/`     | `a//b`, `/`          |     | `%zz`       | 400 badTarget                  |
 * | `..`, `%2e%2E`  | `..`                 |     | `ä` as raw  | 400 badTarget: encode as `%..` |
 * | `a+b`           | `a+b`                |     | `a#b`       | 400 badTarget: encode as `%23` |
 * | `a%20b`         | `a b`                |     | `a b`       | 400 malformedRequest           |
 * | `%00`, `%ff`    | the byte 00, ff      |     | `a?key64=`  | 400 parameterInvalid           |
 * | `\`             | `\`                  |     | `?key64=.`  | 400 parameterInvalid           |
 * | `?key64=Li4`    | `..`                 |     |             |                                |
 *
 * `key64`, unpadded base64url behind an empty path, is for clients whose own URL parser resolves
 * `.` and `..` before anything is sent, as every browser's does.
 */

import { err, latin1Text, ok, printableText, type Result } from "../../base/mod.ts";
import { refusal, type ServiceError } from "../../service/mod.ts";
import { hexDigit, startsWith } from "./ascii.ts";

export const KEY_PREFIX = "/v1/storage/key/";
/** With what the path of a route ends that takes the rest of a target as it is. */
export const REST = "{key}";

const PERCENT = 0x25;
const QUESTION = 0x3f;

export type Parameters = ReadonlyMap<string, string>;

export type KeyTarget = { readonly key: Uint8Array; readonly parameters: Parameters };

const NO_PARAMETERS: Parameters = new Map();
const BROKEN_ESCAPE = refusal("badTarget", "A % is not followed by two hex digits.");
const KEY64 = "key64";

export function isKeyTarget(target: Uint8Array): boolean {
  return startsWith(target, 0, target.length, KEY_PREFIX);
}

/**
 * Decodes a target for which {@link isKeyTarget} holds, and whose parameters must be among `known`.
 * The key is a copy.
 */
export function parseKeyTarget(
  target: Uint8Array,
  known: readonly string[],
): Result<KeyTarget, ServiceError> {
  const start = KEY_PREFIX.length;
  let end = start;
  let escapes = 0;
  for (; end < target.length && target[end] !== QUESTION; end++) {
    if (target[end] === PERCENT) escapes++;
  }
  const key = escapes === 0 ? target.slice(start, end) : unescape(target, start, end, escapes);
  if (key === null) return err(BROKEN_ESCAPE);
  if (end === target.length) return ok({ key, parameters: NO_PARAMETERS });
  const parameters = parseQuery(latin1Text(target, end + 1, target.length), [...known, KEY64]);
  if (!parameters.ok) return parameters;
  const encoded = parameters.value.get(KEY64);
  return encoded === undefined
    ? ok({ key, parameters: parameters.value })
    : decodeKey64(key, encoded, parameters.value);
}

/** The bytes behind the fixed part of a target whose route ends in `{key}`, and its parameters. */
export function parsePathRest(
  target: Uint8Array,
  route: string,
  known: readonly string[] = [],
): Result<{ readonly rest: Uint8Array; readonly parameters: Parameters }, ServiceError> {
  const start = route.length - REST.length;
  const mark = target.indexOf(QUESTION, start);
  const end = mark < 0 ? target.length : mark;
  const parameters = parseQuery(latin1Text(target, end + 1, target.length), known);
  if (!parameters.ok) return parameters;
  const escapes = target.subarray(start, end).filter((byte) => byte === PERCENT).length;
  const rest = unescape(target, start, end, escapes);
  return rest === null ? err(BROKEN_ESCAPE) : ok({ rest, parameters: parameters.value });
}

function decodeKey64(
  pathKey: Uint8Array,
  encoded: string,
  parameters: Parameters,
): Result<KeyTarget, ServiceError> {
  const wrong = (detail: string) => err(refusal("parameterInvalid", detail));
  if (pathKey.length > 0) return wrong("The key stands in the path or in key64, not in both.");
  try {
    const key = Uint8Array.fromBase64(encoded, { alphabet: "base64url" });
    // Padding, spaces and stray bits would be further spellings of the same key.
    const canonical = key.toBase64({ alphabet: "base64url", omitPadding: true });
    if (canonical === encoded) return ok({ key, parameters });
  } catch {
    // Not base64 at all: the same answer.
  }
  return wrong("key64 is not unpadded base64url.");
}

/** Path and query of any target, the path as it was sent: routes are compared literally. */
export function splitTarget(target: Uint8Array): { path: string; query: string } {
  const text = latin1Text(target);
  const mark = text.indexOf("?");
  return mark < 0
    ? { path: text, query: "" }
    : { path: text.slice(0, mark), query: text.slice(mark + 1) };
}

/**
 * The parameters of `query`, each of which must be in `known`, at most once. A "+" is a plus sign,
 * as in the path.
 */
export function parseQuery(
  query: string,
  known: readonly string[],
): Result<Parameters, ServiceError> {
  const parameters = new Map<string, string>();
  for (const part of query.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = unescapeText(equals < 0 ? part : part.slice(0, equals));
    const value = unescapeText(equals < 0 ? "" : part.slice(equals + 1));
    if (name === null || value === null) {
      return err(refusal("badTarget", "The query is not percent-encoded UTF-8."));
    }
    if (parameters.has(name)) {
      return err(refusal("parameterInvalid", `${quote(name)} is given twice.`));
    }
    parameters.set(name, value);
  }
  return checkNames(parameters, known);
}

function checkNames(
  parameters: Parameters,
  known: readonly string[],
): Result<Parameters, ServiceError> {
  const unknown = [...parameters.keys()].filter((name) => !known.includes(name));
  if (unknown.length === 0) return ok(parameters);
  const names = unknown.map(quote).join(", ");
  const allowed = known.length === 0 ? "none" : known.join(", ");
  return err(refusal("parameterUnknown", `Unknown: ${names}. Known here: ${allowed}.`));
}

/** Text of the caller for an error message: short, on one line, harmless on a terminal. */
export function quote(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return `"${printableText(short)}"`;
}

/** Null when an escape is broken. `escapes` counts the percent signs. */
function unescape(
  bytes: Uint8Array,
  start: number,
  end: number,
  escapes: number,
): Uint8Array | null {
  const out = new Uint8Array(Math.max(0, end - start - 2 * escapes));
  let length = 0;
  for (let at = start; at < end; at++) {
    let byte = bytes[at] as number;
    if (byte === PERCENT) {
      if (at + 2 >= end) return null;
      const high = hexDigit(bytes[at + 1] as number);
      const low = hexDigit(bytes[at + 2] as number);
      if (high < 0 || low < 0) return null;
      byte = high * 16 + low;
      at += 2;
    }
    out[length++] = byte;
  }
  return out;
}

function unescapeText(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
