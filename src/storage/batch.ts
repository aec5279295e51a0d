/**
 * Turns queued writes into frames: as many whole writes as fit, and of a write too large for one
 * frame as many entries as fit. A write cut in two is safe: what comes before its entries stays
 * together, so that every part leaves a legal state, and nobody is told before the last is durable.
 */

import { assert, invariant, limits } from "../base/mod.ts";
import type { Index, Write } from "../raft/mod.ts";
import type { FrameWriter } from "./frame.ts";
import type { LogShape } from "./log_shape.ts";
import {
  isEmpty,
  type LogRecord,
  recordBytes,
  recordsOf,
  writeBytes,
  writeRecord,
} from "./records.ts";

/** What one frame carries. */
export type Batch = {
  /** The writes that are complete with this frame. */
  readonly writes: readonly Write[];
  readonly entryCount: number;
  /** The largest index among its entries, 0 for none. */
  readonly indexMax: Index;
};

/**
 * Has no bound of its own: a write that Raft has made must be stored, and what Raft can have under
 * way is bounded by the proposals of a leader and the appends in flight to a follower.
 */
export class WriteQueue {
  #writes: Write[] = [];
  #bytes = 0;
  /** What is left of the first write; undefined when nothing of it was taken yet. */
  #rest: LogRecord[] | undefined;

  get length(): number {
    return this.#writes.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(write: Write): void {
    const last = this.#writes.at(-1);
    assert(last === undefined || write.id > last.id, `write ${write.id} after ${last?.id}`);
    this.#writes.push(write);
    this.#bytes += writeBytes(write);
  }

  /**
   * The writes at the front that have nothing to store: they only waited for those before them,
   * which are durable when nothing is on its way.
   */
  takeEmpty(): readonly Write[] {
    if (this.#rest !== undefined) return [];
    const first = this.#writes.findIndex((write) => !isEmpty(write));
    const writes = this.#writes.splice(0, first === -1 ? this.#writes.length : first);
    for (const write of writes) this.#bytes -= writeBytes(write);
    return writes;
  }

  /** Encodes the next frame's payload and lets `shape` follow (W8). */
  take(frame: FrameWriter, shape: LogShape): Batch {
    assert(this.#writes.length > 0, "there is something to write");
    const writer = frame.begin();
    let complete = 0;
    let entryCount = 0;
    let indexMax = 0;
    let full = false;
    while (!full && complete < this.#writes.length) {
      const write = this.#writes[complete] as Write;
      const records = this.#rest ?? recordsOf(write);
      let taken = 0;
      for (const record of records) {
        const isHead = record.kind !== "entry";
        const needed = !isHead ? recordBytes(record) : taken === 0 ? headBytes(records) : 0;
        full = frame.lengthBytes > 0 && frame.lengthBytes + needed > limits.walFrameBytesMax;
        if (full) break;
        const applied = shape.apply(record);
        invariant("W8", applied.ok, () => `write ${write.id}: ${applied.ok || applied.error}`);
        writeRecord(writer, record);
        if (record.kind === "entry") {
          entryCount++;
          indexMax = Math.max(indexMax, record.entry.index);
        }
        taken++;
      }
      this.#rest = full ? records.slice(taken) : undefined;
      if (!full) complete++;
    }
    const writes = this.#writes.splice(0, complete);
    for (const write of writes) this.#bytes -= writeBytes(write);
    return { writes, entryCount, indexMax };
  }
}

/** What comes before the entries: a commit index must not be there without the mark behind it. */
function headBytes(records: readonly LogRecord[]): number {
  return records.reduce((sum, one) => one.kind === "entry" ? sum : sum + recordBytes(one), 0);
}
