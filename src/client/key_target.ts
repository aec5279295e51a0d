/**
 * The request target of a key: the exact bytes, through URL parsers that would like to tidy them.
 */

import type { Bytes } from "./types.ts";

const KEY_ROUTE = "/v1/storage/key/";
const UNRESERVED = /[A-Za-z0-9_~.-]/;

/**
 * Every byte that is not an unreserved character is percent-encoded, the slash included: within
 * one path segment `..` is safe. Only a key that is `.` or `..` as a whole cannot be written as a
 * path: URL parsers resolve it even as `%2E%2E`. It travels as a base64 parameter instead.
 */
export function keyTarget(key: Uint8Array): string {
  let path = "";
  for (const byte of key) {
    const char = String.fromCharCode(byte);
    path += UNRESERVED.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  if (path === ".") return `${KEY_ROUTE}?key64=Lg`;
  if (path === "..") return `${KEY_ROUTE}?key64=Li4`;
  return KEY_ROUTE + path;
}

/** A parameter that holds these bytes, as text or, under the same name with 64, in base64url. */
export function bytesParameter(name: string, bytes: Bytes | undefined): Record<string, string> {
  if (bytes === undefined) return {};
  if (typeof bytes === "string") return { [name]: encodeURIComponent(bytes) };
  const base64 = btoa(String.fromCharCode(...bytes));
  const base64url = base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return { [`${name}64`]: base64url };
}
