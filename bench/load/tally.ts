/** What the clients of one round have done. */

import type { Load } from "../target.ts";

/** A generous bound of the samples of a round; the memory is touched only as far as needed. */
const SAMPLES_PER_SECOND_MAX = 400_000;

export class Tally {
  readonly #latenciesMs: Float32Array;
  readonly #errors: Record<string, number> = {};
  #operations = 0;
  #counting = false;
  #beginAt = 0;
  #elapsedMs = 0;

  constructor(measureMs: number) {
    this.#latenciesMs = new Float32Array(Math.ceil(measureMs / 1000 * SAMPLES_PER_SECOND_MAX));
  }

  begin(): void {
    this.#beginAt = performance.now();
    this.#counting = true;
  }

  end(): void {
    this.#counting = false;
    this.#elapsedMs = performance.now() - this.#beginAt;
  }

  /** A right answer came after `latencyMs`. */
  done(latencyMs: number): void {
    if (!this.#counting || this.#operations === this.#latenciesMs.length) return;
    this.#latenciesMs[this.#operations++] = latencyMs;
  }

  failed(fault: string): void {
    if (this.#counting) this.#errors[fault] = (this.#errors[fault] ?? 0) + 1;
  }

  load(): Load {
    const sorted = this.#latenciesMs.subarray(0, this.#operations).sort();
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? NaN;
    return {
      operations: this.#operations,
      elapsedMs: this.#elapsedMs,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      errors: this.#errors,
    };
  }
}
