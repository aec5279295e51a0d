/** One job of a load generator, in its own process. */

import type { Load, LoadJob, OnEdge } from "../target.ts";
import { runClients } from "./clients.ts";
import type { Protocol } from "./session.ts";
import { eachKey, requestsOf } from "./sources.ts";
import { Tally } from "./tally.ts";

export type Job = {
  readonly job: LoadJob;
  /** Of the nodes that the clients are spread over, all on 127.0.0.1. */
  readonly ports: readonly number[];
};

export async function runJob(
  { job, ports }: Job,
  protocol: Protocol,
  onEdge: OnEdge,
): Promise<Load> {
  if (job.kind === "fill") {
    const { data, clients } = job;
    const { valueBytes } = data;
    const tally = new Tally(0); // keeps no latencies, but what failed
    tally.begin();
    await runClients({ protocol, ports, clients, valueBytes, source: eachKey(data), tally });
    tally.end();
    return tally.load();
  }
  const { workload, warmupMs, measureMs } = job;
  const { clients, data: { valueBytes } } = workload;
  const tally = new Tally(measureMs);
  const { source, end } = requestsOf(workload);
  const running = runClients({ protocol, ports, clients, valueBytes, source, tally });
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

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
