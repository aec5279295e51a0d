/**
 * One seed from beginning to end: a safety phase with faults, a liveness phase without, and the
 * verdict. Everything in it is decided by the seed.
 */

import assert from "node:assert/strict";
import { limits, utf8 } from "../../src/base/mod.ts";
import { Audit } from "./audit.ts";
import { assertLinearizable } from "../lin/checker.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { SimCluster } from "../support/sim_cluster.ts";
import { Clients } from "./clients.ts";
import { Counters } from "./counters.ts";
import { Expiries } from "./expiries.ts";
import { Invariants } from "./invariants.ts";
import { Nemesis, ordinarySyncs } from "./nemesis.ts";
import { applyLimits, drawSwarm, type Swarm } from "./swarm.ts";
import { Tellers } from "./tellers.ts";
import { Trace } from "./trace.ts";
import { itemText, Watchers } from "./watchers.ts";

export type Verdict = {
  readonly swarm: Swarm;
  readonly failure: string | null;
  readonly virtualMs: number;
  readonly events: number;
  readonly checks: number;
  readonly faults: number;
  /** Items that went by themselves, counted on each node. */
  readonly expired: number;
  /** Those that the linearizability check looked at: the rest is known to have had no effect. */
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
  const swarm = drawSwarm(seed);
  const usual = { ...limits };
  applyLimits(swarm);
  const run = new Run(swarm, options.traceLinesMax ?? 300);
  // A promise that a node leaves to fail would end its process.
  const onUnhandled = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    run.wrong(event.reason);
  };
  addEventListener("unhandledrejection", onUnhandled);
  let failure: string | null = null;
  try {
    await run.safety();
    await run.liveness();
    run.history();
  } catch (error) {
    failure = error instanceof Error ? error.stack ?? error.message : String(error);
  } finally {
    removeEventListener("unhandledrejection", onUnhandled);
    Object.assign(limits, usual);
  }
  return run.verdict(failure);
}

