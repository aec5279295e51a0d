/**
 * A cluster of real processes of the compiled binary on this machine, with its data in a temporary
 * directory that is removed afterwards. When a test fails, the logs of its nodes are shown.
 */

import type { ClusterStatus, NodeStatus } from "../../../src/node/mod.ts";
import { ROOT } from "../../../tools/paths.ts";
import { SeededRandom } from "../../support/seeded_random.ts";
import { type ClientTls, HttpClient } from "./http.ts";
import { textOf } from "./kv.ts";
import { type Ending, output, RunningProcess } from "./process.ts";
import { until } from "./wait.ts";

/** The binary under test; another one can be named to try a change without replacing it. */
export const BINARY = Deno.env.get("E2E_BINARY") ?? `${ROOT}/dist/keva`;

export type ClusterOptions = {
  readonly nodes?: number;
  /** Election timeout in seconds. */
  readonly waitTime?: number;
  /** More of keva.toml, in front of the tables of the nodes. */
  readonly settings?: string;
  /** Of the nodes in their order; all on this machine. */
  readonly addresses?: readonly string[];
  /** Where a node keeps its data, when not in the cluster's temporary directory. */
  readonly dataOf?: Readonly<Record<string, string>>;
  /** The port at which one node is to dial another: that of a proxy between them. */
  readonly dialed?: (from: Node, to: Node) => number;
  /** How many files each node may have open; otherwise as many as this process. */
  readonly openFilesMax?: number;
  /** How the tests' own clients reach nodes that speak TLS. */
  readonly tls?: ClientTls;
  /** In place of `E2E_SEED` or chance. */
  readonly seed?: number;
  /** In place of {@link BINARY}. */
  readonly binary?: string | undefined;
};

const LOCAL = "127.0.0.1";

type NodePlace = {
  readonly binary: string;
  readonly name: string;
  readonly address: string;
  readonly ports: [user: number, peer: number];
  readonly data: string;
  readonly cwd: string;
  readonly configFile: string;
  readonly openFilesMax: number | undefined;
  readonly tls: ClientTls | undefined;
};

/** One node: its place on disk and on the network, and its process while it runs. */
export class Node {
  readonly name: string;
  readonly address: string;
  readonly userPort: number;
  readonly peerPort: number;
  readonly data: string;
  readonly client: HttpClient;
  process: RunningProcess | null = null;
  /** The processes of earlier starts. */
  readonly former: RunningProcess[] = [];
  readonly #binary: string;
  readonly #cwd: string;
  readonly #configFile: string;
  readonly #openFilesMax: number | undefined;

  constructor(place: NodePlace) {
    this.name = place.name;
    this.address = place.address;
    [this.userPort, this.peerPort] = place.ports;
    this.data = place.data;
    this.#binary = place.binary;
    this.#cwd = place.cwd;
    this.#configFile = place.configFile;
    this.#openFilesMax = place.openFilesMax;
    this.client = new HttpClient(this.userPort, this.address, place.tls);
  }

  get isRunning(): boolean {
    return this.process?.isRunning === true;
  }

  get running(): RunningProcess {
    if (this.process === null) throw new Error(`${this.name} was not started`);
    return this.process;
  }

  /** Starts the process and does not wait for anything. */
  start(): RunningProcess {
    return this.startElsewhere(this.data);
  }

