/**
 * `keva dev`: a whole cluster on this machine, as child processes of this one.
 */

import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { NetworkError, printableText } from "../base/mod.ts";
import { KevaClient, KevaError } from "../client/mod.ts";
import { hostAndPort, type NodeConfig } from "../config/mod.ts";
import type { Child, Context } from "./context.ts";
import { DEV_DATA, type DevCluster, type DevOptions, prepareDevCluster } from "./dev_config.ts";
import { CommandError, EXIT_FAILED } from "./error.ts";
import { wholeNumber } from "./options.ts";

const EPILOGUE = `
The nodes write their logs here, each line under its node's name. Ctrl-C stops all of them; the next
run finds their data again.

Examples:
  keva dev
  keva dev --nodes 5 --port 4801 --data /tmp/five`;

const READY_TIMEOUT_MS = 30_000;
const READY_POLL_MS = 50;
const STOP_TIMEOUT_MS = 4_800;
const COLOURS = [36, 35, 33, 32, 34];
/** Peer ports lie above the first user port; the last of five must still be a port. */
const PORT_MAX = 65_535 - 20;

export function devCommand(context: Context) {
  return new Command("dev")
    .summary("run a whole cluster on this machine, to try Keva")
    .description("Runs a cluster of 1, 3 or 5 nodes on this machine that nobody else can reach.")
    .option("-n, --nodes <number>", "how many nodes: 1, 3 or 5 (default: 3)", nodeNumber)
    .option("-d, --data <path>", "where the nodes keep their data", DEV_DATA)
    .option(
      "-p, --port <port>",
      "first port for clients; each node has the next one, and the one ten above it for the " +
        "other nodes (default: 3801)",
      firstPort,
    )
    .addHelpText("after", EPILOGUE)
    .action((options) => dev(context, options));
}

async function dev(context: Context, options: DevOptions): Promise<void> {
  const cluster = prepareDevCluster(context, options);
  await checkPorts(context, cluster.config.nodes);
  const run = new DevRun(context, cluster, options.data);
  await run.toTheEnd();
}

/** The processes of one run, from the start of the first to the end of the last. */
class DevRun {
  readonly #context: Context;
  readonly #cluster: DevCluster;
  readonly #data: string;
  readonly #children = new Map<string, Child>();
  readonly #lastLines = new Map<string, string>();
  readonly #over = Promise.withResolvers<void>();
  readonly #giveUp = new AbortController();
  #stopping = false;
  #failure: string | null = null;

  constructor(context: Context, cluster: DevCluster, data: string) {
    this.#context = context;
    this.#cluster = cluster;
    this.#data = data;
  }

  async toTheEnd(): Promise<void> {
    const signals = (["SIGINT", "SIGTERM"] as const).map((name) =>
      this.#context.onSignal(name, () => this.#stopping ? this.#kill() : this.#stop())
    );
    this.#cluster.config.nodes.forEach((node, position) => this.#start(node, position));
    try {
      await this.#untilReady();
      await this.#over.promise;
    } finally {
      signals.forEach((remove) => remove());
    }
    if (this.#failure !== null) throw new CommandError(this.#failure);
  }

  #start(node: NodeConfig, position: number): void {
    const child = this.#context.spawn({
      args: [...this.#serveArguments(node), "--until-stdin-ends"],
      line: (line) => this.#show(node, position, line),
    });
    this.#children.set(node.identity, child);
    void child.done.then((status) => this.#ended(node, status));
  }

