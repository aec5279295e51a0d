/** What nodes tell in the format of Prometheus, as far as the bench reads it. */

import type { Metrics } from "./target.ts";

/** Of all nodes at these ports of 127.0.0.1, each with a value for each series. */
export function metricsOf(ports: readonly number[]): Promise<readonly Metrics[]> {
  return Promise.all(ports.map(async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    return parseMetrics(await response.text());
  }));
}

export function parseMetrics(text: string): Metrics {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const space = line.lastIndexOf(" ");
    return [line.slice(0, space), Number(line.slice(space + 1))];
  }));
}

/** How much a counter has grown, node by node. */
export function growthOf(
  series: string,
  before: readonly Metrics[],
  after: readonly Metrics[],
): number[] {
  return after.map((metrics, node) => valueOf(metrics, series) - valueOf(before[node], series));
}

function valueOf(metrics: Metrics | undefined, series: string): number {
  const value = metrics?.get(series);
  if (value === undefined) throw new Error(`a node tells no ${series}`);
  return value;
}
