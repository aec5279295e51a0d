/** One job of a load generator, in its own process. */

import { type Load, type LoadJob, type OnEdge, START_MS_MAX } from "../target.ts";
import { runClients, type Source } from "./clients.ts";
import type { Protocol } from "./session.ts";
import { eachKey, requestsOf } from "./sources.ts";
import { Tally } from "./tally.ts";

export type Job = {
  readonly job: LoadJob;
  /** Of the nodes that the clients are spread over, all on 127.0.0.1. */
  readonly ports: readonly number[];
  /** By which the nodes know the clients; absent: they do not ask. */
  readonly token?: string | undefined;
};

/** Enough that a node which comes up is asked within a few milliseconds. */
const PROBE_CLIENTS = 12;

export function runJob({ job, ports }: Job, protocol: Protocol, onEdge: OnEdge): Promise<Load> {
  const on = { protocol, ports };
  switch (job.kind) {
    case "fill":
      return fill(job, on);
    case "round":
      return round(job, on, onEdge);
    case "probe":
      return probe(job, on, onEdge);
  }
}

type On = { readonly protocol: Protocol; readonly ports: readonly number[] };
type JobOf<Kind> = Extract<LoadJob, { kind: Kind }>;

async function fill({ data, clients }: JobOf<"fill">, on: On): Promise<Load> {
  const { valueBytes } = data;
  const tally = new Tally(0); // keeps no latencies, but what failed
  tally.begin();
  await runClients({ ...on, clients, valueBytes, source: eachKey(data), tally });
  tally.end();
  return tally.load();
}

async function round(job: JobOf<"round">, on: On, onEdge: OnEdge): Promise<Load> {
  const { workload, warmupMs, measureMs } = job;
  const { clients, data: { valueBytes } } = workload;
  const tally = new Tally(measureMs);
  const { source, end } = requestsOf(workload);
  const running = runClients({ ...on, clients, valueBytes, source, tally });
  await pause(warmupMs);
  onEdge("begin");
  tally.begin();
  await pause(measureMs);
  tally.end();
  onEdge("end");
  end();
  await running;
  return tally.load();
}

async function probe({ data }: JobOf<"probe">, on: On, onEdge: OnEdge): Promise<Load> {
  const { valueBytes } = data;
  const clients = PROBE_CLIENTS;
  const tally = new Tally(START_MS_MAX);
  const writes = requestsOf({ data, clients, readShare: 0, hot: false, perSecond: null });
  // The client whose write was acknowledged first is the first to come again after it.
  const source: Source = () => {
    if (tally.operations > 0 && tally.isCounting) {
      tally.end();
      onEdge("end");
      writes.end();
    }
    return writes.source();
  };
  onEdge("begin");
  tally.begin();
  await runClients({ ...on, clients, valueBytes, source, tally });
  return tally.load();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
