/**
 * Keys as strings of one character per byte, where a map or a tree of the engine's is to find them:
 * the engine's own comparison of strings orders them by byte value.
 */

import { latin1Text } from "../base/mod.ts";

export function keyText(key: Uint8Array): string {
  return latin1Text(key);
}

export function keyBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
