/**
 * Increments of one counter, each with an idempotency key of its own, and each sent to one node
 * after the other, at times to two at once, until a node says that it is done. In the end the
 * counter must be as many as there were: none lost, none counted twice.
 */

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/mod.ts";
import { nobody, Service, type TransactRequest } from "../../src/service/mod.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import type { SimCluster } from "../support/sim_cluster.ts";
import type { Swarm } from "./swarm.ts";
import type { Trace } from "./trace.ts";

export type CountersOptions = {
  readonly cluster: SimCluster;
  readonly random: SeededRandom;
  readonly swarm: Swarm;
  readonly trace: Trace;
  readonly onWrong: (error: unknown) => void;
};

const COUNTER = utf8("counter");
const INCREMENT: TransactRequest = {
  checks: [],
  steps: [{ kind: "sum", key: COUNTER, operand: 1n }],
  elseSteps: [],
};
const TIMEOUT_MS = 2_000;
/** Between two attempts: what is remembered of each is in every snapshot from then on. */
const REST_MS_MAX = 4_000;
/** A sender that hears nothing for so long sends again, to another node. */
const PATIENCE_MS_MAX = 3_000;

export class Counters {
  readonly #options: CountersOptions;
  /** Increments that were begun, and those that a node has said are done. */
  #begun = 0;
  #done = 0;
  #active = true;
  /** What each increment gave, which a repeated answer has to say too. */
  readonly #results = new Map<string, string>();

  constructor(options: CountersOptions) {
    this.#options = options;
  }

  /** Increments whose fate is open. */
  get open(): number {
    return this.#begun - this.#done;
  }

  start(): void {
    for (let at = 0; at < this.#options.swarm.counters; at++) void this.#run();
  }

  /** Each sender ends with the increment that it is at. */
  finish(): void {
    this.#active = false;
  }

  /** To be asked when none is open and `id` has applied everything. */
  assertExact(id: string): void {
    const item = this.#options.cluster.node(id).state.get(COUNTER);
    const value = item === undefined ? "0" : new TextDecoder().decode(item.value);
    assert.equal(value, String(this.#done), `${id} counts other than there were increments`);
  }

  async #run(): Promise<void> {
    const { random, trace } = this.#options;
    while (this.#active) {
      const name = `increment-${++this.#begun}`;
      let attempts = 0;
      let isDone = false;
      while (!isDone) {
        attempts++;
        const count = random.chance(1, 5) ? 2 : 1;
        const answers = Array.from({ length: count }, () => this.#attempt(name));
        isDone = (await Promise.all(answers)).includes(true);
        await this.#sleep(1 + random.below(REST_MS_MAX));
      }
      this.#done++;
      trace.add("counter", `${name} is done after ${attempts} attempts`);
    }
  }

  /** True when a node says that it is done; false when it does not, for whatever reason. */
  #attempt(name: string): Promise<boolean> {
    const { cluster, random } = this.#options;
    const id = cluster.ids[random.below(cluster.ids.length)] as string;
    if (!cluster.isRunning(id)) return Promise.resolve(false);
    return new Promise((resolve) => {
      const patience = cluster.clock.after(1 + random.below(PATIENCE_MS_MAX), () => resolve(false));
      const host = cluster.host(id);
      const replica = cluster.node(id);
      host.clock.soon(() => {
        const service = new Service({ replica, clock: host.clock, requestTimeoutMs: TIMEOUT_MS });
        void this.#ask(service, name).then((isDone) => {
          patience.cancel();
          resolve(isDone);
        }, this.#options.onWrong);
      });
    });
  }

  async #ask(service: Service, name: string): Promise<boolean> {
    const answer = await service.transact(nobody, INCREMENT, { idempotencyKey: name });
    if (!answer.ok) {
      assert.notEqual(answer.error.code, "idempotencyKeyReused", name);
      return false;
    }
    const { revision, results: [result] } = answer.value;
    const text = `${revision}: ${result?.kind === "number" ? result.value : result?.kind}`;
    const before = this.#results.get(name);
    assert.equal(text, before ?? text, `${name} was answered in two ways`);
    this.#results.set(name, text);
    return true;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.cluster.clock.after(ms, resolve));
  }
}
