/**
 * Records of bytes, in the order in which they came, of which the oldest go first. They lie one
 * behind the other in shared chunks: an object for each would cost more memory than what it holds,
 * and the collector a visit. Nothing stands between them, so that many are copied at once.
 *
 * Invariant S6 holds here too: what was appended never changes, so a view and a frozen queue stay
 * what they were.
 */

import { assert } from "../base/mod.ts";

const CHUNK_BYTES = 64 * 1024;
/** How long the record is that begins at `at`. */
export type LengthAt = (bytes: Uint8Array, at: number) => number;

/** Records that lie one behind the other; a view. */
export type Run = { readonly count: number; readonly bytes: Uint8Array };

/** Where a record begins. No two of one queue ever have the same, and later ones are larger. */
export type Place = number;

type Chunk = { readonly bytes: Uint8Array; used: number };

export class ByteQueue {
  readonly #lengthAt: LengthAt;
  readonly #chunks: Chunk[] = [];
  /** How many chunks went before the first of `#chunks`. */
  #chunksGone = 0;
  /** Where the oldest record begins in its chunk. */
  #head = 0;
  #size = 0;
  #sizeBytes = 0;

  constructor(lengthAt: LengthAt) {
    this.#lengthAt = lengthAt;
  }

  get size(): number {
    return this.#size;
  }

  /** Of all records. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Keeps a copy of `record`. */
  push(record: Uint8Array): Place {
    const { length } = record;
    const chunk = this.#chunkFor(length);
    const { bytes, used } = chunk;
    bytes.set(record, used);
    chunk.used += length;
    this.#size++;
    this.#sizeBytes += length;
    return (this.#chunksGone + this.#chunks.length - 1) * CHUNK_BYTES + used;
  }

  /** A view of the record that begins there and has not gone. */
  at(place: Place): Uint8Array {
    const chunk = this.#chunks[Math.floor(place / CHUNK_BYTES) - this.#chunksGone];
    assert(chunk !== undefined, "the record has not gone");
    const at = place % CHUNK_BYTES;
    return chunk.bytes.subarray(at, at + this.#lengthAt(chunk.bytes, at));
  }

  /** Where the oldest record begins; the queue is not empty. */
  get first(): Place {
    return this.#chunksGone * CHUNK_BYTES + this.#head;
  }

  /** The oldest record goes. */
  shift(): void {
    const chunk = this.#chunks[0] as Chunk;
    const length = this.#lengthAt(chunk.bytes, this.#head);
    this.#head += length;
    this.#size--;
    this.#sizeBytes -= length;
    if (this.#head < chunk.used) return;
    this.#chunks.shift();
    this.#chunksGone++;
    this.#head = 0;
  }

  /**
   * All records as they are now, whatever comes and goes while they are read, in runs of at most
   * `bytesMax` or one record.
   */
  frozen(bytesMax: number): Iterable<Run> {
    const chunks = this.#chunks.map(({ bytes, used }) => bytes.subarray(0, used));
    return runsOf(chunks, this.#head, bytesMax, this.#lengthAt);
  }

  /** A record that is longer than a chunk has one to itself, so that every place is in its own. */
  #chunkFor(lengthBytes: number): Chunk {
    const open = this.#chunks.at(-1);
    if (open !== undefined && open.used + lengthBytes <= open.bytes.length) return open;
    const chunk = { bytes: new Uint8Array(Math.max(CHUNK_BYTES, lengthBytes)), used: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }
}

function* runsOf(
  chunks: readonly Uint8Array[],
  head: number,
  bytesMax: number,
  lengthAt: LengthAt,
): Generator<Run, void, undefined> {
  let at = head;
  for (const chunk of chunks) {
    while (at < chunk.length) {
      const start = at;
      let count = 0;
      do {
        at += lengthAt(chunk, at);
        count++;
      } while (at < chunk.length && at + lengthAt(chunk, at) - start <= bytesMax);
      yield { count, bytes: chunk.subarray(start, at) };
    }
    at = 0;
  }
}
