/**
 * Makes things go wrong, at random moments, for random spans, and undoes every one of them. At the
 * end of the safety phase `calm` undoes all that is left, so that liveness can be asked for.
 */

import type { Clock } from "../../src/base/mod.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import type { SimCluster } from "../support/sim_cluster.ts";
import type { CrashMode, SimDisk } from "../support/sim_disk.ts";
import { type FaultKind, LINK_FAULTS, type Swarm } from "./swarm.ts";
import type { Trace } from "./trace.ts";

const PROCESS_FAULTS: ReadonlySet<FaultKind> = new Set([
  "crash",
  "kill",
  "stop",
  "pause",
  "clockJump",
]);

export type NemesisOptions = {
  readonly cluster: SimCluster;
  readonly random: SeededRandom;
  readonly swarm: Swarm;
  readonly trace: Trace;
  /** A process that clients talk to is gone. */
  readonly onEnded: (id: string) => void;
  /** How far the log on the disk of a node goes. */
  readonly lastDurable: (id: string) => number;
  /** Something went wrong that no fault explains. */
  readonly onWrong: (error: Error) => void;
};

const WALL_JUMP_MS = 3_600_000;

export class Nemesis {
  readonly #options: NemesisOptions;
  readonly #starting = new Set<string>();
  readonly #stopping = new Set<string>();
  /** Nodes whose data was damaged, with how far their logs went before, */
  readonly damaged = new Map<string, number>();
  /** and those of them that refuse to start: there is no cure for that yet. */
  readonly lost = new Map<string, string>();
  #active = true;
  /** Faults that something felt: a process that does not run cannot be killed. */
  injected = 0;

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  /** Injects faults until `calm`. */
  start(): void {
    if (this.#options.swarm.faults.length > 0) this.#later();
  }

  /** No more faults; everything that was undone, and every node that can run runs. */
  calm(): void {
    this.#active = false;
    const { cluster } = this.#options;
    cluster.network.heal();
    for (const id of cluster.ids) {
      this.#calmNode(id);
      this.restart(id);
    }
  }

  /** Whether some node that still runs is about to leave. */
  get isStopping(): boolean {
    return this.#stopping.size > 0;
  }

  /** Starts `id` if it does not run, and keeps trying for as long as that takes. */
  restart(id: string): void {
    const { cluster, trace } = this.#options;
    const idle = !cluster.isRunning(id) && !this.#starting.has(id) && !this.#stopping.has(id);
    if (!idle || this.lost.has(id)) return;
    this.#starting.add(id);
    trace.add(id, "starts");
    const launched = cluster.launch(id);
    const host = cluster.host(id);
    void launched.then((started) => {
      if (cluster.host(id) !== host) return; // it crashed while it was starting
      this.#starting.delete(id);
      if (started.ok) return this.#expectWhole(id, started.value.consensus.last.index);
      const { reason } = started.error;
      trace.add(id, `does not start: ${reason}`);
      if (this.damaged.has(id)) this.lost.set(id, reason);
      else {
        this.#expectInjected(id, reason);
        cluster.clock.after(1_000, () => this.restart(id));
      }
    });
  }

  /** A node stopped by itself; its process would be started again by whoever watches it. */
  halted(id: string, reason: string): void {
    if (!this.damaged.has(id)) this.#expectInjected(id, reason);
    this.#stopping.delete(id); // the dead process will not report that it has stopped
    this.#options.onEnded(id);
    this.#options.cluster.clock.after(500, () => this.restart(id));
  }

  /** A node that starts on damaged data has found all of it nevertheless. */
  #expectWhole(id: string, last: number): void {
    const before = this.damaged.get(id) ?? 0;
    if (before > 0) this.damaged.set(id, 0); // from now on a leader may shorten it
    if (last >= before) return;
    this.#options.onWrong(new Error(`${id} starts with a log up to ${last}, it went to ${before}`));
  }

