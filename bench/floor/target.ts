/**
 * The floor as a target: what three processes of this runtime cost that only replicate, see
 * `node.ts`. Its load generator is Keva's, whose protocol it speaks as far as that asks.
 */

import { freePorts } from "../../tests/e2e/support/cluster.ts";
import { RunningProcess } from "../../tests/e2e/support/process.ts";
import { until } from "../../tests/e2e/support/wait.ts";
import { LoadProcess } from "../load/process.ts";
import type { Load, LoadJob, Metrics, OnEdge, Target, TargetKind, TargetNode } from "../target.ts";

const NODES = 3;
const LOAD = new URL("../keva/load.ts", import.meta.url).href;
const NODE = new URL("./node.ts", import.meta.url).pathname;

export const floorKind: TargetKind = {
  name: "floor",
  version: `on Deno ${Deno.version.deno}`,
  make: (directory) => new FloorTarget(directory),
};

class FloorTarget implements Target {
  readonly name = "floor";
  readonly directory: string;
  readonly greeting = new Uint8Array();
  readonly ports: readonly number[];
  readonly #peerPort: number;
  readonly #generator = new LoadProcess(LOAD);
  #processes: readonly RunningProcess[] = [];

  constructor(directory: string) {
    this.directory = directory;
    [this.#peerPort, ...this.ports] = freePorts(1 + NODES) as [number, ...number[]];
  }

  get nodes(): readonly TargetNode[] {
    return this.#processes.map(({ pid }, number) => ({ name: nameOf(number), pid }));
  }

  get generatorPid(): number {
    return this.#generator.pid;
  }

  async start(): Promise<void> {
    if (this.#processes.length > 0) throw new Error("the floor keeps nothing that could go on");
    this.#processes = this.ports.map((port, number) => {
      const directory = `${this.directory}/floor-${nameOf(number)}`;
      Deno.mkdirSync(directory);
      const own = [number, port, this.#peerPort, directory].map(String);
      const args = ["run", "--quiet", "--no-check", "-A", NODE, ...own];
      return new RunningProcess(Deno.execPath(), { args });
    });
    await Promise.all(this.ports.map((port, number) => this.#ready(port, number)));
  }

  load(job: LoadJob, onEdge: OnEdge): Promise<Load> {
    return this.#generator.run({ job, ports: this.ports }, onEdge);
  }

  leader(): Promise<string> {
    return Promise.resolve(nameOf(0));
  }

  metrics(): Promise<readonly Metrics[]> {
    return Promise.reject(new Error("the floor tells no metrics"));
  }

  kill(): Promise<void> {
    return Promise.reject(new Error("the floor survives no end of a node"));
  }

  async stop(): Promise<void> {
    await Promise.all([
      this.#generator.stop(),
      ...this.#processes.map((process) => process.kill()),
    ]);
  }

  async #ready(port: number, number: number): Promise<void> {
    await until(`${nameOf(number)} of the floor ready`, async () => {
      const process = this.#processes[number] as RunningProcess;
      if (!process.isRunning) throw new Error(`${nameOf(number)} ended:\n${process.text}`);
      try {
        const signal = AbortSignal.timeout(2_000);
        const response = await fetch(`http://127.0.0.1:${port}/v1/storage/key/none`, { signal });
        return await response.bytes() !== undefined;
      } catch {
        return false;
      }
    });
  }
}

function nameOf(number: number): string {
  return `n${number + 1}`;
}
