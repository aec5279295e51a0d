/**
 * Keva as a target: three nodes of the compiled binary on this machine, with every setting at its
 * default, and the load generator of its HTTP API.
 */

import { Cluster } from "../../tests/e2e/support/cluster.ts";
import { LoadProcess } from "../load/process.ts";
import type { Load, LoadJob, OnEdge, Target, TargetNode } from "../target.ts";

export class KevaTarget implements Target {
  readonly name = "keva";
  readonly #cluster: Cluster;
  readonly #generator = new LoadProcess(new URL("./load.ts", import.meta.url).href);
  #version = "";

  /** The nodes keep their data under `directory`. */
  constructor(directory: string) {
    this.#cluster = new Cluster(directory, {});
  }

  get version(): string {
    return this.#version;
  }

  get nodes(): readonly TargetNode[] {
    return this.#cluster.nodes.map(({ name, running }) => ({ name, pid: running.pid }));
  }

  get generatorPid(): number {
    return this.#generator.pid;
  }

  async start(): Promise<void> {
    const { stdout } = await this.#cluster.keva(["--version"]);
    this.#version = new TextDecoder().decode(stdout).trim();
    await this.#cluster.start();
  }

  load(job: LoadJob, onEdge: OnEdge): Promise<Load> {
    const ports = this.#cluster.nodes.map(({ userPort }) => userPort);
    return this.#generator.run({ job, ports }, onEdge);
  }

  async leader(): Promise<string> {
    return (await this.#cluster.leader()).name;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#generator.stop(), this.#cluster.close()]);
  }
}
