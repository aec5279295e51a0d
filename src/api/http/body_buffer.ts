/**
 * Gathers the body of one request, in an array of its own that a handler may keep. It grows with
 * the bytes that come, and ends exactly as long as they are.
 */

import { assert, EMPTY } from "../../base/mod.ts";
import { refusal, type ServiceError } from "../../service/mod.ts";
import type { BodyMemory } from "./body_memory.ts";
import { CHUNKED } from "./head_parser.ts";

/** Up to here a body gets all of its memory at once. */
const FIRST_BYTES_MAX = 64 * 1024;

export class BodyBuffer {
  readonly #memory: BodyMemory;
  readonly #bytesMax: number;
  #bytes: Uint8Array = EMPTY;
  #length = 0;
  /** What the body can become: its Content-Length, or the limit. */
  #lengthMax = 0;
  #exact = true;
  /** Reserved for bodies that were handed over and not yet answered, and for the present one. */
  #reserved = 0;

  constructor(memory: BodyMemory, bytesMax: number) {
    this.#memory = memory;
    this.#bytesMax = bytesMax;
  }

  start(bodyLength: number): void {
    assert(this.#length === 0, "one body at a time");
    this.#exact = bodyLength !== CHUNKED;
    this.#lengthMax = this.#exact ? bodyLength : this.#bytesMax;
  }

  /** Copies [start, end) of `from`; returns the refusal when a limit is hit. */
  append(from: Uint8Array, start: number, end: number): ServiceError | null {
    const needed = this.#length + end - start;
    if (needed > this.#lengthMax) {
      return refusal("valueTooLarge", `A body has at most ${this.#bytesMax} bytes.`);
    }
    if (needed > this.#bytes.length && !this.#grow(needed)) {
      return refusal("memoryLimit", "The memory for request bodies is in use.");
    }
    this.#bytes.set(from.subarray(start, end), this.#length);
    this.#length = needed;
    return null;
  }

  /** Allocated and unused: a fixed body can be read straight into it. */
  free(): Uint8Array {
    return this.#bytes.subarray(this.#length);
  }

  filled(count: number): void {
    this.#length += count;
  }

  /** Hands the body over. Its memory stays counted until `release`. */
  take(): Uint8Array {
    const body = this.#length === this.#bytes.length
      ? this.#bytes
      : this.#bytes.slice(0, this.#length);
    this.#bytes = EMPTY;
    this.#length = 0;
    return body;
  }

  /** All requests so far are answered, or the connection is gone. */
  release(): void {
    if (this.#reserved === 0) return;
    this.#memory.release(this.#reserved);
    this.#reserved = 0;
  }

  #grow(needed: number): boolean {
    const first = this.#exact ? FIRST_BYTES_MAX : needed;
    const capacity = Math.min(this.#lengthMax, Math.max(first, 2 * needed));
    const more = capacity - this.#bytes.length;
    if (!this.#memory.reserve(more)) return false;
    this.#reserved += more;
    const larger = new Uint8Array(capacity);
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    return true;
  }
}
