/**
 * What hot paths count into: fixed buckets in flat arrays, so that an observation costs a short
 * search and two additions, and nothing is allocated. Whoever watches takes snapshots.
 */

import { assert } from "./assert.ts";

/** How observed values spread, as of one moment. */
export type Distribution = {
  /** The upper end of each bucket, itself included. What is above the last has its own bucket. */
  readonly bounds: readonly number[];
  /** Values in each bucket: one more than there are bounds. */
  readonly counts: Float64Array;
  /** Of all values. */
  readonly sum: number;
};

/** From a fast disk's sync to a hopeless one's; a request and a late timer lie between. */
const LATENCY_BOUNDS_MS = [
  ...[0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1_000, 2_000, 5_000, 10_000],
];
const BATCH_BOUNDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096];

export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  /** `bounds` increase. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** For durations in milliseconds. */
  static ofLatency(): Histogram {
    return new Histogram(LATENCY_BOUNDS_MS);
  }

  /** For how many things went together. */
  static ofBatches(): Histogram {
    return new Histogram(BATCH_BOUNDS);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sum += value;
  }

  snapshot(): Distribution {
    return { bounds: this.#bounds, counts: this.#counts.slice(), sum: this.#sum };
  }
}

/** The newest part of a histogram: what was observed within the present period and the one before. */
export class Recent {
  readonly #histogram: Histogram;
  #periodStart: Distribution;
  #previousStart: Distribution;

  constructor(histogram: Histogram) {
    this.#histogram = histogram;
    this.#periodStart = this.#previousStart = histogram.snapshot();
  }

  /** A new period begins. */
  turn(): void {
    this.#previousStart = this.#periodStart;
    this.#periodStart = this.#histogram.snapshot();
  }

  quantile(q: number): number | undefined {
    const { bounds, counts } = this.#histogram.snapshot();
    const before = this.#previousStart.counts;
    const since = counts.map((count, bucket) => count - (before[bucket] as number));
    return quantile({ bounds, counts: since }, q);
  }
}

type Buckets = Pick<Distribution, "bounds" | "counts">;

/** How many values there are. */
export function countOf({ counts }: Buckets): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/**
 * The value that a share `q` of all values does not exceed, as if each bucket were filled evenly
 * from 0 or the bound below it; at most the last bound. Undefined when there are no values.
 */
export function quantile(buckets: Buckets, q: number): number | undefined {
  assert(q > 0 && q <= 1, "a quantile is a share");
  const { bounds, counts } = buckets;
  const total = countOf(buckets);
  if (total === 0) return undefined;
  let rest = q * total;
  for (const [bucket, bound] of bounds.entries()) {
    const count = counts[bucket] as number;
    const below = bounds[bucket - 1] ?? 0;
    if (rest <= count) return below + (bound - below) * (rest / count);
    rest -= count;
  }
  return bounds.at(-1);
}
