import assert from "node:assert/strict";
import fc from "fast-check";
import { countOf, Histogram, quantile, Recent } from "../../src/base/mod.ts";

const BOUNDS = [1, 2, 4];

function histogramOf(...values: number[]): Histogram {
  const histogram = new Histogram(BOUNDS);
  for (const value of values) histogram.observe(value);
  return histogram;
}

const BUCKETS: [value: number, bucket: number][] = [
  [0, 0],
  [0.5, 0],
  [1, 0],
  [1.000001, 1],
  [2, 1],
  [3, 2],
  [4, 2],
  [5, 3],
  [Number.MAX_VALUE, 3],
];

for (const [value, bucket] of BUCKETS) {
  Deno.test(`Histogram.observe() puts ${value} into bucket ${bucket}`, () => {
    const { counts } = histogramOf(value).snapshot();
    assert.deepEqual([...counts], [0, 1, 2, 3].map((at) => at === bucket ? 1 : 0));
  });
}

Deno.test("Histogram counts every value once, in the first bucket that can hold it", () => {
  const values = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { maxLength: 50 });
  const bounds = fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 9 });
  fc.assert(fc.property(values, bounds, (values, bounds) => {
    bounds.sort((a, b) => a - b);
    const histogram = new Histogram(bounds);
    for (const value of values) histogram.observe(value);
    const snapshot = histogram.snapshot();
    assert.equal(countOf(snapshot), values.length);
    assert.equal(snapshot.sum, values.reduce((sum, value) => sum + value, 0));
    let upTo = 0;
    for (const [bucket, bound] of bounds.entries()) {
      upTo += snapshot.counts[bucket] as number;
      assert.equal(upTo, values.filter((value) => value <= bound).length);
    }
  }));
});

Deno.test("Histogram.snapshot() stands still while the histogram goes on", () => {
  const histogram = histogramOf(1, 3);
  const before = histogram.snapshot();
  histogram.observe(3);
  assert.deepEqual([[...before.counts], before.sum], [[1, 0, 1, 0], 4]);
  assert.deepEqual([...histogram.snapshot().counts], [1, 0, 2, 0]);
});

const QUANTILES: [values: number[], q: number, expected: number | undefined][] = [
  [[], 0.5, undefined],
  [[0.1], 1, 1],
  [[0.1], 0.5, 0.5],
  [[1, 1, 1, 1], 0.25, 0.25],
  [[1, 2, 3, 4], 0.25, 1],
  [[1, 2, 3, 4], 0.5, 2],
  [[1, 2, 3, 4], 0.75, 3],
  [[3, 3], 0.5, 3],
  [[1, 100], 0.99, 4],
];

for (const [values, q, expected] of QUANTILES) {
  Deno.test(`quantile() ${q} of [${values}] is ${expected}`, () => {
    assert.equal(quantile(histogramOf(...values).snapshot(), q), expected);
  });
}

Deno.test("quantile() is never below the bucket of the true one, nor above it", () => {
  const values = fc.array(fc.double({ min: 0, max: 4, noNaN: true }), { minLength: 1 });
  fc.assert(fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, q) => {
    const estimate = quantile(histogramOf(...values).snapshot(), q) as number;
    values.sort((a, b) => a - b);
    const exact = values[Math.ceil(q * values.length) - 1] as number;
    const above = BOUNDS.find((bound) => exact <= bound) as number;
    const below = BOUNDS[BOUNDS.indexOf(above) - 1] ?? 0;
    assert.ok(estimate >= below && estimate <= above, `${estimate} for ${exact}`);
  }));
});

Deno.test("Recent forgets what is older than the period before the present one", () => {
  const histogram = histogramOf(3);
  const recent = new Recent(histogram);
  assert.equal(recent.quantile(1), undefined, "what was there before it");
  histogram.observe(3);
  assert.equal(recent.quantile(1), 4);
  recent.turn();
  histogram.observe(1);
  assert.equal(recent.quantile(1), 4, "still of the period before");
  recent.turn();
  assert.equal(recent.quantile(1), 1);
  recent.turn();
  assert.equal(recent.quantile(1), undefined);
});

Deno.test("Histogram.ofLatency() and ofBatches() have bounds that increase", () => {
  for (const histogram of [Histogram.ofLatency(), Histogram.ofBatches()]) {
    const { bounds } = histogram.snapshot();
    assert.deepEqual(bounds, [...new Set(bounds)].sort((a, b) => a - b));
  }
});
