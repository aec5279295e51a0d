/**
 * Byte helpers shared by every codec: a growing writer, a bounds-checked reader, and the two ways
 * of showing bytes to a person. Integers are little-endian; a length always stands before its bytes.
 */

import { assert } from "./assert.ts";
import { err, ok, type Result } from "./result.ts";

const encoder = new TextEncoder();
// A byte order mark is kept: a text that is read and written again must give the same bytes.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const HIGH = 2 ** 32;
/** Up to here a text of ASCII is converted in place: the runtime's converters cost more per call. */
const SHORT_TEXT = 64;
/** So many characters are made at once: each is an argument of one call. */
const CODES_MAX = 1024;
/** The least that a writer grows to. */
const CAPACITY_BYTES_MIN = 256;

export const EMPTY: Uint8Array = new Uint8Array(0);

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text, or an error when `bytes` is not valid UTF-8. */
export function fromUtf8(bytes: Uint8Array): Result<string, "invalid UTF-8"> {
  try {
    return ok(decoder.decode(bytes));
  } catch {
    return err("invalid UTF-8");
  }
}

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const all = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/**
 * Bytes as printable ASCII for logs, errors and `keva inspect`: everything else, the backslash
 * included, becomes `\xNN`, so that a key can neither forge a log line nor drive a terminal.
 */
export function printable(bytes: Uint8Array, lengthMax = 64): string {
  let text = "";
  for (const byte of bytes.subarray(0, lengthMax)) {
    text += byte >= 0x20 && byte < 0x7f && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return bytes.length > lengthMax ? `${text}… (${bytes.length} bytes)` : text;
}

/** Appends to one growing buffer. `view()` shares that buffer; `finish()` hands it over. */
export class ByteWriter {
  #buffer: Uint8Array;
  #length = 0;

  constructor(capacityBytes = CAPACITY_BYTES_MIN) {
    this.#buffer = new Uint8Array(capacityBytes);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#buffer[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    const buffer = this.#buffer;
    buffer[at] = value;
    buffer[at + 1] = value >>> 8;
    return this;
  }

  u32(value: number): this {
    return this.patchU32(this.#grow(4), value);
  }

  /** A non-negative safe integer (below 2^53) in eight bytes. */
  u64(value: number): this {
    assert(value >= 0 && Number.isSafeInteger(value), "a non-negative safe integer");
    const at = this.#grow(8);
    return this.patchU32(at, value % HIGH).patchU32(at + 4, Math.floor(value / HIGH));
  }

  /** A signed 64-bit integer in eight bytes, in two's complement. */
  i64(value: bigint): this {
    const unsigned = BigInt.asUintN(64, value);
    assert(BigInt.asIntN(64, unsigned) === value, "a signed 64-bit integer");
    return this.u32(Number(unsigned & 0xffff_ffffn)).u32(Number(unsigned >> 32n));
  }

  raw(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#buffer.set(bytes, at);
    return this;
  }

  /** Length (u32), then the bytes. */
  bytes(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  /** Length (u32), then the characters as a byte each: all of them are below 256. */
  latin1(text: string): this {
    this.u32(text.length);
    const at = this.#grow(text.length);
    const buffer = this.#buffer;
    for (let i = 0; i < text.length; i++) buffer[at + i] = text.charCodeAt(i);
    return this;
  }

  /** Length in bytes (u16), then UTF-8. */
  text(text: string): this {
    if (isShortAscii(text)) {
      this.u16(text.length);
      const at = this.#grow(text.length);
      for (let i = 0; i < text.length; i++) this.#buffer[at + i] = text.charCodeAt(i);
      return this;
    }
    const bytes = utf8(text);
    assert(bytes.length <= 0xffff, "a text whose length fits into two bytes");
    return this.u16(bytes.length).raw(bytes);
  }

  /** Zeros up to the next multiple of `alignment`. */
  pad(alignment: number): this {
    const at = this.#grow((alignment - (this.#length % alignment)) % alignment);
    this.#buffer.fill(0, at, this.#length);
    return this;
  }

  /** Overwrites four bytes written before: for lengths and checks known only at the end. */
  patchU32(at: number, value: number): this {
    setU32At(this.#buffer, at, value);
    return this;
  }

  /** What was written so far, sharing the buffer: valid until the next write. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** What was written; the writer starts over with a buffer of its own. */
  finish(): Uint8Array {
    const bytes = this.view();
    this.#buffer = EMPTY; // most writers write one thing, and never need another
    this.#length = 0;
    return bytes;
  }

  /** Starts over in the same buffer: what `view` has returned before is overwritten. */
  reset(): this {
    this.#length = 0;
    return this;
  }

  /**
   * Makes room for `size` bytes, whose content is left over, and returns where they start. Growing
   * replaces the buffer: name it after the call, never in the expression that contains it.
   */
  #grow(size: number): number {
    const at = this.#length;
    const needed = at + size;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2, CAPACITY_BYTES_MIN));
      larger.set(this.#buffer.subarray(0, at));
      this.#buffer = larger;
    }
    this.#length = needed;
    return at;
  }
}

/** Input ended early or an impossible number stood in it. Caught by the decoder that reads. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

/**
 * Reads what {@link ByteWriter} writes. Never reads past its end and never allocates by a claimed
 * length: `bytes()` returns views. Throws {@link DecodeError}, which {@link decode} turns into a
 * Result at the codec's border.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u16(): number {
    const at = this.#take(2);
    return (this.#bytes[at] as number) | ((this.#bytes[at + 1] as number) << 8);
  }

  u32(): number {
    return u32At(this.#bytes, this.#take(4));
  }

  u64(): number {
    const at = this.#take(8);
    const high = u32At(this.#bytes, at + 4);
    if (high >= 2 ** 21) throw new DecodeError(`integer past 2^53 at byte ${at}`);
    return high * HIGH + u32At(this.#bytes, at);
  }

  i64(): bigint {
    const low = BigInt(this.u32());
    return BigInt.asIntN(64, low | (BigInt(this.u32()) << 32n));
  }

  /** A view of what was not read yet. */
  get ahead(): Uint8Array {
    return this.#bytes.subarray(this.#offset);
  }

  /** A view of what was read from `offset` on. */
  since(offset: number): Uint8Array {
    return this.#bytes.subarray(offset, this.#offset);
  }

  /** A view of the next `length` bytes; it keeps the whole input alive, so copy what you store. */
  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  bytes(): Uint8Array {
    return this.raw(this.u32());
  }

  text(): string {
    const at = this.#offset;
    const length = this.u16();
    const start = this.#take(length);
    const short = shortAscii(this.#bytes, start, start + length);
    if (short !== null) return short;
    const text = fromUtf8(this.#bytes.subarray(start, start + length));
    if (!text.ok) throw new DecodeError(`${text.error} at byte ${at}`);
    return text.value;
  }

  /** A one-byte tag that must be one of `allowed`. */
  tag<T extends number>(allowed: readonly T[], what: string): T {
    const at = this.#offset;
    const tag = this.u8();
    if (!allowed.includes(tag as T)) throw new DecodeError(`unknown ${what} ${tag} at byte ${at}`);
    return tag as T;
  }

  /** Refuses trailing bytes: each input has exactly one spelling. */
  end(): void {
    if (this.remaining > 0) {
      throw new DecodeError(`${this.remaining} unexpected bytes at byte ${this.#offset}`);
    }
  }

  #take(size: number): number {
    const at = this.#offset;
    if (size > this.remaining) {
      throw new DecodeError(`${size} bytes wanted at byte ${at}, ${this.remaining} there`);
    }
    this.#offset = at + size;
    return at;
  }
}

/** Four bytes, the lowest first, as readers and writers have them. */
export function u32At(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  return (low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)) >>> 0;
}