  /** The same on another data directory, maybe with more arguments: it only seems to be this node. */
  startElsewhere(data: string, more: readonly string[] = []): RunningProcess {
    if (this.isRunning) throw new Error(`${this.name} runs already`);
    if (this.process !== null) this.former.push(this.process);
    this.client.close();
    const args = ["serve", "-c", this.#configFile, "-i", this.name, "-w", data, ...more];
    const [command, ...rest] = this.#limited([this.#binary, ...args]) as [string, ...string[]];
    return this.process = new RunningProcess(command, { args: rest, cwd: this.#cwd });
  }

  /** The shell that sets the limit gives way to the node. */
  #limited(command: string[]): string[] {
    if (this.#openFilesMax === undefined) return command;
    return ["sh", "-c", `ulimit -n ${this.#openFilesMax} && exec "$0" "$@"`, ...command];
  }

  async stop(signal: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<Ending> {
    this.running.signal(signal);
    return await this.running.end();
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.running.kill();
  }

  /** SIGSTOP: the process hears and says nothing, and its connections stay. */
  freeze(): void {
    this.running.signal("SIGSTOP");
  }

  thaw(): void {
    this.running.signal("SIGCONT");
  }

  /** A linearizable read works here. */
  async ready(timeoutMs = 20_000): Promise<void> {
    await until(`${this.name} ready`, async () => {
      if (!this.isRunning) throw new Error(`${this.name} ended:\n${this.running.text}`);
      return await this.isReady();
    }, timeoutMs);
  }

  async isReady(): Promise<boolean> {
    return (await this.#ask("/readyz"))?.status === 200;
  }

  /** The cluster as this node sees it; undefined when it does not answer. */
  async view(): Promise<ClusterStatus | undefined> {
    const answer = await this.#ask("/v1/cluster/status");
    return answer === undefined ? undefined : JSON.parse(textOf(answer.body));
  }

  async status(): Promise<NodeStatus | undefined> {
    return (await this.view())?.members.find(({ id }) => id === this.name)?.status;
  }

  async #ask(target: string): Promise<{ status: number; body: Uint8Array } | undefined> {
    try {
      return await this.client.request("GET", target, { timeoutMs: 2_000 });
    } catch {
      return undefined;
    }
  }
}

export class Cluster {
  readonly binary: string;
  readonly directory: string;
  readonly nodes: readonly Node[];

  constructor(directory: string, options: ClusterOptions) {
    this.binary = options.binary ?? BINARY;
    this.directory = directory;
    const names = Array.from({ length: options.nodes ?? 3 }, (_, i) => `n${i + 1}`);
    const ports = freePorts(names.length * 2);
    this.nodes = names.map((name, i) =>
      new Node({
        binary: this.binary,
        name,
        address: options.addresses?.[i] ?? LOCAL,
        ports: [ports[2 * i] as number, ports[2 * i + 1] as number],
        data: options.dataOf?.[name] ?? `${directory}/${name}`,
        cwd: directory,
        openFilesMax: options.openFilesMax,
        tls: options.tls,
        configFile: options.dialed === undefined ? "keva.toml" : `${name}.toml`,
      })
    );
    Deno.writeTextFileSync(this.configFile, configText(this.nodes, options));
    for (const node of options.dialed === undefined ? [] : this.nodes) {
      Deno.writeTextFileSync(
        `${directory}/${node.name}.toml`,
        configText(this.nodes, options, node),
      );
    }
  }

  get configFile(): string {
    return `${this.directory}/keva.toml`;
  }

  /** All user ports, as `--endpoints` takes them. */
  get endpoints(): string {
    return this.nodes.map(({ address, userPort }) => `${address}:${userPort}`).join(",");
  }

  get running(): Node[] {
    return this.nodes.filter((node) => node.isRunning);
  }

  node(name: string): Node {
    const node = this.nodes.find((node) => node.name === name);
    if (node === undefined) throw new Error(`there is no ${name}`);
    return node;
  }

  /** Starts every node that does not run, and waits until all are ready. */
  async start(timeoutMs?: number): Promise<void> {
    for (const node of this.nodes) if (!node.isRunning) node.start();
    await this.ready(timeoutMs);
  }

  async ready(timeoutMs?: number): Promise<void> {
    await Promise.all(this.running.map((node) => node.ready(timeoutMs)));
  }

  /** The node that leads, as itself and a majority of all nodes see it. */
  async leader(timeoutMs = 15_000): Promise<Node> {
    return await until("a leader", async () => {
      const views = await Promise.all(this.running.map((node) => node.status()));
      const leads = views.find((status) => status?.role === "leader");
      const followers = views.filter((status) => status && status.leader === leads?.id);
      return followers.length * 2 > this.nodes.length && this.node(leads?.id as string);
    }, timeoutMs);
  }

  async followers(): Promise<Node[]> {
    const leader = await this.leader();
    return this.running.filter((node) => node !== leader);
  }

  /** Waits until all nodes run and agree on who leads. */
  async settledOnLeader(): Promise<Node> {
    return await until("one leader for all", async () => {
      const views = await Promise.all(this.nodes.map((node) => node.status()));
      const leaders = new Set(views.map((status) => status?.leader ?? null));
      const [leader] = leaders;
      return leaders.size === 1 && typeof leader === "string" && this.node(leader);
    });
  }

  /** Waits until every running node stands at the same applied index; returns their statuses. */
  async settled(timeoutMs = 30_000): Promise<NodeStatus[]> {
    return await until("all nodes at one applied index", async () => {
      const statuses = await Promise.all(this.running.map((node) => node.status()));
      const applied = new Set(statuses.map((status) => status?.applied));
      return applied.size === 1 && !applied.has(undefined) && statuses as NodeStatus[];
    }, timeoutMs);
  }

  /** Runs a command of the same binary where keva.toml lies. */
  keva(args: string[], stdin?: Uint8Array): ReturnType<typeof output> {
    return output(this.binary, {
      args,
      cwd: this.directory,
      ...(stdin !== undefined && { stdin }),
    });
  }

  logs(): string {
    return this.nodes.flatMap(({ name, former, process }) =>
      [...former, ...(process === null ? [] : [process])].flatMap(({ lines, pid }) => [
        `--- ${name} (process ${pid})`,
        ...lines.slice(-60),
      ])
    ).join("\n");
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map(async (node) => {
      node.client.close();
      if (node.process !== null) await node.process.kill();
    }));
  }
}

export type ClusterTest = {
  readonly cluster: Cluster;
  readonly random: SeededRandom;
};

/**
 * A test with a cluster of its own. Prints its seed, which `E2E_SEED` sets; nodes are not started.
 */
export function clusterTest(
  name: string,
  options: ClusterOptions & { readonly ignore?: boolean },
  run: (test: ClusterTest) => Promise<void>,
): void {
  Deno.test({ name, ignore: options.ignore === true, fn: () => withCluster(options, run) });
}

export async function withCluster(
  options: ClusterOptions,
  run: (test: ClusterTest) => Promise<void>,
): Promise<void> {
  const seed = options.seed ??
    Number(Deno.env.get("E2E_SEED") ?? Math.floor(Math.random() * 2 ** 32));
  console.log(`seed ${seed}`);
  const directory = await Deno.makeTempDir({ prefix: "keva-e2e-" });
  const cluster = new Cluster(directory, options);
  try {
    await run({ cluster, random: new SeededRandom(seed) });
    if (Deno.env.has("E2E_LOGS")) console.log(cluster.logs());
  } catch (error) {
    console.error(cluster.logs());
    throw error;
  } finally {
    await cluster.close();
    await Deno.remove(directory, { recursive: true });
  }
}

/** keva.toml; with `reader` as that node is to see the cluster, its proxies in place of the others. */
function configText(nodes: readonly Node[], options: ClusterOptions, reader?: Node): string {
  const { waitTime, settings, dialed } = options;
  const tables = nodes.map((node) => {
    const { name, address, peerPort, userPort } = node;
    const isProxied = reader !== undefined && reader !== node && dialed !== undefined;
    return `[[node]]\nidentity = "${name}"\naddress = "${address}"\n` +
      `keva_port = ${isProxied ? dialed(reader, node) : peerPort}\n` +
      `user_port = ${userPort}\nwait_time = ${waitTime ?? 1}\n`;
  });
  return [settings ?? "", ...tables].join("\n");
}

/**
 * Ports below those that the system gives to outgoing connections: a port that a node had must
 * still be free when it is started again.
 */
export function freePorts(count: number): number[] {
  const found = new Set<number>();
  while (found.size < count) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      Deno.listen({ hostname: LOCAL, port }).close();
      found.add(port);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  return [...found];
}
