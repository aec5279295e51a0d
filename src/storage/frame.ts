/**
 * The one frame codec of WAL segments, snapshot files and the identity. A frame is what becomes
 * durable at once; it verifies by itself, and names the check of the frame before it.
 *
 * ```
 *   0        4     5     6        8        12         16         24        28        32
 *   | "KEVA" | kind| ver.| zeros  | length | previous | sequence | payload | header  | payload …
 *   |  u32   | u8  | u8  | u16    | u32    | u32      | u64      | check   | check   | padded to 8
 * ```
 *
 * Checks are CRC-32 continued from a seed. `zeros` counts the 512-byte sectors that are zero
 * because zeros were written: recovery tells by it whether a sector never reached the device.
 */

import { assert, ByteWriter, type Hash } from "../base/mod.ts";

export const FORMAT_VERSION = 1;
export const HEADER_BYTES = 32;
const SECTOR_BYTES = 512;
const ALIGNMENT = 8;
/** "KEVA". */
const MAGIC = 0x4156454b;
/** `zeros` must be able to count every sector. */
export const FRAME_BYTES_MAX = 0xffff * SECTOR_BYTES;

export const FRAME_KINDS = {
  segment: 1,
  records: 2,
  snapshot: 3,
  block: 4,
  trailer: 5,
  identity: 6,
} as const;
export type FrameKind = keyof typeof FRAME_KINDS;
const KIND_NAMES = Object.keys(FRAME_KINDS) as FrameKind[];

export type FrameHeader = {
  readonly kind: FrameKind | number;
  readonly version: number;
  readonly zeros: number;
  readonly lengthBytes: number;
  readonly previous: number;
  readonly sequence: number;
  readonly payloadCheck: number;
  /** Covers the payload check, so it stands for the whole frame: the next frame repeats it. */
  readonly check: number;
};

export type Frame = {
  readonly header: FrameHeader;
  /** A view without the padding. */
  readonly payload: Uint8Array;
  readonly endOffset: number;
};

/** Writes the payload, then the header around it, in one buffer that is used again and again. */
export class FrameWriter {
  readonly payload: ByteWriter = new ByteWriter(4096);
  readonly #hash: Hash;

  constructor(hash: Hash) {
    this.#hash = hash;
    this.begin();
  }

  /** Bytes of payload so far. */
  get lengthBytes(): number {
    return this.payload.length - HEADER_BYTES;
  }

  begin(): ByteWriter {
    this.payload.reset();
    for (let word = 0; word < HEADER_BYTES / 4; word++) this.payload.u32(0);
    return this.payload;
  }

