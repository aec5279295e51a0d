/**
 * One direction of a connection: bytes from one writer to one reader, with a bound on what is on
 * its way.
 */

import { type Clock, NetworkError } from "../base/mod.ts";

const BYTES_MAX = 256 * 1024;

export class Pipe {
  readonly #clock: Clock;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #abandoned = false;
  /** The one side that waits for the other: they never both do. */
  #wake: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#bytes === 0 && !this.#ended && !this.#abandoned) await this.#wait();
    if (this.#abandoned || this.#bytes === 0) return null;
    let count = 0;
    while (count < buffer.length && this.#bytes > 0) {
      const chunk = this.#chunks[0] as Uint8Array;
      const part = chunk.subarray(0, buffer.length - count);
      buffer.set(part, count);
      count += part.length;
      this.#bytes -= part.length;
      if (part.length === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(part.length);
    }
    this.#notify();
    return count;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      this.#refuseClosed();
      const part = bytes.slice(at, at + BYTES_MAX - this.#bytes);
      if (part.length === 0) {
        await this.#wait();
        continue;
      }
      this.#chunks.push(part);
      this.#bytes += part.length;
      at += part.length;
      this.#notify();
    }
    this.#refuseClosed();
  }

  /** The writer is done: what was written can still be read. */
  end(): void {
    this.#ended = true;
    this.#notify();
  }

  /** The reader is gone. */
  abandon(): void {
    this.#abandoned = true;
    this.#chunks = [];
    this.#bytes = 0;
    this.#notify();
  }

  #refuseClosed(): void {
    if (this.#ended) throw new NetworkError("reset", "closed on this side");
    if (this.#abandoned) throw new NetworkError("reset", "the other side has closed");
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** In a later turn, as from a real network: else two nodes that talk could starve all timers. */
  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    if (wake !== null) this.#clock.soon(wake);
  }
}
