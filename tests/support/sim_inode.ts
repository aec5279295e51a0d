/**
 * The content of one simulated file: what programs see, what the device holds for sure, and for
 * every 512-byte sector each content that was written since, any of which a crash may leave.
 */

import type { SeededRandom } from "./seeded_random.ts";

export const SECTOR_BYTES = 512;
/** Sizes that a file may have after a crash in the middle of a write that makes it longer. */
const GROWTH_STEPS_MAX = 8;

/**
 * What a crash keeps of what was not synced: nothing, anything, everything, or (a number) of each
 * file that many of its first sectors, as when the power fails in the middle of a write.
 */
export type CrashMode = "drop" | "random" | "keep" | number;

type Version = { readonly stamp: number; readonly bytes: Uint8Array };
type Size = { readonly stamp: number; readonly sizeBytes: number };

export class SimInode {
  #bytes = new Uint8Array(0);
  #sizeBytes = 0;
  /** Another file has the same buffer, so that neither may change it. */
  #shared = false;
  /** Counts changes, so that a sync covers exactly those before it began. */
  #stamp = 0;
  /** What the device holds, of those sectors for which it may hold something else than programs see. */
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
    this.#change(offset, offset + bytes.length, () => this.#bytes.set(bytes, offset));
    if (offset + bytes.length > this.#sizeBytes) this.#resize(offset + bytes.length);
  }

  truncate(sizeBytes: number): void {
    const [from, to] = [this.#sizeBytes, sizeBytes].sort((a, b) => a - b) as [number, number];
    this.#change(from, to, () => this.#bytes.fill(0, from, to));
    this.#resize(sizeBytes);
  }

  /** Everything up to change `stamp` is on the device. */
  makeDurable(stamp: number): void {
    for (const [sector, versions] of this.#versions) {
      const left = versions.filter((version) => version.stamp > stamp);
      if (left.length === versions.length) continue;
      if (left.length === 0) {
        this.#versions.delete(sector);
        this.#durable.delete(sector); // the last version is what programs see
      } else {
        this.#versions.set(sector, left);
        this.#durable.set(sector, (versions.at(-1 - left.length) as Version).bytes);
      }
    }
    const sizes = this.#sizes.filter((size) => size.stamp <= stamp);
    this.#durableSizeBytes = sizes.at(-1)?.sizeBytes ?? this.#durableSizeBytes;
    this.#sizes = this.#sizes.slice(sizes.length);
  }

  /**
   * A sync failed: what it was to write is marked clean and never reaches the device, though
   * programs go on reading it. The size, which the file system's journal keeps, still does.
   */
  forget(stamp: number): void {
    for (const [sector, versions] of this.#versions) {
      const left = versions.filter((version) => version.stamp > stamp);
      if (left.length > 0) this.#versions.set(sector, left);
      else this.#versions.delete(sector);
    }
  }

  /** The file as a crash at this moment leaves it: size and every sector decide for themselves. */
  afterCrash(mode: CrashMode, random: SeededRandom): SimInode {
    const survivor = new SimInode();
    const sizes = [this.#durableSizeBytes, ...this.#sizes.map((size) => size.sizeBytes)];
    const sizeBytes = pick(sizes, mode, random);
    survivor.#sizeBytes = survivor.#durableSizeBytes = sizeBytes;
    const dirty = mode === "keep" ? [] : [...this.#durable].sort(([a], [b]) => a - b);
    if (typeof mode === "number") dirty.splice(0, mode);
    if (sizeBytes === this.#sizeBytes && dirty.length === 0) {
      this.#shared = survivor.#shared = true;
      survivor.#bytes = this.#bytes;
      return survivor;
    }
    survivor.#bytes = new Uint8Array(sizeBytes);
    survivor.#bytes.set(this.#bytes.subarray(0, sizeBytes));
    for (const [sector, durable] of dirty) {
      const start = sector * SECTOR_BYTES;
      if (start >= sizeBytes) break;
      const versions = (this.#versions.get(sector) ?? []).map((version) => version.bytes);
      const bytes = pick([durable, ...versions], mode === "random" ? mode : "drop", random);
      // What lies behind the end of the file in its last sector is not part of it.
      survivor.#bytes.set(bytes.subarray(0, Math.min(SECTOR_BYTES, sizeBytes - start)), start);
    }
    return survivor;
  }

  /** Flips bits where no program and no sync would notice: rot. */
  corrupt(offset: number, mask: number): void {
    this.#own(this.#bytes.length);
    this.#bytes[offset] = (this.#bytes[offset] ?? 0) ^ mask;
    this.#durable.delete(Math.floor(offset / SECTOR_BYTES));
  }

  /** A crash may find the file grown by a part of a write only. */
  #resize(sizeBytes: number): void {
    const growth = sizeBytes - this.#sizeBytes;
    const sectors = Math.ceil(growth / SECTOR_BYTES / GROWTH_STEPS_MAX);
    const step = Math.max(1, sectors) * SECTOR_BYTES;
    let next = Math.floor(this.#sizeBytes / SECTOR_BYTES) * SECTOR_BYTES + step;
    for (; next < sizeBytes; next += step) {
      this.#sizes.push({ stamp: this.#stamp, sizeBytes: next });
    }
    this.#sizeBytes = sizeBytes;
    this.#sizes.push({ stamp: this.#stamp, sizeBytes });
  }

  /** Bytes `from` to `to` change: a new version of each of their sectors. */
  #change(from: number, to: number, change: () => void): void {
    this.#stamp++;
    this.#own(to);
    const first = Math.floor(from / SECTOR_BYTES);
    const end = Math.ceil(to / SECTOR_BYTES);
    for (let sector = first; sector < end; sector++) {
      if (!this.#durable.has(sector)) this.#durable.set(sector, this.#sector(sector));
    }
    change();
    for (let sector = first; sector < end; sector++) {
      const versions = this.#versions.get(sector) ?? [];
      versions.push({ stamp: this.#stamp, bytes: this.#sector(sector) });
      this.#versions.set(sector, versions);
    }
  }

  #sector(sector: number): Uint8Array {
    const start = sector * SECTOR_BYTES;
    const bytes = new Uint8Array(SECTOR_BYTES);
    bytes.set(this.#bytes.subarray(start, start + SECTOR_BYTES));
    return bytes;
  }

  /** Has a buffer of its own, of at least this size, from now on. */
  #own(sizeBytes: number): void {
    if (!this.#shared && sizeBytes <= this.#bytes.length) return;
    const larger = sizeBytes > this.#bytes.length;
    const wanted = larger ? Math.max(sizeBytes, this.#bytes.length * 2, SECTOR_BYTES) : 0;
    const own = new Uint8Array(Math.max(wanted, this.#bytes.length));
    own.set(this.#bytes);
    this.#bytes = own;
    this.#shared = false;
  }
}

/** The first choice is what is durable, the last what programs saw. */
function pick<T>(choices: readonly T[], mode: CrashMode, random: SeededRandom): T {
  const last = choices.length - 1;
  if (last === 0) return choices[0] as T;
  const at = mode === "drop" ? 0 : mode === "random" ? random.below(choices.length) : last;
  return choices[at] as T;
}
