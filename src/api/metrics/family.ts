/**
 * A metric as Prometheus knows it: a name, what it means, and its samples at this moment.
 */

import { countOf, type Distribution } from "../../base/mod.ts";

export type Labels = Readonly<Record<string, string>>;

export type Sample = {
  readonly labels: Labels;
  readonly value: number;
  /** Of a histogram: what follows the name of the family. */
  readonly suffix?: string;
};

export type Family = {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
};

/** One value, one for each label set, or none where there is nothing to tell. */
export type Values = number | undefined | readonly Sample[];

export type LabelledDistribution = {
  readonly labels: Labels;
  readonly distribution: Distribution;
};

const NO_LABELS: Labels = {};

/** Only grows; its name ends in `_total`. */
export function counter(name: string, help: string, values: Values): Family {
  return { name, help, type: "counter", samples: samplesOf(values) };
}

export function gauge(name: string, help: string, values: Values): Family {
  return { name, help, type: "gauge", samples: samplesOf(values) };
}

export function histogram(
  name: string,
  help: string,
  values: Distribution | readonly LabelledDistribution[],
): Family {
  const all = "counts" in values ? [{ labels: NO_LABELS, distribution: values }] : values;
  return { name, help, type: "histogram", samples: all.flatMap(bucketSamples) };
}

/** A distribution of milliseconds in Prometheus' unit of time. */
export function seconds({ bounds, counts, sum }: Distribution): Distribution {
  return { bounds: bounds.map((ms) => ms / 1000), counts, sum: sum / 1000 };
}

function samplesOf(values: Values): readonly Sample[] {
  if (values === undefined) return [];
  return typeof values === "number" ? [{ labels: NO_LABELS, value: values }] : values;
}

/** A bucket of Prometheus holds all values up to its bound. */
function bucketSamples({ labels, distribution }: LabelledDistribution): Sample[] {
  const { bounds, counts, sum } = distribution;
  const ends = [...bounds.map(String), "+Inf"];
  let value = 0;
  const buckets = ends.map((le, bucket) => {
    value += counts[bucket] as number;
    return { suffix: "_bucket", labels: { ...labels, le }, value };
  });
  return [
    ...buckets,
    { suffix: "_sum", labels, value: sum },
    { suffix: "_count", labels, value: countOf(distribution) },
  ];
}