class Run {
  readonly #swarm: Swarm;
  readonly #cluster: SimCluster;
  readonly #trace: Trace;
  readonly #invariants: Invariants;
  readonly #audit: Audit;
  readonly #clients: Clients;
  readonly #watchers: Watchers;
  readonly #counters: Counters;
  readonly #expiries: Expiries;
  readonly #tellers: Tellers;
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
      onSend: (from, to, bytes) => this.#guard(() => this.#audit.sent(from, to, bytes)),
      onHalt: (id, reason) => {
        this.#trace.add(id, `halted: ${reason}`);
        this.#nemesis.halted(id, reason);
      },
    });
    const parts = { cluster: this.#cluster, swarm, trace: this.#trace };
    this.#clients = new Clients({
      ...parts,
      random: random.fork(),
      onAcknowledged: (index) => this.#guard(() => this.#audit.acknowledged(index)),
    });
    this.#nemesis = new Nemesis({
      ...parts,
      random: random.fork(),
      onEnded: (id) => {
        this.#clients.nodeEnded(id);
        this.#watchers.nodeEnded(id);
        this.#tellers.nodeEnded(id);
      },
      lastDurable: (id) => this.#audit.lastDurable(id),
      onWrong: (error) => this.wrong(error),
    });
    this.#watchers = new Watchers({
      ...parts,
      random: random.fork(),
      onWrong: (error) => this.wrong(error),
    });
    this.#counters = new Counters({
      ...parts,
      random: random.fork(),
      onWrong: (error) => this.wrong(error),
    });
    this.#tellers = new Tellers({
      ...parts,
      random: random.fork(),
      onAcknowledged: (index) => this.#guard(() => this.#audit.acknowledged(index)),
      onWrong: (error) => this.wrong(error),
    });
    this.#audit = new Audit({
      cluster: () => this.#cluster,
      isDamaged: (id) => this.#nemesis.damaged.has(id),
    });
    this.#invariants = new Invariants(this.#cluster);
    this.#expiries = new Expiries({ cluster: this.#cluster, swarm, random: random.fork() });
    this.#cluster.clock.onSettled = () =>
      this.#guard(() => {
        this.#invariants.check();
        this.#expiries.check();
      });
  }

  async safety(): Promise<void> {
    for (const id of this.#cluster.ids) this.#nemesis.restart(id);
    this.#clients.start();
    this.#watchers.start();
    this.#counters.start();
    this.#expiries.start();
    this.#tellers.start();
    this.#nemesis.start();
    await this.#advance(this.#swarm.safetyMs);
  }

  async liveness(): Promise<void> {
    this.#trace.add("sim", "everything heals");
    this.#nemesis.calm();
    this.#clients.finish();
    this.#expiries.finish();
    this.#tellers.finish();
    this.#watchers.hurry();
    this.#counters.finish();
    const cluster = this.#cluster;
    const endMs = cluster.clock.now() + LIVENESS_MS;
    while (!this.#healthy()) {
      assert.ok(cluster.clock.now() < endMs, `no healthy cluster after ${LIVENESS_MS} ms`);
      await this.#advance(100);
    }
    await this.#until("every increment is done", endMs, () => this.#counters.open === 0);
    // Connections that went silent are found out one by one: until then an attempt may fail.
    for (const id of cluster.running) {
      await this.#served(`${id} writes`, endMs, async () => {
        return (await cluster.put(id, `last of ${id}`, "x")).ok;
      });
    }
    for (const id of cluster.running) {
      for (const writer of cluster.running) {
        await this.#served(`${id} reads what ${writer} wrote`, endMs, async () => {
          const answer = await cluster.get(id, `last of ${writer}`);
          if (typeof answer !== "object") assert.equal(answer, "x");
          return answer === "x";
        });
      }
    }
    await this.#until("what is due goes", endMs, () => this.#expiries.isTidy);
    await cluster.converged();
    assert.equal(new Set(cluster.digests()).size, 1, "all nodes hold the same state");
    this.#counters.assertExact(cluster.running[0] as string);
    this.#tellers.assertBalanced(cluster.node(cluster.running[0] as string).state);
    await this.#watched(endMs);
    this.#throwBroken();
  }

  /** What watchers made of what they were told is what the nodes hold. */
  async #watched(endMs: number): Promise<void> {
    const cluster = this.#cluster;
    const { state } = cluster.node(cluster.running[0] as string);
    await this.#until("watchers catch up", endMs, () => {
      const view = state.view();
      const items = new Map(
        Array.from(view.items(utf8("")), ([key, { revision, value }]) => {
          return [new TextDecoder().decode(key), itemText(revision, value)];
        }),
      );
      view.close();
      return this.#watchers.behind(items).length === 0;
    });
  }

  async #until(what: string, endMs: number, holds: () => boolean): Promise<void> {
    while (!holds()) {
      assert.ok(this.#cluster.clock.now() < endMs, `in a healed cluster never: ${what}`);
      await this.#advance(100);
    }
  }

  history(): void {
    const history = this.#clients.recorder.history();
    this.#watchers.assertComplete(history);
    assertLinearizable(history);
  }

  verdict(failure: string | null): Verdict {
    const history = this.#clients.recorder.history();
    return {
      swarm: this.#swarm,
      failure,
      virtualMs: this.#cluster.clock.now(),
      events: this.#cluster.clock.events,
      checks: this.#invariants.checks + this.#audit.looks,
      faults: this.#nemesis.injected,
      expired: this.#expiries.expired,
      operations: history.filter(({ outcome }) => outcome.kind !== "none").length,
      hash: this.#trace.hash,
      trace: this.#trace.text,
    };
  }

  async #served(what: string, endMs: number, attempt: () => Promise<boolean>): Promise<void> {
    while (!(await attempt())) {
      assert.ok(this.#cluster.clock.now() < endMs, `in a healed cluster never: ${what}`);
      await this.#advance(100);
    }
  }

  /** All nodes run that can, nobody waits for anything, and everybody knows the same leader. */
  #healthy(): boolean {
    const cluster = this.#cluster;
    const running = cluster.running;
    if (this.#clients.running + this.#tellers.running > 0 || this.#nemesis.isStopping) return false;
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

  /** For what runs inside the clock and inside nodes, which an exception must not pass through. */
  #guard(check: () => void): void {
    if (this.#broken !== null) return;
    try {
      check();
    } catch (error) {
      this.wrong(error);
    }
  }

  /** The first thing that goes wrong is what the run fails with, at its next step. */
  wrong(error: unknown): void {
    this.#broken ??= error;
  }

  #throwBroken(): void {
    if (this.#broken !== null) throw this.#broken;
  }
}
