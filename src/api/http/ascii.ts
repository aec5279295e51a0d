/**
 * HTTP's text is ASCII, so the hot path compares and converts bytes without a text decoder.
 */

const CR = 0x0d;
const LF = 0x0a;

/** tchar of RFC 9110 §5.6.2: what methods and field names consist of. */
const TOKEN = byteSet((byte) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte)));

/**
 * What may stand in a line: visible ASCII, space, tab, and bytes from 0x80, which have no meaning
 * here. Every other control byte ends the scan of a line, so a NUL or a bare LF cannot slip through.
 */
const LINE = byteSet((byte) => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f));

/** Visible ASCII without "#": fragments are never sent (RFC 9112 §3.2). */
const TARGET = byteSet((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x23);

/** What a host with its port consists of; above all no "@", "/" or "," (RFC 9110 §7.2). */
const HOST = byteSet((byte) => /[0-9A-Za-z.\-_~%:[\]]/.test(String.fromCharCode(byte)));

/** Where the token that starts at `at` ends. */
export function tokenEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && TOKEN[bytes[at] as number] === 1) at++;
  return at;
}

export function isTarget(bytes: Uint8Array, at: number, end: number): boolean {
  while (at < end && TARGET[bytes[at] as number] === 1) at++;
  return at === end;
}

export function isHost(bytes: Uint8Array, at: number, end: number): boolean {
  while (at < end && HOST[bytes[at] as number] === 1) at++;
  return at === end;
}

/**
 * Looks for CR LF from `at` on: the offset of the CR, `MORE` when the bytes ended before, `BAD`
 * when a control byte stands where none may, a CR without LF and a LF without CR among them.
 */
export function lineEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && LINE[bytes[at] as number] === 1) at++;
  if (at === end) return MORE;
  if (bytes[at] !== CR) return BAD;
  if (at + 1 === end) return MORE;
  return bytes[at + 1] === LF ? at : BAD;
}

const MORE = -1;
export const BAD = -2;

/** Compares with `lower`, which is in lower case, letters in either case being equal. */
export function equalsIgnoreCase(
  bytes: Uint8Array,
  start: number,
  end: number,
  lower: string,
): boolean {
  if (end - start !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    const byte = bytes[start + i] as number;
    const folded = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (folded !== lower.charCodeAt(i)) return false;
  }
  return true;
}

/** Whether `text` stands at `at`, wholly before `end`. */
export function startsWith(
  bytes: Uint8Array,
  at: number,
  end: number,
  text: string,
): boolean {
  if (end - at < text.length) return false;
  for (let i = 0; i < text.length; i++) {
    if (bytes[at + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** The value of a hexadecimal digit, or -1. */
export function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

/**
 * The decimal number in [start, end), or -1 when it is empty, signed, in any way decorated, or
 * beyond 15 digits, up to which a number is exact.
 */
export function decimal(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > 15) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function byteSet(contains: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => contains(byte) ? 1 : 0);
}
