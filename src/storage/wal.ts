/**
 * The write-ahead log while it is written: one frame on its way to disk, one being gathered. The
 * time that the device takes for a sync is the time in which the next frame fills, so load makes
 * frames larger instead of slower, and no timer decides anything.
 */

import {
  assert,
  type Clock,
  type Disk,
  DiskError,
  type DiskFile,
  type Hash,
  Histogram,
  invariant,
  limits,
} from "../base/mod.ts";
import type { Index, Position, Write } from "../raft/mod.ts";
import { type Batch, WriteQueue } from "./batch.ts";
import { fromDiskError, type StorageError } from "./errors.ts";
import { FrameWriter } from "./frame.ts";
import type { LogShape } from "./log_shape.ts";
import { createSegment, type Owner, recordsSeed, segmentName } from "./segment.ts";
import type { StorageSettings, Wal, WalEvents, WalStatus } from "./types.ts";
import type { ChainEnd } from "./walk.ts";

export type Segment = {
  readonly firstSequence: number;
  sizeBytes: number;
  /** The largest index among its entries, 0 for none. */
  indexMax: Index;
};

export type WalOptions = {
  readonly disk: Disk;
  readonly hash: Hash;
  readonly clock: Clock;
  readonly path: string;
  readonly owner: Owner;
  readonly settings: StorageSettings;
  readonly events: WalEvents;
};

/** Where recovery left off. */
export type WalStart = {
  readonly segments: Segment[];
  readonly end: ChainEnd;
  /** How far the file of the last segment reaches. */
  readonly roomEnd: number;
  readonly shape: LogShape;
  /** Go on in a new segment: a tail was cut, or the mark was moved back to an older snapshot. */
  readonly newSegment: boolean;
};

export class SegmentedWal implements Wal {
  readonly #options: WalOptions;
  readonly #seed: number;
  readonly #frame: FrameWriter;
  readonly #queue = new WriteQueue();
  /** Oldest first; frames go into the last one. */
  readonly #segments: Segment[];
  #file: DiskFile | undefined;
  /** How far the file of the last segment reaches: up to here a frame changes no metadata. */
  #roomEnd: number;
  /** No space was left for room in the last segment. */
  #roomRefused = false;
  #rollDue: boolean;
  /** The state of the log with everything encoded so far. */
  readonly #shape: LogShape;
  #end: ChainEnd;
  #markStored: Position;
  #state: WalStatus["state"] = "open";
  /** The frame that did not fit on the device, still in the buffer of `#frame`. */
  #waiting: Sealed | undefined;
  #spaceAwaited = false;
  #running: Promise<void> | undefined;
  #retiring: Promise<void> = Promise.resolve();
  readonly #count = { frames: 0, bytes: 0, syncs: 0 };
  readonly meters = { syncMs: Histogram.ofLatency(), frameEntries: Histogram.ofBatches() };
  #syncSince: number | undefined;

  constructor(options: WalOptions, start: WalStart) {
    assert(start.segments.length > 0, "a log has a segment");
    this.#options = options;
    this.#seed = recordsSeed(options.hash, options.owner.directory);
    this.#frame = new FrameWriter(options.hash);
    this.#segments = start.segments;
    this.#end = start.end;
    this.#roomEnd = start.roomEnd;
    this.#shape = start.shape;
    this.#markStored = start.shape.mark.position;
    this.#rollDue = start.newSegment;
  }

