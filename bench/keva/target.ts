/**
 * Keva as a target: three nodes of the compiled binary on this machine, with every setting at its
 * default, and the load generator of its HTTP API.
 */

import { BINARY, Cluster } from "../../tests/e2e/support/cluster.ts";
import { KEYED, keysFor } from "../../tests/e2e/support/keys.ts";
import { output } from "../../tests/e2e/support/process.ts";
import { GUARDED, tokenFor, writePolicy } from "./guarded.ts";
import { LoadProcess } from "../load/process.ts";
import { metricsOf } from "../metrics.ts";
import {
  type Load,
  type LoadJob,
  type Metrics,
  type OnEdge,
  START_MS_MAX,
  type Target,
  type TargetKind,
  type TargetNode,
} from "../target.ts";

export async function kevaKind(
  name: "keva" | "other" = "keva",
  binary = BINARY,
): Promise<TargetKind> {
  const { stdout } = await output(binary, { args: ["--version"] });
  return {
    name,
    version: new TextDecoder().decode(stdout).trim(),
    make: (directory, settings) => new KevaTarget(name, binary, directory, settings),
  };
}

/** All clients of a run have one address. */
const MANY_CLIENTS = "[limits]\nconnections_per_address_max = 1024\n";

class KevaTarget implements Target {
  readonly name: "keva" | "other";
  readonly directory: string;
  readonly #cluster: Cluster;
  #lacksKeys: boolean;
  #lacksToken: boolean;
  #token: string | undefined;
  readonly #generator = new LoadProcess(new URL("./load.ts", import.meta.url).href);
  readonly greeting = new TextEncoder().encode("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");

  /** The nodes keep their data under `directory`; `settings` are the front part of keva.toml. */
  constructor(name: "keva" | "other", binary: string, directory: string, settings = "") {
    this.name = name;
    this.directory = directory;
    this.#cluster = new Cluster(directory, { binary, settings: `${settings}\n${MANY_CLIENTS}` });
    this.#lacksKeys = settings.includes(KEYED);
    this.#lacksToken = settings.includes(GUARDED);
  }

  get nodes(): readonly TargetNode[] {
    return this.#cluster.nodes.map(({ name, running }) => ({ name, pid: running.pid }));
  }

  get generatorPid(): number {
    return this.#generator.pid;
  }

  get ports(): readonly number[] {
    return this.#cluster.nodes.map(({ userPort }) => userPort);
  }

  async start(): Promise<void> {
    if (this.#lacksKeys) await keysFor(this.#cluster);
    this.#lacksKeys = false;
    if (this.#lacksToken) await writePolicy(this.#cluster);
    await this.#cluster.start(START_MS_MAX);
    if (this.#lacksToken) this.#token = await tokenFor(this.#cluster);
    this.#lacksToken = false;
  }

  load(job: LoadJob, onEdge: OnEdge): Promise<Load> {
    return this.#generator.run({ job, ports: this.ports, token: this.#token }, onEdge);
  }

  async leader(): Promise<string> {
    return (await this.#cluster.leader()).name;
  }

  metrics(): Promise<readonly Metrics[]> {
    return metricsOf(this.ports);
  }

  kill(name: string): Promise<void> {
    return this.#cluster.node(name).kill();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#generator.stop(), this.#cluster.close()]);
  }
}