export function setU32At(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

function isShortAscii(text: string): boolean {
  if (text.length > SHORT_TEXT) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}

/** The text that stands there, or null when it is long or not ASCII. */
function shortAscii(bytes: Uint8Array, from: number, to: number): string | null {
  if (to - from > SHORT_TEXT || !isAscii(bytes, from, to)) return null;
  return latin1Text(bytes, from, to);
}

export function isAscii(bytes: Uint8Array, from = 0, to = bytes.length): boolean {
  for (let at = from; at < to; at++) if ((bytes[at] as number) >= 0x80) return false;
  return true;
}

const codes: number[] = [];

/**
 * A character for each byte. For short texts: it costs a third of what the runtime's decoder does,
 * and less than half of a text that grows by a character at a time, a chain of as many objects.
 */
export function latin1Text(bytes: Uint8Array, from = 0, to = bytes.length): string {
  let text = "";
  for (let at = from; at < to;) {
    codes.length = Math.min(to - at, CODES_MAX);
    for (let i = 0; i < codes.length; i++) codes[i] = bytes[at++] as number;
    text += String.fromCharCode.apply(null, codes);
  }
  return text;
}

/** Runs a decoder over all of `bytes`; malformed input becomes an error that names the byte. */
export function decode<T>(bytes: Uint8Array, read: (reader: ByteReader) => T): Result<T, string> {
  const reader = new ByteReader(bytes);
  try {
    const value = read(reader);
    reader.end();
    return ok(value);
  } catch (error) {
    if (error instanceof DecodeError) return err(error.message);
    throw error;
  }
}
