/**
 * A cluster of whole nodes (the very code that ships, from storage to the replica) on a virtual
 * clock, a simulated network and simulated disks. One seed decides everything.
 */

import {
  assert,
  type Hash,
  type Log,
  type Network,
  type Result,
  utf8,
} from "../../src/base/mod.ts";
import type { Outcome } from "../../src/kv/mod.ts";
import { type Failure, type Node, type NodeMember, startNode } from "../../src/node/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";
import { SeededRandom } from "./seeded_random.ts";
import { type CrashMode, SimDisk } from "./sim_disk.ts";
import { SimHost } from "./sim_host.ts";
import { SimNetwork } from "./sim_network.ts";
import type { Conditions } from "./sim_socket.ts";
import { VirtualClock } from "./virtual_clock.ts";

export type SimClusterOptions = {
  readonly nodes: number;
  readonly seed?: number;
  readonly electionTimeoutMs?: number;
  readonly snapshotEntries?: number;
  readonly snapshotBytes?: number;
  readonly segmentBytes?: number;
  readonly conditions?: Partial<Conditions>;
  /** Sets up every disk that a node is going to start on. */
  readonly prepareDisk?: (disk: SimDisk, clock: VirtualClock) => void;
  /** A node has stopped by itself. */
  readonly onHalt?: (id: string, reason: string) => void;
  /** Gets every line that a node logs. */
  readonly onLog?: (id: string, line: string) => void;
  /** Gets all bytes that a node sends, as it hands them over. */
  readonly onSend?: (id: string, to: string, bytes: Uint8Array) => void;
};

export const ELECTION_TIMEOUT_MS = 1_000;

export class SimCluster {
  readonly clock = new VirtualClock();
  readonly network: SimNetwork;
  readonly ids: readonly string[];
  /** What each node logged, one line per event. */
  readonly logged = new Map<string, string[]>();
  /** Why nodes stopped by themselves. */
  readonly halted = new Map<string, string>();
  readonly #options: SimClusterOptions;
  readonly #random: SeededRandom;
  readonly #hash: Hash = nativeHash();
  readonly #disks = new Map<string, SimDisk>();
  readonly #hosts = new Map<string, SimHost>();
  readonly #nodes = new Map<string, Node>();

  constructor(options: SimClusterOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed ?? 1);
    this.network = new SimNetwork(this.clock, this.#random, options.conditions);
    this.ids = Array.from({ length: options.nodes }, (_, at) => `n${at + 1}`);
    for (const id of this.ids) this.#setDisk(id, new SimDisk());
  }

  /** Starts all nodes and waits until every one of them serves linearizable reads. */
  static async started(options: SimClusterOptions): Promise<SimCluster> {
    const cluster = new SimCluster(options);
    for (const id of cluster.ids) await cluster.start(id);
    await cluster.ready();
    return cluster;
  }

  node(id: string): Node {
    const node = this.#nodes.get(id);
    assert(node !== undefined, `${id} runs`);
    return node;
  }

  disk(id: string): SimDisk {
    return this.#disks.get(id) as SimDisk;
  }

  /** The process that runs, or ran last, as `id`. */
  host(id: string): SimHost {
    const host = this.#hosts.get(id);
    assert(host !== undefined, `${id} was started`);
    return host;
  }

  isRunning(id: string): boolean {
    return this.#nodes.has(id);
  }

