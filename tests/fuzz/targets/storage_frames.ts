/**
 * Makes the checks of changed storage frames fit again, wherever their magic number stands, and
 * now and then their chain, so that what stands inside is read.
 */

import { FRAME_KINDS, HEADER_BYTES, zeroSectors } from "../../../src/storage/frame.ts";
import { recordsSeed } from "../../../src/storage/segment.ts";
import { hash } from "../../storage/support.ts";
import type { SeededRandom } from "../../support/seeded_random.ts";

const MAGIC = 0x4156454b;

export function repairStorageFrames(
  bytes: Uint8Array,
  directory: Uint8Array,
  random: SeededRandom,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const chained = random.chance(1, 2);
  const spared = random.chance(1, 4) ? random.below(6) : -1; // one frame may stay damaged
  let previous: { check: number; sequence: number; end: number } | undefined;
  for (let at = 0, number = 0; at + HEADER_BYTES <= bytes.length;) {
    if (view.getUint32(at, true) !== MAGIC) {
      at++;
      continue;
    }
    const end = at + HEADER_BYTES + Math.ceil(view.getUint32(at + 8, true) / 8) * 8;
    if (chained && previous?.end === at) {
      view.setUint32(at + 12, previous.check, true);
      view.setUint32(at + 16, previous.sequence + 1, true);
    }
    const seed = bytes[at + 4] === FRAME_KINDS.records ? recordsSeed(hash, directory) : 0;
    if (number++ !== spared) repair(bytes, { at, end: Math.min(end, bytes.length), seed });
    const check = view.getUint32(at + 28, true);
    previous = { check, sequence: view.getUint32(at + 16, true), end };
    at = end > bytes.length ? at + HEADER_BYTES : end;
  }
}

function repair(bytes: Uint8Array, frame: { at: number; end: number; seed: number }): void {
  const { at, end, seed } = frame;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setUint16(at + 6, zeroSectors(bytes.subarray(at, end), 0), true);
  view.setUint32(at + 24, hash.crc32(bytes.subarray(at + HEADER_BYTES, end), seed), true);
  view.setUint32(at + 28, hash.crc32(bytes.subarray(at, at + HEADER_BYTES - 4), seed), true);
}
