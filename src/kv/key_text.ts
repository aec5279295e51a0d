/**
 * Keys as strings of one character per byte, so that the engine's own string comparison orders
 * them by byte value and the index needs no comparator of ours.
 */

import { latin1Text } from "../base/mod.ts";

export function keyText(key: Uint8Array): string {
  return latin1Text(key);
}

export function keyBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