  /** A node gives up for a failure that its disk was told to have, and for nothing else. */
  #expectInjected(id: string, reason: string): void {
    if (/injected|no space left/.test(reason)) return;
    this.#options.onWrong(new Error(`${id} gives up although nothing was done to it: ${reason}`));
  }

  #later(): void {
    const { cluster, random, swarm } = this.#options;
    cluster.clock.after(1 + random.below(2 * swarm.faultEveryMs), () => {
      if (!this.#active) return;
      this.#inject(swarm.faults[random.below(swarm.faults.length)] as FaultKind);
      this.#later();
    });
  }

  #inject(fault: FaultKind): void {
    const { cluster, random, swarm, trace } = this.#options;
    const id = this.#anyNode();
    if (this.#isFelt(fault, id)) this.injected++;
    const spanMs = 1 + random.below(5 * swarm.electionTimeoutMs);
    const undoLater = (undo: () => void) => cluster.clock.after(spanMs, undo);
    trace.add("fault", `${fault} ${id} for ${spanMs} ms`);
    switch (fault) {
      case "crash":
      case "kill":
        this.#end(id, fault);
        return void undoLater(() => this.restart(id));
      case "blackout":
        for (const one of cluster.ids) {
          this.#end(one, "crash");
          cluster.clock.after(1 + random.below(spanMs), () => this.restart(one));
        }
        return;
      case "stop":
        this.#stop(id);
        return void undoLater(() => this.restart(id));
      case "pause": {
        const host = cluster.isRunning(id) ? cluster.host(id) : null;
        host?.pause();
        return void undoLater(() => host?.resume());
      }
      case "clockJump":
        if (cluster.isRunning(id)) {
          cluster.host(id).wallOffsetMs += random.between(-WALL_JUMP_MS, WALL_JUMP_MS);
        }
        return;
      case "bitFlip":
        return this.#flip(id);
      case "reset":
        return cluster.network.reset(id, this.#anyNode());
      case "silence":
        return cluster.network.silence(id, this.#anyNode());
      case "slowDisk":
      case "stalledDisk":
      case "fullDisk":
      case "failedSync":
        this.#troubleDisk(fault, id);
        return void undoLater(() => this.#calmDisk(id));
      default:
        this.#troubleNetwork(fault, id);
        return void undoLater(() => this.#calmNetwork());
    }
  }

  #isFelt(fault: FaultKind, id: string): boolean {
    const { cluster, swarm } = this.#options;
    if (PROCESS_FAULTS.has(fault)) return cluster.isRunning(id) || this.#starting.has(id);
    if (LINK_FAULTS.some((one) => one === fault)) return swarm.nodes > 1;
    return fault !== "bitFlip"; // which counts itself
  }

  /** Ends the process alone, or with it all that its disk was not yet made to keep. */
  #end(id: string, how: "crash" | "kill", mode?: CrashMode): void {
    const { cluster, random, onEnded } = this.#options;
    if (!cluster.isRunning(id) && !this.#starting.has(id)) return;
    this.#starting.delete(id);
    this.#stopping.delete(id);
    if (how === "kill") cluster.kill(id);
    else cluster.crash(id, mode ?? (random.chance(1, 2) ? "drop" : "random"));
    onEnded(id);
  }

  #stop(id: string): void {
    const { cluster, trace, onEnded } = this.#options;
    if (!cluster.isRunning(id) || this.#stopping.has(id)) return;
    this.#stopping.add(id);
    const node = cluster.node(id);
    void node.stop(3_000).then(() => {
      if (!cluster.isRunning(id) || cluster.node(id) !== node) return; // crashed meanwhile
      this.#stopping.delete(id);
      cluster.ended(id);
      onEnded(id);
      trace.add(id, "stopped");
      cluster.clock.after(100, () => this.restart(id));
    });
  }

  /** Damage at rest, never on so many nodes that the cluster could not be expected to go on. */
  #flip(id: string): void {
    const { cluster, random, swarm, trace } = this.#options;
    const bearable = Math.floor((swarm.nodes - 1) / 2);
    if (this.damaged.size >= bearable || this.damaged.has(id) || !cluster.isRunning(id)) return;
    if (cluster.node(id).consensus.isFounding) return; // until then a cluster needs every node
    this.#end(id, "crash", "drop");
    const disk = cluster.disk(id);
    const paths = ["data/wal", "data/snapshots"].flatMap((folder) =>
      disk.list(folder).map((name) => `${folder}/${name}`)
    );
    const path = paths[random.below(paths.length)];
    const size = path === undefined ? 0 : disk.open(path, "read").size();
    if (path === undefined || size === 0) return this.restart(id);
    const offset = random.below(size);
    this.injected++;
    this.damaged.set(id, this.#options.lastDurable(id));
    disk.corrupt(path, offset, 1 << random.below(8));
    trace.add(id, `bit flipped in ${path} at ${offset}`);
    this.restart(id);
  }

  #troubleNetwork(fault: FaultKind, id: string): void {
    const { cluster, random } = this.#options;
    const { network, ids } = cluster;
    const others = ids.filter((other) => other !== id);
    switch (fault) {
      case "isolate":
        return network.partition([id], others);
      case "partition": {
        const half = ids.filter(() => random.chance(1, 2));
        return network.partition(half, ids.filter((other) => !half.includes(other)));
      }
      case "oneWay": {
        const direction = random.chance(1, 2);
        for (const other of others) {
          if (random.chance(1, 2)) network.route(...way(id, other, direction)).hold();
        }
        return;
      }
      case "bridge": {
        const left = others.filter((_, at) => at % 2 === 0);
        return network.partition(left, others.filter((other) => !left.includes(other)));
      }
      case "slowNetwork":
        for (const other of others) {
          network.route(id, other).set({ delayMsMax: 1_000 });
          network.route(other, id).set({ delayMsMax: 1_000 });
        }
        return;
      default:
        throw new Error(`${fault} is no network fault`);
    }
  }

  #calmNetwork(): void {
    const { cluster, swarm } = this.#options;
    cluster.network.heal();
    for (const from of cluster.ids) {
      for (const to of cluster.ids) {
        if (from !== to) cluster.network.route(from, to).set({ delayMsMax: swarm.delayMsMax });
      }
    }
  }

  #troubleDisk(fault: FaultKind, id: string): void {
    const { cluster, random, swarm } = this.#options;
    const disk = cluster.disk(id);
    switch (fault) {
      case "stalledDisk":
        return disk.holdSyncs();
      case "fullDisk":
        disk.faults.capacityBytes = disk.usedBytes + random.below(4_096);
        return;
      case "failedSync":
        disk.faults.failSync = () => true;
        return;
      default:
        disk.schedule = (complete) =>
          void cluster.clock.after(random.below(swarm.electionTimeoutMs), complete);
    }
  }

  #calmDisk(id: string): void {
    const { cluster, swarm, random } = this.#options;
    const disk = cluster.disk(id);
    disk.faults.capacityBytes = Infinity;
    disk.faults.failSync = undefined;
    ordinarySyncs(cluster.clock, disk, random, swarm);
    disk.releaseSyncs();
  }

  #calmNode(id: string): void {
    const { cluster } = this.#options;
    this.#calmDisk(id);
    this.#calmNetwork();
    if (cluster.isRunning(id)) cluster.host(id).resume();
  }

  #anyNode(): string {
    const { cluster, random } = this.#options;
    return cluster.ids[random.below(cluster.ids.length)] as string;
  }
}

/** Syncs take up to what the swarm says. */
export function ordinarySyncs(
  clock: Clock,
  disk: SimDisk,
  random: SeededRandom,
  swarm: Swarm,
): void {
  disk.schedule = swarm.syncMsMax === 0
    ? (complete) => complete()
    : (complete) => void clock.after(random.below(swarm.syncMsMax + 1), complete);
}

function way(one: string, other: string, there: boolean): [from: string, to: string] {
  return there ? [one, other] : [other, one];
}
