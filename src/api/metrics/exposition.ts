/**
 * Writes families in the text format of Prometheus, with the package that everybody writes it with.
 *
 * The package only writes. Its own counters and histograms look up labels and allocate at each
 * observation, which a request cannot afford, and its default metrics read what this runtime does
 * not have; so families are handed to it as finished values.
 */

import type { Metric } from "prom-client";
import type { Family } from "./family.ts";

export type Exposition = { readonly contentType: string; readonly text: string };

export async function exposition(families: readonly Family[]): Promise<Exposition> {
  // Only now: it brings much else, for which not every command should wait at its start.
  const { Registry } = await import("./registry.ts");
  const registry = new Registry();
  for (const family of families) registry.registerMetric(finished(family));
  return { contentType: registry.contentType, text: await registry.metrics() };
}

/** As much of a metric as the registry asks for when it writes. */
function finished({ name, help, type, samples }: Family): Metric {
  const values = samples.map(({ suffix = "", labels, value }) => ({
    metricName: name + suffix,
    labels,
    value,
  }));
  const metric = { name, get: () => Promise.resolve({ name, help, type, values }) };
  return metric as unknown as Metric;
}
