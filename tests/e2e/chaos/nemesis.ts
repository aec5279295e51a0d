/** Makes things go wrong on real processes as planned, and undoes every one of them. */

import type { Cluster, Node } from "../support/cluster.ts";
import { pause, until } from "../support/wait.ts";
import type { Mesh } from "./mesh.ts";
import { type Fault, type FaultKind, type Step, stepText } from "./plan.ts";

export type NemesisOptions = {
  readonly cluster: Cluster;
  readonly mesh: Mesh;
  readonly steps: Iterator<Step>;
  /** The node whose disk is a small file system. */
  readonly smallDisk: Node | null;
  readonly say: (line: string) => void;
};

/** What was done, and from when until everything was well again or the next step began. */
export type Done = {
  readonly step: Step;
  readonly startedAt: number;
  readonly endedAt: number;
};

type Undo = () => void | Promise<void>;

/** From the end of the faults until every node serves linearizable reads. */
const RECOVERY_MS_MAX = 20_000;
const STOP_MS_MAX = 15_000;
const BALLAST_CHUNK_BYTES = 64 * 1024;
const BALLAST_PAUSE_MS = 50;

export class Nemesis {
  readonly #options: NemesisOptions;
  readonly #frozen = new Set<Node>();
  readonly done: Done[] = [];
  /** The longest time from the end of a fault until every node served again. */
  recoveryMsMax = 0;

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  /** Strikes until `endsAt`; in the end nothing is wrong any more and every node is ready. */
  async run(endsAt: number): Promise<void> {
    const { steps, say } = this.#options;
    while (performance.now() < endsAt) {
      const step = steps.next().value as Step;
      const startedAt = performance.now();
      say(`${(startedAt / 1000).toFixed(1)} s: ${stepText(step)}`);
      await Promise.all(step.faults.map((fault) => this.#strike(fault)));
      if (step.awaitsRecovery) await this.#recovery();
      await pause(step.calmMs);
      this.done.push({ step, startedAt, endedAt: performance.now() });
    }
    this.#options.mesh.heal();
    await this.#recovery();
  }

  async #strike(fault: Fault): Promise<void> {
    const undo = await this.#inject(fault);
    await pause(fault.spanMs);
    await undo();
  }

  /** A node that ended by itself makes this fail: no fault here allows it to. */
  async #recovery(): Promise<void> {
    const startedAt = performance.now();
    await Promise.all(this.#options.cluster.nodes.map((node) => node.ready(RECOVERY_MS_MAX)));
    this.recoveryMsMax = Math.max(this.recoveryMsMax, performance.now() - startedAt);
  }

  async #inject({ kind, pick }: Fault): Promise<Undo> {
    const { nodes } = this.#options.cluster;
    const victim = await this.#victim(kind, pick);
    const others = nodes.filter((node) => node !== victim);
    const other = others[pick % others.length] as Node;
    this.#options.say(`  ${kind} at ${victim.name}`);
    switch (kind) {
      case "killLeader":
      case "killFollower":
        return await this.#kill([victim]);
      case "killAll":
        return await this.#kill(nodes);
      case "restart":
        return this.#stop(victim);
      case "rollingRestart":
        for (const node of nodes) {
          await this.#stop(node)();
          await node.ready(RECOVERY_MS_MAX);
        }
        return () => {};
      case "pauseLeader":
      case "pauseFollower":
        return this.#freeze(victim);
      case "isolateLeader":
      case "isolateFollower":
        return this.#hold([...ways([victim], others), ...ways(others, [victim])]);
      case "bridge":
        return this.#hold([...ways([victim], [other]), ...ways([other], [victim])]);
      case "deaf":
        return this.#hold(ways(others, [victim]));
      case "mute":
        return this.#hold(ways([victim], others));
      case "oneWay":
        return this.#hold(ways([victim], [other]));
      case "slowLinks":
        return this.#slow([...ways([victim], others), ...ways(others, [victim])], pick % 300);
      case "reset":
      case "drop":
      case "halfClose":
        for (const [from, to] of [...ways([victim], others), ...ways(others, [victim])]) {
          this.#options.mesh.proxy(from, to)[kind]();
        }
        return () => {};
      case "fullDisk":
        return fillDisk(this.#options.smallDisk as Node);
    }
  }

  /** A leader where one is meant and known, a follower where one is meant; else anybody. */
  async #victim(kind: FaultKind, pick: number): Promise<Node> {
    const { nodes } = this.#options.cluster;
    const any = nodes[pick % nodes.length] as Node;
    if (!/Leader|Follower/.test(kind)) return any;
    const leader = await this.#leader();
    if (leader === undefined) return any;
    if (kind.endsWith("Leader")) return leader;
    const followers = nodes.filter((node) => node !== leader);
    return followers[pick % followers.length] as Node;
  }

  /** Of those that believe that they lead, the one of the highest term. */
  async #leader(): Promise<Node | undefined> {
    const { cluster } = this.#options;
    const asked = cluster.running.filter((node) => !this.#frozen.has(node));
    const statuses = await Promise.all(asked.map((node) => node.status()));
    const leaders = statuses.filter((status) => status?.role === "leader");
    const [newest] = leaders.sort((a, b) => (b?.term ?? 0) - (a?.term ?? 0));
    return newest && cluster.node(newest.id);
  }

  async #kill(victims: readonly Node[]): Promise<Undo> {
    await Promise.all(victims.filter((node) => node.isRunning).map((node) => node.kill()));
    return () => victims.forEach(start);
  }

  #stop(node: Node): Undo {
    if (node.isRunning) node.running.signal("SIGTERM");
    return async () => {
      await until(`the end of ${node.name}`, () => !node.isRunning, STOP_MS_MAX);
      start(node);
    };
  }

  #freeze(node: Node): Undo {
    if (!node.isRunning) return () => start(node);
    const process = node.running;
    process.signal("SIGSTOP");
    this.#frozen.add(node);
    return () => {
      this.#frozen.delete(node);
      process.signal("SIGCONT");
    };
  }

  #hold(ways: readonly Way[]): Undo {
    const routes = ways.map(([from, to]) => this.#options.mesh.route(from, to));
    for (const route of routes) route.hold();
    return () => routes.forEach((route) => route.release());
  }

  #slow(ways: readonly Way[], delayMs: number): Undo {
    const routes = ways.map(([from, to]) => this.#options.mesh.route(from, to));
    for (const route of routes) route.delayMs = delayMs;
    return () => routes.forEach((route) => route.delayMs = 0);
  }
}

type Way = readonly [from: string, to: string];

function ways(from: readonly Node[], to: readonly Node[]): Way[] {
  return from.flatMap((one) => to.map((other): Way => [one.name, other.name]));
}

/** Two faults at once may both have taken the node down. */
function start(node: Node): void {
  if (!node.isRunning) node.start();
}

/** Ballast beside the data takes all the space there is, and what the node then frees as well. */
async function fillDisk(node: Node): Promise<Undo> {
  const path = `${node.data}/../ballast`;
  const chunk = new Uint8Array(BALLAST_CHUNK_BYTES);
  let active = true;
  const grow = async (): Promise<void> => {
    const file = await Deno.open(path, { create: true, append: true });
    try {
      while (true) await file.write(chunk);
    } catch (error) {
      if ((error as { code?: string }).code !== "ENOSPC") throw error;
    } finally {
      file.close();
    }
  };
  const keepFull = async (): Promise<void> => {
    while (active) {
      await grow();
      await pause(BALLAST_PAUSE_MS);
    }
  };
  await grow();
  const kept = keepFull();
  return async () => {
    active = false;
    await kept;
    await Deno.remove(path);
  };
}