  /** The frame as it will stand at byte `offset` of its file; valid until the next `begin`. */
  seal(
    place: {
      kind: FrameKind;
      sequence: number;
      previous: number;
      offset: number;
      seed: number;
    },
  ): { bytes: Uint8Array; check: number } {
    const { kind, sequence, previous, offset, seed } = place;
    const lengthBytes = this.lengthBytes;
    const writer = this.payload.pad(ALIGNMENT);
    const bytes = writer.view();
    assert(bytes.length <= FRAME_BYTES_MAX, `a frame of ${bytes.length} bytes`);
    assert(offset % ALIGNMENT === 0, `frames are aligned, not at ${offset}`);
    const zeros = zeroSectors(bytes, offset);
    writer.patchU32(0, MAGIC);
    writer.patchU32(4, (FRAME_KINDS[kind] | (FORMAT_VERSION << 8) | (zeros << 16)) >>> 0);
    writer.patchU32(8, lengthBytes);
    writer.patchU32(12, previous);
    writer.patchU32(16, sequence % 2 ** 32);
    writer.patchU32(20, Math.floor(sequence / 2 ** 32));
    writer.patchU32(24, this.#hash.crc32(bytes.subarray(HEADER_BYTES), seed));
    const check = this.#hash.crc32(bytes.subarray(0, HEADER_BYTES - 4), seed);
    writer.patchU32(28, check);
    return { bytes, check };
  }
}

/**
 * - `cut`: the bytes end inside the header or the payload.
 * - `header`, `payload`: all bytes are there, but their check fails.
 * - `newer`: sound, but of a version that this code does not know.
 */
export type Damage = "cut" | "header" | "payload" | "newer";

export type ParsedFrame =
  | { readonly state: "sound"; readonly frame: Frame }
  | { readonly state: Damage; readonly header?: FrameHeader };

/** Reads the frame at `offset`. Any bytes are fine; nothing is allocated by what they claim. */
export function parseFrame(
  bytes: Uint8Array,
  offset: number,
  options: { hash: Hash; seed: number },
): ParsedFrame {
  const { hash, seed } = options;
  if (bytes.length - offset < HEADER_BYTES) return { state: "cut" };
  const header = parseHeader(bytes, offset, options);
  if (header === undefined) return { state: "header" };
  const start = offset + HEADER_BYTES;
  const endOffset = start + padded(header.lengthBytes);
  if (endOffset > bytes.length) return { state: "cut", header };
  if (hash.crc32(bytes.subarray(start, endOffset), seed) !== header.payloadCheck) {
    return { state: "payload", header };
  }
  if (header.version > FORMAT_VERSION) return { state: "newer", header };
  const payload = bytes.subarray(start, start + header.lengthBytes);
  return { state: "sound", frame: { header, payload, endOffset } };
}

/** The header at `offset`, if its check holds. */
export function parseHeader(
  bytes: Uint8Array,
  offset: number,
  options: { hash: Hash; seed: number },
): FrameHeader | undefined {
  if (bytes.length - offset < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, HEADER_BYTES);
  if (view.getUint32(0, true) !== MAGIC) return undefined;
  const check = view.getUint32(28, true);
  const covered = bytes.subarray(offset, offset + HEADER_BYTES - 4);
  if (options.hash.crc32(covered, options.seed) !== check) return undefined;
  const kind = view.getUint8(4);
  return {
    kind: KIND_NAMES[kind - 1] ?? kind,
    version: view.getUint8(5),
    zeros: view.getUint16(6, true),
    lengthBytes: view.getUint32(8, true),
    previous: view.getUint32(12, true),
    sequence: view.getUint32(20, true) * 2 ** 32 + view.getUint32(16, true),
    payloadCheck: view.getUint32(24, true),
    check,
  };
}

/** What a frame with this payload occupies in its file. */
export function frameBytes(lengthBytes: number): number {
  return HEADER_BYTES + padded(lengthBytes);
}

function padded(lengthBytes: number): number {
  return Math.ceil(lengthBytes / ALIGNMENT) * ALIGNMENT;
}

/**
 * The sectors of a frame at byte `offset` of its file that hold nothing but zeros. Sectors that
 * hold a part of the header do not count: their presence shows by the header's own check.
 */
export function zeroSectors(frame: Uint8Array, offset: number): number {
  let count = 0;
  const first = Math.ceil((offset + HEADER_BYTES) / SECTOR_BYTES) * SECTOR_BYTES - offset;
  for (let at = first; at < frame.length; at += SECTOR_BYTES) {
    if (allZero(frame, at, Math.min(at + SECTOR_BYTES, frame.length))) count++;
  }
  return count;
}

/** Whether a sector that holds a part of the header at `offset` reads as zero in that part. */
export function headerSectorMissing(bytes: Uint8Array, offset: number): boolean {
  const end = offset + HEADER_BYTES;
  const border = Math.ceil((offset + 1) / SECTOR_BYTES) * SECTOR_BYTES;
  if (border >= end) return allZero(bytes, offset, end);
  return allZero(bytes, offset, border) || allZero(bytes, border, end);
}

export function allZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== 0) return false;
  return true;
}
