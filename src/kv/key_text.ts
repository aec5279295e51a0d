/**
 * Keys as strings of one character per byte, so that the engine's own string comparison orders
 * them by byte value and the index needs no comparator of ours.
 */

/** Longest piece that is passed as arguments at once. */
const PIECE = 4096;

export function keyText(key: Uint8Array): string {
  if (key.length <= PIECE) return String.fromCharCode.apply(null, key as unknown as number[]);
  let text = "";
  for (let at = 0; at < key.length; at += PIECE) text += keyText(key.subarray(at, at + PIECE));
  return text;
}

export function keyBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
