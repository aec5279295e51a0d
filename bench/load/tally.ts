/** What the clients of one round have done. */

import type { Load } from "../target.ts";

/** A generous bound of the samples of a round; the memory is touched only as far as needed. */
const SAMPLES_PER_SECOND_MAX = 400_000;

export class Tally {
  readonly #latenciesMs: Float32Array;
  readonly #errors: Record<string, number> = {};
  #operations = 0;
  #isCounting = false;
  #beginAt = 0;
  #elapsedMs = 0;
  #lastAt = 0;
  #longestGapMs = 0;

  constructor(measureMs: number) {
    this.#latenciesMs = new Float32Array(Math.ceil(measureMs / 1000 * SAMPLES_PER_SECOND_MAX));
  }

  get operations(): number {
    return this.#operations;
  }

  get isCounting(): boolean {
    return this.#isCounting;
  }

  begin(): void {
    this.#beginAt = this.#lastAt = performance.now();
    this.#isCounting = true;
  }

  end(): void {
    this.#isCounting = false;
    const now = performance.now();
    this.#elapsedMs = now - this.#beginAt;
    this.#gapEnds(now);
  }

  /** A right answer came to a request that was due at `dueAt`. */
  done(dueAt: number): void {
    if (!this.#isCounting || this.#operations === this.#latenciesMs.length) return;
    const now = performance.now();
    this.#gapEnds(now);
    this.#latenciesMs[this.#operations++] = now - dueAt;
  }

  failed(fault: string): void {
    if (this.#isCounting) this.#errors[fault] = (this.#errors[fault] ?? 0) + 1;
  }

  #gapEnds(now: number): void {
    this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastAt);
    this.#lastAt = now;
  }

  load(): Load {
    const sorted = this.#latenciesMs.subarray(0, this.#operations).sort();
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? NaN;
    return {
      operations: this.#operations,
      elapsedMs: this.#elapsedMs,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      longestGapMs: this.#longestGapMs,
      errors: this.#errors,
    };
  }
}