  #serveArguments({ identity }: NodeConfig): string[] {
    const directory = `${this.#data}/${identity}`;
    const { configFile } = this.#cluster;
    return ["serve", "-c", configFile, "-i", identity, "-w", directory];
  }

  #show({ identity }: NodeConfig, position: number, line: string): void {
    const { stderr } = this.#context;
    const colour = COLOURS[position % COLOURS.length];
    const prefix = stderr.colour ? `\x1b[${colour}m${identity} |\x1b[0m` : `${identity} |`;
    const text = printableText(line);
    if (text.trim() !== "") this.#lastLines.set(identity, text);
    stderr.write(`${prefix} ${text}\n`);
  }

  #ended(node: NodeConfig, status: Awaited<Child["done"]>): void {
    this.#children.delete(node.identity);
    if (!this.#stopping) this.#report(node, status);
    if (this.#children.size > 0) return;
    this.#giveUp.abort();
    this.#over.resolve();
  }

  /** A node that ends unasked. Others may go on: to see that is what a trial cluster is for. */
  #report(node: NodeConfig, { code, signal }: Awaited<Child["done"]>): void {
    const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
    const lastLine = this.#lastLines.get(node.identity);
    const why = code === 0 || signal !== null || lastLine === undefined ? "" : `: ${lastLine}`;
    this.#say(`${node.identity} ${how}${why}`);
    if (this.#children.size === 0) this.#failure = "all nodes have ended";
    else this.#say(`start it again with: keva ${this.#serveArguments(node).join(" ")}`);
  }

  async #untilReady(): Promise<void> {
    const { nodes } = this.#cluster.config;
    const { clock } = this.#context.ports;
    const deadline = clock.now() + READY_TIMEOUT_MS;
    while (!await this.#isReady(nodes)) {
      if (this.#giveUp.signal.aborted) return;
      if (clock.now() > deadline) {
        this.#failure = `the cluster was not ready within ${READY_TIMEOUT_MS / 1000} seconds; ` +
          `the lines above say why`;
        return this.#stop();
      }
      await new Promise<void>((resolve) => void clock.after(READY_POLL_MS, resolve));
    }
    if (!this.#stopping) this.#context.stdout.write(banner(nodes, this.#data));
  }

  /** Every node that still runs answers and sees a leader. */
  async #isReady(nodes: readonly NodeConfig[]): Promise<boolean> {
    const alive = nodes.filter((node) => this.#children.has(node.identity));
    const views = await Promise.all(alive.map((node) => this.#seesLeader(node)));
    return views.length > 0 && views.every((seen) => seen);
  }

  async #seesLeader(node: NodeConfig): Promise<boolean> {
    const endpoints = [hostAndPort(node.address, node.userPort)];
    const client = new KevaClient({
      endpoints,
      timeoutMs: 2_000,
      fetch: this.#context.fetch,
      discover: false,
    });
    try {
      const { members } = await client.status({ signal: this.#giveUp.signal });
      const self = members.find((member) => member.id === node.identity);
      return typeof self?.status?.leader === "string";
    } catch (error) {
      if (error instanceof KevaError) return false;
      throw error;
    }
  }

  #stop(): void {
    this.#stopping = true;
    this.#say("stopping");
    this.#giveUp.abort();
    for (const child of this.#children.values()) child.kill("SIGTERM");
    const timer = this.#context.ports.clock.after(STOP_TIMEOUT_MS, () => this.#kill());
    void this.#over.promise.then(() => timer.cancel());
  }

  #kill(): void {
    this.#say(`${[...this.#children.keys()].join(", ")} did not stop in time and were killed`);
    for (const child of this.#children.values()) child.kill("SIGKILL");
    this.#context.exit(EXIT_FAILED);
  }

  #say(text: string): void {
    this.#context.stderr.write(`keva: ${text}\n`);
  }
}

/** A port in use is the usual mistake here, and one sentence is better than three logs. */
async function checkPorts(context: Context, nodes: readonly NodeConfig[]): Promise<void> {
  for (const { address, userPort, peerPort } of nodes) {
    for (const port of [userPort, peerPort]) {
      try {
        const listener = await context.ports.network.listen(
          { host: address, port },
          (connection) => connection.close(),
        );
        listener.close();
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error;
        const why = error.code === "inUse" ? "is in use" : `cannot be used: ${error.reason}`;
        throw new CommandError(
          `port ${port} ${why}; stop what uses it (another keva dev?) or choose others with --port`,
        );
      }
    }
  }
}

function banner(nodes: readonly NodeConfig[], data: string): string {
  const urls = nodes.map((node) => `http://${hostAndPort(node.address, node.userPort)}`);
  const lines = nodes.map((node, i) => `  ${node.identity}  ${urls[i]}`);
  const what = nodes.length === 1 ? "One node is" : `A cluster of ${nodes.length} nodes is`;
  return `
${what} ready; the data is in ${data}.

${lines.join("\n")}

Store a value at one node and read it at another:

  curl -X PUT -H "Content-Type: text/plain" -d hello ${urls[0]}/v1/storage/key/greeting
  curl ${urls.at(-1)}/v1/storage/key/greeting

Ctrl-C stops ${nodes.length === 1 ? "it" : "all of them"}.

`;
}

function nodeNumber(text: string): number {
  if (/^[135]$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be 1, 3 or 5.");
}

function firstPort(text: string): number {
  const complaint = `It must be a port number from 1 to ${PORT_MAX}.`;
  const port = wholeNumber(complaint)(text);
  if (port >= 1 && port <= PORT_MAX) return port;
  throw new InvalidArgumentError(complaint);
}
