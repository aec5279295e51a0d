/**
 * etcd as a target: three nodes on this machine, and the load generator of its native protocol.
 * Everything is at its default, durability above all, but for the size at which the store refuses
 * writes: the default of 2 GiB is less than what a bench writes.
 */

import { freePorts } from "../../tests/e2e/support/cluster.ts";
import { RunningProcess } from "../../tests/e2e/support/process.ts";
import { until } from "../../tests/e2e/support/wait.ts";
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
import { opening } from "./frames.ts";
import { findEtcd } from "./install.ts";

/** The largest that etcd recommends. */
const QUOTA_BYTES = 8 * 2 ** 30;

type Member = { readonly name: string; readonly clientUrl: string; readonly peerUrl: string };

/** Rejects with the reason when there is no etcd and none can be had. */
export async function etcdKind(): Promise<TargetKind> {
  const { binary, version } = await findEtcd();
  return { name: "etcd", version, make: (directory) => new EtcdTarget(binary, directory) };
}

class EtcdTarget implements Target {
  readonly name = "etcd";
  readonly directory: string;
  readonly greeting = opening();
  readonly #binary: string;
  readonly #members: readonly Member[];
  readonly #generator = new LoadProcess(new URL("./load.ts", import.meta.url).href);
  readonly #processes = new Map<string, RunningProcess>();

  /** The nodes keep their data under `directory`. */
  constructor(binary: string, directory: string) {
    this.#binary = binary;
    this.directory = directory;
    const ports = freePorts(6);
    this.#members = ["n1", "n2", "n3"].map((name, i) => ({
      name,
      clientUrl: `http://127.0.0.1:${ports[2 * i]}`,
      peerUrl: `http://127.0.0.1:${ports[2 * i + 1]}`,
    }));
  }

  get nodes(): readonly TargetNode[] {
    return this.#members.map(({ name }) => {
      const process = this.#processes.get(name);
      if (process === undefined) throw new Error(`etcd ${name} was not started`);
      return { name, pid: process.pid };
    });
  }

  get generatorPid(): number {
    return this.#generator.pid;
  }

  get ports(): readonly number[] {
    return this.#members.map(({ clientUrl }) => Number(new URL(clientUrl).port));
  }

  async start(): Promise<void> {
    for (const member of this.#members) {
      if (this.#processes.get(member.name)?.isRunning !== true) this.#start(member);
    }
    await Promise.all(this.#members.map((member) => this.#ready(member)));
  }

  load(job: LoadJob, onEdge: OnEdge): Promise<Load> {
    return this.#generator.run({ job, ports: this.ports }, onEdge);
  }

  async leader(): Promise<string> {
    return await until("the leader of etcd", async () => {
      for (const { name, clientUrl } of this.#members) {
        const status = await ask(`${clientUrl}/v3/maintenance/status`, {
          method: "POST",
          body: "{}",
        });
        if (status?.leader === status?.header?.member_id) return name;
      }
      return undefined;
    });
  }

  metrics(): Promise<readonly Metrics[]> {
    return metricsOf(this.ports);
  }

  async kill(name: string): Promise<void> {
    await this.#processes.get(name)?.kill();
  }

  async stop(): Promise<void> {
    const processes = [...this.#processes.values()];
    await Promise.all([this.#generator.stop(), ...processes.map((process) => process.kill())]);
  }

  #start({ name, clientUrl, peerUrl }: Member): void {
    const cluster = this.#members.map((member) => `${member.name}=${member.peerUrl}`);
    const settings = {
      "name": name,
      "data-dir": `${this.directory}/etcd-${name}`,
      "listen-client-urls": clientUrl,
      "advertise-client-urls": clientUrl,
      "listen-peer-urls": peerUrl,
      "initial-advertise-peer-urls": peerUrl,
      "initial-cluster": cluster.join(","),
      "quota-backend-bytes": QUOTA_BYTES,
    };
    const args = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
    this.#processes.set(name, new RunningProcess(this.#binary, { args }));
  }

  /** A linearizable read works on this node. */
  async #ready({ name, clientUrl }: Member): Promise<void> {
    await until(`etcd ${name} ready`, async () => {
      const process = this.#processes.get(name) as RunningProcess;
      if (!process.isRunning) throw new Error(`etcd ${name} ended:\n${process.text}`);
      return (await ask(`${clientUrl}/health`))?.health === "true";
    }, START_MS_MAX);
  }
}

/** What an answer in JSON may hold of what is looked at. */
type Answer = {
  readonly health?: string;
  readonly leader?: string;
  readonly header?: { readonly member_id?: string };
};

/** Undefined when the node does not answer. */
async function ask(url: string, options: RequestInit = {}): Promise<Answer | undefined> {
  try {
    const response = await fetch(url, { ...options, signal: AbortSignal.timeout(2_000) });
    return await response.json();
  } catch {
    return undefined;
  }
}
