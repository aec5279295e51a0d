/**
 * Records of bytes, in the order in which they came, of which the oldest go first. They lie one
 * behind the other in shared chunks: an object for each would cost more memory than what it holds,
 * and the collector a visit.
 *
 * Invariant S6 holds here too: what was appended never changes, so a view and a frozen queue stay
 * what they were.
 */

import { assert, setU32At, u32At } from "../base/mod.ts";

const CHUNK_BYTES = 64 * 1024;
/** Before each record: how long it is. */
const LENGTH_BYTES = 4;

/** Where a record begins. No two of one queue ever have the same, and later ones are larger. */
export type Place = number;

type Chunk = { readonly bytes: Uint8Array; used: number };

export class ByteQueue {
  readonly #chunks: Chunk[] = [];
  /** How many chunks went before the first of `#chunks`. */
  #chunksGone = 0;
  /** Where the oldest record begins in its chunk. */
  #head = 0;
  #size = 0;
  #sizeBytes = 0;

  get size(): number {
    return this.#size;
  }

  /** Of the records alone. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Keeps a copy of `record`. */
  push(record: Uint8Array): Place {
    const chunk = this.#chunkFor(LENGTH_BYTES + record.length);
    const { bytes, used } = chunk;
    const { length } = record;
    setU32At(bytes, used, length);
    bytes.set(record, used + LENGTH_BYTES);
    chunk.used += LENGTH_BYTES + length;
    this.#size++;
    this.#sizeBytes += length;
    return (this.#chunksGone + this.#chunks.length - 1) * CHUNK_BYTES + used;
  }

  /** A view of the record that begins there and has not gone. */
  at(place: Place): Uint8Array {
    const chunk = this.#chunks[Math.floor(place / CHUNK_BYTES) - this.#chunksGone];
    assert(chunk !== undefined, "the record has not gone");
    return recordAt(chunk.bytes, place % CHUNK_BYTES);
  }

  /** Where the oldest record begins; the queue is not empty. */
  get first(): Place {
    return this.#chunksGone * CHUNK_BYTES + this.#head;
  }

  /** The oldest record goes. */
  shift(): void {
    const chunk = this.#chunks[0] as Chunk;
    const { length } = recordAt(chunk.bytes, this.#head);
    this.#head += LENGTH_BYTES + length;
    this.#size--;
    this.#sizeBytes -= length;
    if (this.#head < chunk.used) return;
    this.#chunks.shift();
    this.#chunksGone++;
    this.#head = 0;
  }

  /** Views of all records as they are now, whatever comes and goes while they are read. */
  frozen(): Iterable<Uint8Array> {
    return walk(this.#chunks.map(({ bytes, used }) => ({ bytes, used })), this.#head);
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

function* walk(chunks: readonly Chunk[], head: number): Generator<Uint8Array, void, undefined> {
  let at = head;
  for (const { bytes, used } of chunks) {
    while (at < used) {
      const record = recordAt(bytes, at);
      yield record;
      at += LENGTH_BYTES + record.length;
    }
    at = 0;
  }
}

function recordAt(bytes: Uint8Array, at: number): Uint8Array {
  const start = at + LENGTH_BYTES;
  return bytes.subarray(start, start + u32At(bytes, at));
}
