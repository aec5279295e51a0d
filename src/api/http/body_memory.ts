/**
 * Counts the request bodies in memory over all connections. What is reserved is what was allocated
 * for bytes that have come, never what a Content-Length promises: else a few idle connections that
 * each announce a large body would shut everybody else out.
 */

import { assert } from "../../base/mod.ts";

export class BodyMemory {
  readonly #bytesMax: number;
  #held = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get heldBytes(): number {
    return this.#held;
  }

  /** False, and nothing reserved, when that would be too much. */
  reserve(bytes: number): boolean {
    if (this.#held + bytes > this.#bytesMax) return false;
    this.#held += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#held -= bytes;
    assert(this.#held >= 0, "only reserved body memory is released");
  }
}
