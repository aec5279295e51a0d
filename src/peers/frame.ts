/**
 * Frames on a byte stream: where one ends and the next begins, and that each arrived whole.
 *
 * ```
 * length u32   bytes that follow this field
 * check u32    CRC-32 of kind and body
 * kind u8
 * body
 * ```
 */

import { assert, ByteWriter, err, type Hash, ok, type Result } from "../base/mod.ts";

const FRAME_HEADER_BYTES = 9;
/**
 * Frames without a body by which the two ends of a link know each other alive: the sender pings
 * once per interval, behind what it has to say; the receiver answers each interval in which any
 * byte arrived, so that it is heard in the middle of a large frame too.
 */
export const PING = 4;
export const PONG = 5;
/**
 * A frame without a body: the last that its sender says on this connection. It goes on on another
 * one, which was greeted as a renewal.
 */
export const MOVED = 6;
const LENGTH_BYTES = 4;
/** Buffer of a stream: grows for a larger frame, and shrinks again once it is past this. */
const BUFFER_BYTES = 64 * 1024;
const BUFFER_KEPT_BYTES_MAX = 1024 * 1024;
/** A read is offered at least this much, unless the limit on frames is smaller. */
const SPACE_BYTES = 16 * 1024;

export type Frame = { readonly kind: number; readonly body: Uint8Array };

/** Appends one frame; `writeBody` writes its body. */
export function writeFrame(
  writer: ByteWriter,
  hash: Hash,
  kind: number,
  writeBody: (writer: ByteWriter) => void,
): void {
  const start = writer.length;
  writer.u32(0).u32(0).u8(kind);
  writeBody(writer);
  writer.patchU32(start, writer.length - start - LENGTH_BYTES);
  const checked = writer.view().subarray(start + FRAME_HEADER_BYTES - 1);
  writer.patchU32(start + LENGTH_BYTES, hash.crc32(checked));
}

/**
 * Cuts a stream into frames. Memory grows with the bytes that have arrived, never with a length
 * that a header claims, and not past one frame of `frameBytesMax`. Call `next` until it gives null
 * before asking for more `space`.
 */
export class FrameReader {
  readonly #hash: Hash;
  #frameBytesMax: number;
  #buffer: Uint8Array;
  #start = 0;
  #end = 0;

  constructor(hash: Hash, frameBytesMax: number) {
    this.#hash = hash;
    this.#frameBytesMax = frameBytesMax;
    this.#buffer = new Uint8Array(Math.min(BUFFER_BYTES, LENGTH_BYTES + frameBytesMax));
  }

  /** The other side has proven who it is: larger frames are allowed from now on. */
  raiseLimit(frameBytesMax: number): void {
    this.#frameBytesMax = frameBytesMax;
  }

  /** Where the next bytes of the stream may be put; tell `filled` how many were. */
  space(): Uint8Array {
    if (this.#start === this.#end) {
      this.#start = this.#end = 0;
      if (this.#buffer.length > BUFFER_KEPT_BYTES_MAX) this.#buffer = new Uint8Array(BUFFER_BYTES);
    }
    if (this.#buffer.length - this.#end < SPACE_BYTES) this.#makeRoom();
    return this.#buffer.subarray(this.#end);
  }

  filled(bytes: number): void {
    assert(bytes >= 0 && this.#end + bytes <= this.#buffer.length, "no more than there is space");
    this.#end += bytes;
  }

  /** The next frame, null when more bytes are needed, or why the stream cannot be trusted. */
  next(): Result<Frame | null, string> {
    const there = this.#end - this.#start;
    if (there < FRAME_HEADER_BYTES) return ok(null);
    const view = new DataView(this.#buffer.buffer, this.#start, FRAME_HEADER_BYTES);
    const length = view.getUint32(0, true);
    if (length < FRAME_HEADER_BYTES - LENGTH_BYTES || length > this.#frameBytesMax) {
      return err(`frame of ${length} bytes, allowed are ${this.#frameBytesMax}`);
    }
    if (there < LENGTH_BYTES + length) return ok(null);
    const end = this.#start + LENGTH_BYTES + length;
    const checked = this.#buffer.subarray(this.#start + FRAME_HEADER_BYTES - 1, end);
    if (this.#hash.crc32(checked) !== view.getUint32(LENGTH_BYTES, true)) {
      return err("frame check does not match");
    }
    this.#start = end;
    // A copy, because entries are kept as views of it while this buffer goes on to be reused.
    return ok({ kind: checked[0] as number, body: checked.slice(1) });
  }

  /** Twice what is pending: copying stays linear, and memory in proportion to what has arrived. */
  #makeRoom(): void {
    const pending = this.#buffer.subarray(this.#start, this.#end);
    const wanted = Math.max(BUFFER_BYTES, 2 * pending.length);
    const capacity = Math.min(wanted, LENGTH_BYTES + this.#frameBytesMax);
    if (capacity > this.#buffer.length) this.#buffer = new Uint8Array(capacity);
    this.#buffer.set(pending); // within one buffer this moves, as memmove does
    this.#end = pending.length;
    this.#start = 0;
  }
}

/** A frame that says only its kind. */
export function encodeBare(hash: Hash, kind: number): Uint8Array {
  const writer = new ByteWriter(FRAME_HEADER_BYTES);
  writeFrame(writer, hash, kind, () => {});
  return writer.finish();
}
