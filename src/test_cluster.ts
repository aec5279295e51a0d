/**
 * A whole cluster inside a test: its nodes are real, its disks and its network exist only in memory.
 */

import type { Log } from "./base/mod.ts";
import { KevaClient } from "./client/mod.ts";
import { configText, readConfig, silence } from "./embedding.ts";
import { KevaNode } from "./keva_node.ts";
import { MemoryDisk, MemoryNetwork } from "./memory/mod.ts";
import { realPorts } from "./platform/mod.ts";

export type TestClusterOptions = {
  /** Absent: nothing is logged. */
  readonly log?: Log;
};

/** So that much writing in a test does not fill the memory with old log. */
const SETTINGS = "insecure = true\n[storage]\nsegment_bytes = 1048576\nsnapshot_bytes = 4194304\n";
const PEER_PORT = 1;
const USER_PORT = 2;
/** How often it is looked whether a node leads by now. */
const LOOK_INTERVAL_MS = 5;

/** Starts `count` nodes, `n1` and so on, and resolves when the cluster takes writes. */
export async function createTestCluster(
  count = 3,
  options: TestClusterOptions = {},
): Promise<TestCluster> {
  const cluster = new TestCluster(count, options.log ?? silence);
  await Promise.all(cluster.names.map((name) => cluster.start(name)));
  await cluster.leader();
  return cluster;
}

export class TestCluster {
  /** Of all nodes, running or not. */
  readonly names: readonly string[];
  readonly #ports = realPorts();
  readonly #network = new MemoryNetwork(this.#ports.clock);
  readonly #disks: ReadonlyMap<string, MemoryDisk>;
  readonly #running = new Map<string, KevaNode>();
  readonly #config: string;
  readonly #log: Log;

  constructor(count: number, log: Log) {
    this.names = Array.from({ length: count }, (_, i) => `n${i + 1}`);
    this.#disks = new Map(this.names.map((name) => [name, new MemoryDisk(this.#ports.clock)]));
    const places = this.names.map((name) => ({
      identity: name,
      address: name,
      peerPort: PEER_PORT,
      userPort: USER_PORT,
    }));
    this.#config = configText(places, SETTINGS);
    this.#log = log;
  }

  /** The node of that name, which must be running. */
  node(name: string): KevaNode {
    const node = this.#running.get(name);
    if (node === undefined) throw new Error(`${name} does not run`);
    return node;
  }

  /** A client of the whole cluster, which finds its way as it would over a real network. */
  client(): KevaClient {
    return new KevaClient({
      endpoints: this.names.map((name) => `${name}:${USER_PORT}`),
      fetch: (input, init) => {
        const name = /^http:\/\/([^:/]+)/.exec(String(input))?.[1] ?? "";
        const node = this.#running.get(name);
        return node === undefined ? Promise.reject(refused(name)) : node.fetch(input, init);
      },
    });
  }

  /** The name of the node that leads, as soon as one does and can be written to. */
  async leader(): Promise<string> {
    while (true) {
      for (const [name, node] of this.#running) {
        if (node.leads) return name;
      }
      await new Promise<void>((resolve) => {
        this.#ports.clock.after(LOOK_INTERVAL_MS, resolve);
      });
    }
  }

  /** Starts a node that was stopped; it finds the data that it had. */
  async start(name: string): Promise<void> {
    const disk = this.#disks.get(name);
    if (disk === undefined || this.#running.has(name)) {
      throw new Error(`${name} ${disk === undefined ? "is no node here" : "runs already"}`);
    }
    const config = readConfig(this.#config, { identity: name, workingDirectory: "/data" });
    const network = this.#network.at(name);
    const ports = { ...this.#ports, disk, network };
    const log = this.#log.with({ node: name });
    const started = await KevaNode.start({ config, ports, log, http: false });
    if (!started.ok) throw new Error(started.error.reason);
    this.#running.set(name, started.value);
  }

  /** Stops a node; the others go on as long as they are a majority. */
  async stop(name: string): Promise<void> {
    const node = this.node(name);
    this.#running.delete(name);
    await node.stop();
  }

  /** Stops all that run. */
  async close(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.stop(name)));
  }
}

/** As Node's `fetch` says it. */
function refused(name: string): TypeError {
  const cause = Object.assign(new Error(`${name} does not run`), { code: "ECONNREFUSED" });
  return new TypeError("fetch failed", { cause });
}