  append(write: Write): void {
    assert(this.#state !== "closed", "nothing is appended to a closed log");
    if (this.#state === "failed") return; // the process is on its way out
    this.#queue.push(write);
    this.#start();
  }

  retry(): void {
    if (this.#state !== "full") return;
    this.#state = "open";
    this.#spaceAwaited = true;
    this.#start();
  }

  status(): WalStatus {
    const now = this.#options.clock.now();
    return {
      ...this.#count,
      state: this.#state,
      pendingSyncMs: this.#syncSince === undefined ? 0 : now - this.#syncSince,
      queuedWrites: this.#queue.length,
      segments: this.#segments.length,
      sizeBytes: this.#segments.reduce(
        (sum, segment) => sum + segment.sizeBytes,
        this.#roomEnd - this.#current.sizeBytes,
      ),
      mark: this.#markStored,
    };
  }

  /**
   * Deletes the oldest segments as long as all their entries are at or below `index` and below the
   * durable mark (W5). Resolves with the lower of the two.
   */
  async retire(index: Index): Promise<Index> {
    const through = Math.min(index, this.#markStored.index);
    this.#retiring = this.#retiring.then(() => this.#retireThrough(through));
    await this.#retiring;
    return through;
  }

  /** Lets the frame on its way finish; what is still queued is not written. */
  async close(): Promise<void> {
    if (this.#state !== "failed") this.#state = "closed";
    await this.#running;
    await this.#retiring;
    if (this.#state === "closed") this.#cutTo(this.#current.sizeBytes);
    this.#file?.close();
    this.#file = undefined;
  }

  #start(): void {
    if (this.#running === undefined && this.#state === "open") this.#running = this.#run();
  }

  async #run(): Promise<void> {
    // Later than the call, so that no event comes from within it, and so that all writes of this
    // turn share a frame.
    await undefined;
    while (this.#state === "open" && (this.#waiting !== undefined || this.#queue.length > 0)) {
      try {
        if (this.#waiting === undefined && !this.#passEmpty()) continue;
        const sealed = this.#waiting ?? await this.#nextFrame();
        this.#write(sealed);
        await this.#sync();
        this.#announceSpace();
        this.#stored(sealed);
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        this.#stop(error);
      }
    }
    this.#running = undefined;
  }

  /** Writes that ask for nothing cost no frame and no sync; false when no others are left. */
  #passEmpty(): boolean {
    const empty = this.#queue.takeEmpty();
    if (empty.length > 0) this.#options.events.onStored(empty);
    return this.#queue.length > 0;
  }

  async #nextFrame(): Promise<Sealed> {
    if (this.#rollDue) await this.#roll();
    this.#file ??= this.#options.disk.open(this.#segmentPath(this.#current), "write");
    const batch = this.#queue.take(this.#frame, this.#shape);
    const sequence = this.#end.sequence + 1;
    const offset = this.#current.sizeBytes;
    const sealed = this.#frame.seal({
      kind: "records",
      sequence,
      previous: this.#end.check,
      offset,
      seed: this.#seed,
    });
    return { ...sealed, batch, sequence, mark: this.#shape.mark.position };
  }

  #write(sealed: Sealed): void {
    assert(this.#file !== undefined, "a segment is open");
    const offset = this.#current.sizeBytes;
    const endOffset = offset + sealed.bytes.length;
    try {
      this.#file.writeAt(offset, sealed.bytes);
    } catch (error) {
      if (error instanceof DiskError && error.code === "full") this.#waiting = sealed;
      this.#cutTo(offset); // else a start would find a damaged frame
      throw error;
    }
    this.#waiting = undefined;
    if (endOffset <= this.#roomEnd) return;
    this.#roomEnd = endOffset;
    if (sealed.bytes.length <= limits.walRoomFrameBytesMax) this.#makeRoom(this.#file);
  }

  /**
   * Lengthens the file ahead of the frames to come. Where a sync has only data to write, and not the
   * length and the blocks of the file too, it takes little more than half of the time.
   */
  #makeRoom(file: DiskFile): void {
    const start = this.#roomEnd;
    const next = Math.ceil((start + 1) / limits.walRoomBytes) * limits.walRoomBytes;
    const end = Math.min(next, this.#options.settings.segmentBytes);
    if (end <= start || this.#roomRefused) return;
    try {
      file.writeAt(start, new Uint8Array(end - start));
      this.#roomEnd = end;
    } catch (error) {
      if (!(error instanceof DiskError && error.code === "full")) throw error;
      this.#cutTo(start); // the frame has found its place, which is all that matters
      this.#roomRefused = true;
    }
  }

  /** Ends the file at `offset`. A device that refuses has been, or will be, noticed elsewhere. */
  #cutTo(offset: number): void {
    try {
      this.#file?.truncate(offset);
      this.#roomEnd = offset;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
  }

  async #sync(): Promise<void> {
    assert(this.#file !== undefined, "a segment is open");
    const { clock } = this.#options;
    this.#syncSince = clock.now();
    await this.#file.sync();
    this.meters.syncMs.observe(clock.now() - this.#syncSince);
    this.#count.syncs++;
    this.#syncSince = undefined;
  }

  /** The frame is durable: only now do its sequence, its mark and its writes count. */
  #stored(sealed: Sealed): void {
    const { bytes, batch, sequence, check, mark } = sealed;
    invariant("W2", sequence === this.#end.sequence + 1, () => `frame ${sequence} out of turn`);
    this.#end = { sequence, check };
    this.#markStored = mark;
    const segment = this.#current;
    segment.sizeBytes += bytes.length;
    segment.indexMax = Math.max(segment.indexMax, batch.indexMax);
    this.#rollDue = segment.sizeBytes >= this.#options.settings.segmentBytes;
    this.#count.frames++;
    this.#count.bytes += bytes.length;
    this.meters.frameEntries.observe(batch.entryCount);
    if (batch.writes.length > 0) this.#options.events.onStored(batch.writes);
  }

  #announceSpace(): void {
    if (!this.#spaceAwaited) return;
    this.#spaceAwaited = false;
    this.#options.events.onSpace();
  }

  async #roll(): Promise<void> {
    const { disk, path, owner } = this.#options;
    const sequence = this.#end.sequence + 1;
    const created = await createSegment(disk, this.#frame, {
      walPath: path,
      sequence,
      previous: this.#end.check,
      head: { ...owner, ...this.#shape.checkpoint },
    });
    this.#cutTo(this.#current.sizeBytes);
    this.#file?.close();
    this.#file = created.file;
    this.#roomEnd = created.sizeBytes;
    this.#roomRefused = false;
    this.#segments.push({ firstSequence: sequence, sizeBytes: created.sizeBytes, indexMax: 0 });
    this.#end = { sequence, check: created.check };
    this.#rollDue = false;
  }

  async #retireThrough(through: Index): Promise<void> {
    const { disk, path } = this.#options;
    try {
      while (this.#segments.length > 1 && this.#state !== "failed") {
        const oldest = this.#segments[0] as Segment;
        if (oldest.indexMax > through) return;
        disk.remove(this.#segmentPath(oldest));
        this.#segments.shift();
        await disk.syncDirectory(path); // one by one: a crash must not leave a gap
      }
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#fail(fromDiskError(error));
    }
  }

  #stop(error: DiskError): void {
    this.#syncSince = undefined;
    if (error.code !== "full") return this.#fail(fromDiskError(error));
    if (this.#state === "open") this.#state = "full";
    this.#options.events.onFull(fromDiskError(error));
  }

  #fail(error: StorageError): void {
    if (this.#state === "failed") return;
    this.#state = "failed";
    this.#options.events.onFailure(error);
  }

  get #current(): Segment {
    return this.#segments.at(-1) as Segment;
  }

  #segmentPath(segment: Segment): string {
    return `${this.#options.path}/${segmentName(segment.firstSequence)}`;
  }
}

type Sealed = {
  readonly bytes: Uint8Array;
  readonly check: number;
  readonly batch: Batch;
  readonly sequence: number;
  /** The snapshot mark once this frame is durable. */
  readonly mark: Position;
};
