/**
 * Keys as arguments: UTF-8 text, or any bytes in base64 or hexadecimal.
 */

import { Option } from "@commander-js/extra-typings";
import { limits, utf8 } from "../base/mod.ts";
import { usageError } from "./error.ts";

export type KeyOptions = { readonly keyBase64?: true; readonly keyHex?: true };

export function keyBase64Option(name = "KEY") {
  return new Option("--key-base64", `${name} is base64 of the key's bytes`).conflicts("keyHex");
}

export function keyHexOption(name = "KEY") {
  return new Option("--key-hex", `${name} is hexadecimal of the key's bytes`);
}

export function parseKey(text: string, options: KeyOptions): Uint8Array {
  const key = parsePrefix(text, options);
  if (key.length === 0) throw usageError("the key is empty; a key has at least one byte");
  return key;
}

/** What keys begin with; empty for all of them. */
export function parsePrefix(text: string, options: KeyOptions): Uint8Array {
  const key = keyBytes(text, options);
  if (key.length > limits.keyBytesMax) {
    throw usageError(`the key has ${key.length} bytes; at most ${limits.keyBytesMax} are allowed`);
  }
  return key;
}

function keyBytes(text: string, options: KeyOptions): Uint8Array {
  try {
    if (options.keyBase64) return Uint8Array.fromBase64(text);
    if (options.keyHex) return Uint8Array.fromHex(text);
  } catch {
    throw usageError(`the key is not valid ${options.keyBase64 ? "base64" : "hexadecimal"}`);
  }
  if (!text.isWellFormed()) throw usageError("the key is not valid text; use --key-base64");
  return utf8(text);
}
