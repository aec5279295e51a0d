/**
 * What happened in a run, one line per event: kept for the reader at the end, and folded into one
 * number as it goes, so that two runs of a seed can be compared to the last byte.
 */

import { crc32 } from "node:zlib";

export class Trace {
  readonly #now: () => number;
  readonly #linesMax: number;
  #lines: string[] = [];
  #dropped = 0;
  #hash = 0;

  constructor(now: () => number, linesMax: number) {
    this.#now = now;
    this.#linesMax = linesMax;
  }

  add(who: string, what: string): void {
    const line = `${this.#now().toFixed(3).padStart(11)}  ${who.padEnd(5)} ${what}`;
    this.#hash = crc32(line, this.#hash);
    this.#lines.push(line);
    if (this.#lines.length >= 2 * this.#linesMax) {
      this.#dropped += this.#lines.length - this.#linesMax;
      this.#lines = this.#lines.slice(-this.#linesMax);
    }
  }

  /** Equal for equal runs. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  get text(): string {
    const head = this.#dropped > 0 ? `… ${this.#dropped} earlier lines\n` : "";
    return head + this.#lines.join("\n");
  }
}