  get running(): string[] {
    return [...this.#nodes.keys()];
  }

  /** The node that leads in the highest term, once there is one. */
  async leader(): Promise<string> {
    await this.clock.until(() => this.#leader() !== undefined);
    return this.#leader() as string;
  }

  async follower(): Promise<string> {
    const leader = await this.leader();
    return this.running.find((id) => id !== leader) as string;
  }

  async start(id: string): Promise<Result<Node, { reason: string }>> {
    return await this.wait(this.launch(id));
  }

  /** A start that nobody waits for yet. */
  async launch(id: string): Promise<Result<Node, { reason: string }>> {
    const host = new SimHost({
      clock: this.clock,
      disk: this.disk(id),
      network: this.#tapped(id, this.network.on(id)),
    });
    this.#hosts.set(id, host);
    const { clock, disk, network, process } = host;
    const [random, hash, log] = [this.#random, this.#hash, this.#log(id)];
    const node = await startNode({
      ports: { clock, disk, network, process, random, hash, log },
      self: id,
      version: "test",
      clusterName: "sim",
      members: this.ids.map(member),
      directory: "data",
      timing: {
        electionTimeoutMs: this.electionTimeoutMs,
        heartbeatIntervalMs: this.electionTimeoutMs / 10,
      },
      storage: {
        segmentBytes: this.#options.segmentBytes ?? 1024 * 1024,
        snapshotBytes: this.#options.snapshotBytes ?? 64 * 1024 * 1024,
        snapshotEntries: this.#options.snapshotEntries ?? 1_000_000,
      },
      onHalt: (reason) => {
        this.halted.set(id, reason);
        this.ended(id);
        this.#options.onHalt?.(id, reason);
      },
    });
    if (node.ok) this.#nodes.set(id, node.value);
    else host.end();
    return node;
  }

  /** The process ends without a word, and its machine forgets what was not synced. */
  crash(id: string, mode: CrashMode = "drop"): void {
    this.ended(id);
    this.#setDisk(id, this.disk(id).afterCrash(mode, this.#random.below(2 ** 32)));
  }

  /** The process ends without a word, and its machine goes on: the page cache stays. */
  kill(id: string): void {
    this.ended(id);
    this.disk(id).afterKill();
  }

  /** The disk of a node that does not run is replaced by a new one. */
  wipe(id: string): void {
    assert(!this.isRunning(id), `${id} does not run`);
    this.#setDisk(id, new SimDisk());
  }

  async stop(id: string): Promise<void> {
    await this.wait(this.node(id).stop(3_000));
    this.ended(id);
  }

  /** The process of `id` has ended; its disk stays as it is. */
  ended(id: string): void {
    this.#hosts.get(id)?.end();
    this.network.kill(id);
    this.#nodes.delete(id);
  }

  put(
    id: string,
    key: string,
    value: string,
    timeoutMs = 5_000,
  ): Promise<Result<Outcome, Failure>> {
    return this.wait(this.offer(id, key, value, timeoutMs));
  }

  /** A put that nobody waits for yet. */
  offer(
    id: string,
    key: string,
    value: string,
    timeoutMs = 5_000,
  ): Promise<Result<Outcome, Failure>> {
    const mutation = { kind: "put", key: utf8(key), value: utf8(value), contentType: "" } as const;
    return this.node(id).execute(
      { checks: [], mutations: [mutation] },
      this.clock.now() + timeoutMs,
    );
  }

  /** A linearizable read: the value, undefined when there is none, or the failure. */
  async get(id: string, key: string, timeoutMs = 5_000): Promise<string | undefined | Failure> {
    const node = this.node(id);
    const confirmed = await this.wait(node.linearize(this.clock.now() + timeoutMs));
    return confirmed.ok ? this.peek(id, key) : confirmed.error;
  }

  /** What the node's memory holds, without any guarantee. */
  peek(id: string, key: string): string | undefined {
    const item = this.node(id).state.get(utf8(key));
    return item && new TextDecoder().decode(item.value);
  }

  /** Waits until every running node serves linearizable reads and bears a failure of others. */
  async ready(): Promise<void> {
    for (const id of this.running) {
      const confirmed = await this.wait(this.node(id).linearize(this.clock.now() + 30_000));
      assert(confirmed.ok, `${id} serves reads`);
    }
    await this.clock.until(() => this.running.every((id) => !this.node(id).consensus.isFounding));
  }

  /** Waits until all running nodes have applied the same entries. */
  async converged(): Promise<void> {
    await this.clock.until(() => {
      const states = this.running.map((id) => this.node(id).status());
      return new Set(states.map(({ applied }) => applied)).size === 1 &&
        states.every(({ applied, lastIndex }) => applied === lastIndex);
    });
  }

  digests(): string[] {
    return this.running.map((id) => this.node(id).status().digest);
  }

  /** Lets virtual time pass until `promise` settles. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    void promise.finally(() => {
      settled = true;
    }).catch(() => {});
    await this.clock.until(() => settled);
    return await promise;
  }

  get electionTimeoutMs(): number {
    return this.#options.electionTimeoutMs ?? ELECTION_TIMEOUT_MS;
  }

  #tapped(id: string, network: Network): Network {
    const { onSend } = this.#options;
    if (onSend === undefined) return network;
    return {
      listen: (address, accept) => network.listen(address, accept),
      dial: async (address, timeoutMs) => {
        const connection = await network.dial(address, timeoutMs);
        const write = connection.write.bind(connection);
        connection.write = (bytes) => {
          onSend(id, address.host, bytes);
          return write(bytes);
        };
        return connection;
      },
    };
  }

  #setDisk(id: string, disk: SimDisk): void {
    this.#options.prepareDisk?.(disk, this.clock);
    this.#disks.set(id, disk);
  }

  #leader(): string | undefined {
    const leading = this.running.map((id) => this.node(id).status())
      .filter(({ role }) => role === "leader").sort((a, b) => b.term - a.term);
    return leading[0]?.id;
  }

  #log(id: string): Log {
    const lines = this.logged.get(id) ?? [];
    this.logged.set(id, lines);
    const write = (event: string, fields?: object) => {
      const line = `${event} ${JSON.stringify(fields ?? {})}`;
      if (this.#options.onLog) this.#options.onLog(id, line);
      else lines.push(line);
    };
    const log: Log = { debug: () => {}, info: write, warn: write, error: write, with: () => log };
    return log;
  }
}

function member(id: string): NodeMember {
  return {
    id,
    peer: `${id}:1`,
    client: `${id}:2`,
    peerAddress: { host: id, port: 1 },
  };
}
