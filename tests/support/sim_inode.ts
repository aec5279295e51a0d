/**
 * The content of one simulated file: what programs see, what the device holds for sure, and for
 * every 512-byte sector each content that was written since, any of which a crash may leave.
 */

import type { SeededRandom } from "./seeded_random.ts";

export const SECTOR_BYTES = 512;

/** What a crash keeps of bytes that were not synced. */
export type CrashMode = "drop" | "random" | "keep";

type Version = { readonly stamp: number; readonly bytes: Uint8Array };
type Size = { readonly stamp: number; readonly sizeBytes: number };

export class SimInode {
  #bytes = new Uint8Array(0);
  #sizeBytes = 0;
  /** Counts changes, so that a sync covers exactly those before it began. */
  #stamp = 0;
  #durable = new Map<number, Uint8Array>();
  #durableSizeBytes = 0;
  #versions = new Map<number, Version[]>();
  #sizes: Size[] = [];

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get stamp(): number {
    return this.#stamp;
  }

  read(offset: number, buffer: Uint8Array): number {
    const count = Math.max(0, Math.min(buffer.length, this.#sizeBytes - offset));
    buffer.set(this.#bytes.subarray(offset, offset + count));
    return count;
  }

  write(offset: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#stamp++;
    this.#reserve(offset + bytes.length);
    this.#bytes.set(bytes, offset);
    if (offset + bytes.length > this.#sizeBytes) this.#resize(offset + bytes.length);
    this.#touch(offset, offset + bytes.length);
  }

  truncate(sizeBytes: number): void {
    this.#stamp++;
    const before = this.#sizeBytes;
    this.#reserve(sizeBytes);
    this.#bytes.fill(0, Math.min(before, sizeBytes), Math.max(before, sizeBytes));
    this.#resize(sizeBytes);
    this.#touch(Math.min(before, sizeBytes), Math.max(before, sizeBytes));
  }

  /** Everything up to change `stamp` is on the device. */
  makeDurable(stamp: number): void {
    for (const [sector, versions] of this.#versions) {
      const covered = versions.filter((version) => version.stamp <= stamp);
      const last = covered.at(-1);
      if (last !== undefined) this.#durable.set(sector, last.bytes);
      const left = versions.slice(covered.length);
      if (left.length > 0) this.#versions.set(sector, left);
      else this.#versions.delete(sector);
    }
    const sizes = this.#sizes.filter((size) => size.stamp <= stamp);
    this.#durableSizeBytes = sizes.at(-1)?.sizeBytes ?? this.#durableSizeBytes;
    this.#sizes = this.#sizes.slice(sizes.length);
  }

  /** The file as a crash at this moment leaves it: size and every sector decide for themselves. */
  afterCrash(mode: CrashMode, random: SeededRandom): SimInode {
    const survivor = new SimInode();
    const sizes = [this.#durableSizeBytes, ...this.#sizes.map((size) => size.sizeBytes)];
    const sizeBytes = pick(sizes, mode, random);
    survivor.#reserve(sizeBytes);
    survivor.#sizeBytes = survivor.#durableSizeBytes = sizeBytes;
    const zero = new Uint8Array(SECTOR_BYTES);
    for (let sector = 0; sector * SECTOR_BYTES < sizeBytes; sector++) {
      const versions = (this.#versions.get(sector) ?? []).map((version) => version.bytes);
      const bytes = pick([this.#durable.get(sector) ?? zero, ...versions], mode, random);
      const start = sector * SECTOR_BYTES;
      // What lies behind the end of the file in its last sector is not part of it.
      const kept = bytes.slice(0, Math.min(SECTOR_BYTES, sizeBytes - start));
      survivor.#bytes.set(kept, start);
      survivor.#durable.set(sector, survivor.#sector(sector));
    }
    return survivor;
  }

  /** Flips bits where no program and no sync would notice: rot. */
  corrupt(offset: number, mask: number): void {
    this.#bytes[offset] = (this.#bytes[offset] ?? 0) ^ mask;
    const sector = Math.floor(offset / SECTOR_BYTES);
    this.#durable.set(sector, this.#sector(sector));
  }

  #resize(sizeBytes: number): void {
    this.#sizeBytes = sizeBytes;
    this.#sizes.push({ stamp: this.#stamp, sizeBytes });
  }

  #touch(from: number, to: number): void {
    const last = Math.ceil(to / SECTOR_BYTES);
    for (let sector = Math.floor(from / SECTOR_BYTES); sector < last; sector++) {
      const versions = this.#versions.get(sector) ?? [];
      versions.push({ stamp: this.#stamp, bytes: this.#sector(sector) });
      this.#versions.set(sector, versions);
    }
  }

  #sector(sector: number): Uint8Array {
    const bytes = new Uint8Array(SECTOR_BYTES);
    const start = sector * SECTOR_BYTES;
    bytes.set(this.#bytes.subarray(start, Math.min(start + SECTOR_BYTES, this.#bytes.length)));
    return bytes;
  }

  #reserve(sizeBytes: number): void {
    if (sizeBytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(sizeBytes, this.#bytes.length * 2, SECTOR_BYTES));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** The first choice is what is durable, the last what programs saw. */
function pick<T>(choices: readonly T[], mode: CrashMode, random: SeededRandom): T {
  const last = choices.length - 1;
  if (last === 0) return choices[0] as T;
  const at = mode === "drop" ? 0 : mode === "keep" ? last : random.below(choices.length);
  return choices[at] as T;
}
