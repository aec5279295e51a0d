/**
 * One seed from beginning to end: a safety phase with faults, a liveness phase without, and the
 * verdict. Everything in it is decided by the seed.
 */

import assert from "node:assert/strict";
import { assertLinearizable } from "../lin/checker.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { SimCluster } from "../support/sim_cluster.ts";
import { Clients } from "./clients.ts";
import { Invariants } from "./invariants.ts";
import { Nemesis, ordinarySyncs } from "./nemesis.ts";
import { drawSwarm, type Swarm } from "./swarm.ts";
import { Trace } from "./trace.ts";

export type Verdict = {
  readonly swarm: Swarm;
  readonly failure: string | null;
  readonly virtualMs: number;
  readonly events: number;
  readonly checks: number;
  readonly faults: number;
  readonly operations: number;
  /** Equal for two runs of one seed. */
  readonly hash: string;
  readonly trace: string;
};

export type RunOptions = {
  /** How many of the last lines of the trace are kept. */
  readonly traceLinesMax?: number;
};

/** A healed cluster must elect, catch up and serve within this time. */
const LIVENESS_MS = 60_000;

export async function runSeed(seed: number, options: RunOptions = {}): Promise<Verdict> {
  const run = new Run(drawSwarm(seed), options.traceLinesMax ?? 300);
  let failure: string | null = null;
  try {
    await run.safety();
    await run.liveness();
    run.linearizability();
  } catch (error) {
    failure = error instanceof Error ? error.stack ?? error.message : String(error);
  }
  return run.verdict(failure);
}

class Run {
  readonly #swarm: Swarm;
  readonly #cluster: SimCluster;
  readonly #trace: Trace;
  readonly #invariants: Invariants;
  readonly #clients: Clients;
  readonly #nemesis: Nemesis;
  #broken: unknown = null;

  constructor(swarm: Swarm, traceLinesMax: number) {
    const random = new SeededRandom(swarm.seed).fork();
    this.#swarm = swarm;
    this.#trace = new Trace(() => this.#cluster.clock.now(), traceLinesMax);
    const disks = random.fork();
    this.#cluster = new SimCluster({
      nodes: swarm.nodes,
      seed: random.below(2 ** 32),
      electionTimeoutMs: swarm.electionTimeoutMs,
      snapshotEntries: swarm.snapshotEntries,
      segmentBytes: swarm.segmentBytes,
      conditions: { delayMsMin: 0, delayMsMax: swarm.delayMsMax, fragment: swarm.fragment },
      prepareDisk: (disk, clock) => ordinarySyncs(clock, disk, disks, swarm),
      onLog: (id, line) => this.#trace.add(id, line),
      onHalt: (id, reason) => {
        this.#trace.add(id, `halted: ${reason}`);
        this.#nemesis.halted(id);
      },
    });
    const parts = { cluster: this.#cluster, swarm, trace: this.#trace };
    this.#clients = new Clients({ ...parts, random: random.fork() });
    this.#nemesis = new Nemesis({
      ...parts,
      random: random.fork(),
      onEnded: (id) => this.#clients.nodeEnded(id),
    });
    this.#invariants = new Invariants(this.#cluster);
    this.#cluster.clock.onSettled = () => this.#check();
  }

  async safety(): Promise<void> {
    for (const id of this.#cluster.ids) this.#nemesis.restart(id);
    this.#clients.start();
    this.#nemesis.start();
    await this.#advance(this.#swarm.safetyMs);
  }

  async liveness(): Promise<void> {
    this.#trace.add("sim", "everything heals");
    this.#nemesis.calm();
    this.#clients.finish();
    const cluster = this.#cluster;
    const endMs = cluster.clock.now() + LIVENESS_MS;
    while (!this.#healthy()) {
      assert.ok(cluster.clock.now() < endMs, `no healthy cluster after ${LIVENESS_MS} ms`);
      await this.#advance(100);
    }
    for (const id of cluster.running) {
      const put = await cluster.put(id, `last of ${id}`, "x");
      assert.ok(put.ok, `a healed node does not write: ${JSON.stringify(put)}`);
    }
    for (const id of cluster.running) {
      for (const writer of cluster.running) {
        assert.equal(await cluster.get(id, `last of ${writer}`), "x");
      }
    }
    await cluster.converged();
    assert.equal(new Set(cluster.digests()).size, 1, "all nodes hold the same state");
    this.#throwBroken();
  }

  linearizability(): void {
    assertLinearizable(this.#clients.recorder.history());
  }

  verdict(failure: string | null): Verdict {
    return {
      swarm: this.#swarm,
      failure,
      virtualMs: this.#cluster.clock.now(),
      events: this.#cluster.clock.events,
      checks: this.#invariants.checks,
      faults: this.#nemesis.injected,
      operations: this.#clients.recorder.count,
      hash: this.#trace.hash,
      trace: this.#trace.text,
    };
  }

  /** All nodes run that can, nobody waits for anything, and everybody knows the same leader. */
  #healthy(): boolean {
    const cluster = this.#cluster;
    const running = cluster.running;
    if (this.#clients.running > 0) return false;
    if (running.length < this.#swarm.nodes - this.#nemesis.lost.size) return false;
    const states = running.map((id) => cluster.node(id).consensus);
    const leader = states[0]?.leader;
    return leader !== null && states.every((state) => state.leader === leader) &&
      states.every(({ applied, last }) => applied === last.index);
  }

  async #advance(ms: number): Promise<void> {
    const { clock } = this.#cluster;
    const endMs = clock.now() + ms;
    while (clock.now() < endMs) {
      await clock.advance(Math.min(100, endMs - clock.now()));
      this.#throwBroken();
    }
  }

  /** Runs inside the clock, which an exception must not pass through: `#advance` throws it. */
  #check(): void {
    if (this.#broken !== null) return;
    try {
      this.#invariants.check();
    } catch (error) {
      this.#broken = error;
    }
  }

  #throwBroken(): void {
    if (this.#broken !== null) throw this.#broken;
  }
}
