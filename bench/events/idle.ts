/** What a thousand clients cost that say nothing. */

import { fill } from "../measure.ts";
import type { Target } from "../target.ts";
import { openFilesOf } from "../usage.ts";
import {
  type Experiment,
  onEach,
  p99sOf,
  pacedWrites,
  pause,
  rssBytes,
  seriesOf,
  USUAL,
} from "./experiment.ts";

/** Spread over the nodes. */
const CONNECTIONS = 1_000;
const ROUNDS = 3;
const WRITES = pacedWrites(500, 96);
const REST_MS = 2_000;

type Cost = {
  readonly bytesEach: readonly number[];
  /** Of writes, with the connections to that without. */
  readonly p99Times: readonly number[];
};

export const idle: Experiment = {
  name: "idle connections",
  run: async (stage) => {
    const costs = await onEach(stage, costOf);
    const what = `${CONNECTIONS.toLocaleString("en")} idle connections`;
    return [
      seriesOf(`${what}: RSS bytes for each`, null, costs, ({ bytesEach }) => bytesEach),
      seriesOf(`${what}: p99 of writes with to without`, null, costs, ({ p99Times }) => p99Times),
    ];
  },
};

async function costOf(target: Target): Promise<Cost> {
  await fill(target, USUAL);
  const without = await p99sOf(target, WRITES, ROUNDS);
  const before = rssBytes(target);
  const connections = await connect(target);
  try {
    await pause(REST_MS);
    const after = rssBytes(target);
    const withThem = await p99sOf(target, WRITES, ROUNDS);
    for (const { name, pid } of target.nodes) {
      if (openFilesOf(pid) < CONNECTIONS / target.nodes.length) {
        throw new Error(`${name} has closed idle connections`);
      }
    }
    return {
      bytesEach: after.map((bytes, node) =>
        (bytes - (before[node] as number)) * after.length / CONNECTIONS
      ),
      p99Times: withThem.map((p99Ms, round) => p99Ms / (without[round] as number)),
    };
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** To the nodes in turn; each says what a client says first, and no more. */
async function connect({ ports, greeting }: Target): Promise<Deno.TcpConn[]> {
  const connections: Deno.TcpConn[] = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    const port = ports[i % ports.length] as number;
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connections.push(connection);
    await connection.write(greeting);
  }
  return connections;
}
