/**
 * Bytes in JSON: as text where they are UTF-8, else in base64 under another name, so that a reader
 * can always tell which bytes were meant.
 */

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `{ "key": "text" }` or `{ "keyBase64": "…" }`. */
export function jsonBytes(name: string, bytes: Uint8Array): Record<string, string> {
  try {
    return { [name]: decoder.decode(bytes) };
  } catch {
    return { [`${name}Base64`]: bytes.toBase64() };
  }
}
