/**
 * Clients of the simulated cluster: each sends one operation at a time, or a burst of them, to a
 * random node, through the same service that every protocol calls, and records what it was told.
 */

import { type Result, utf8 } from "../../src/base/mod.ts";
import { nobody, type Service, type ServiceError } from "../../src/service/mod.ts";
import { type Call, callText, type Outcome, outcomeText } from "../lin/history.ts";
import { Recorder } from "../lin/recorder.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import type { SimCluster } from "../support/sim_cluster.ts";
import { Asking, TIMEOUT_MS } from "./asking.ts";
import type { Swarm } from "./swarm.ts";
import type { Trace } from "./trace.ts";
import { nameOf, paddedValue } from "./values.ts";

export type ClientsOptions = {
  readonly cluster: SimCluster;
  readonly random: SeededRandom;
  readonly swarm: Swarm;
  readonly trace: Trace;
  /** A client was told that the log has this entry for good. */
  readonly onAcknowledged: (index: number) => void;
};

/** Of a hundred: with it, a record is written as well. */
const RECORD_DICE = 99;

export class Clients {
  readonly recorder: Recorder;
  readonly #options: ClientsOptions;
  readonly #asking: Asking;
  #running = 0;
  #active = true;
  #values = 0;

  constructor(options: ClientsOptions) {
    this.#options = options;
    this.#asking = new Asking(options.cluster);
    this.recorder = new Recorder(() => options.cluster.clock.now());
  }

  get running(): number {
    return this.#running;
  }

  start(): void {
    for (let number = 1; number <= this.#options.swarm.clients; number++) {
      void this.#run(number);
    }
  }

  /** Each client ends after the operation that it is at. */
  finish(): void {
    this.#active = false;
  }

  /** The process of `id` is gone: nobody will answer what it was asked. */
  nodeEnded(id: string): void {
    this.#asking.nodeEnded(id);
  }

  async #run(number: number): Promise<void> {
    const { cluster, random, swarm } = this.#options;
    this.#running++;
    while (this.#active) {
      const id = cluster.ids[random.below(cluster.ids.length)] as string;
      const count = random.chance(1, 10) ? swarm.burst : 1;
      const operations = Array.from({ length: count }, (_, which) => {
        return this.#operate(count === 1 ? `c${number}` : `c${number}.${which}`, id);
      });
      await Promise.all(operations);
      await this.#sleep(1 + random.below(swarm.thinkMsMax));
    }
    this.#running--;
  }

  async #operate(client: string, id: string): Promise<void> {
    const { random, swarm, cluster } = this.#options;
    if (!cluster.isRunning(id)) return;
    const key = this.#key();
    const dice = random.below(100);
    if (dice === RECORD_DICE) this.#setRecord(id, key);
    if (dice < swarm.readPercent) return await this.#get(client, id, key);
    if (dice % 10 === 0) return await this.#delete(client, id, key);
    const value = `${++this.#values}`;
    if (dice % 10 > 3) return await this.#put(client, id, key, { kind: "put", value });
    // Overwrites what this very node holds just now, however old that is.
    const expected = cluster.node(id).state.get(utf8(key))?.revision ?? 0;
    return await this.#put(client, id, key, { kind: "cas", value, expected });
  }

  /** No client hears of records; that they are the same everywhere is a matter of digests. */
  #setRecord(id: string, name: string): void {
    const { cluster } = this.#options;
    const body = utf8(`${this.#values}`);
    const set = { kind: "setRecord", of: "policy", name, body } as const;
    const { clock } = cluster.host(id);
    clock.soon(() => {
      void cluster.node(id).execute({ checks: [], mutations: [set] }, clock.now() + TIMEOUT_MS);
    });
  }

  async #get(client: string, id: string, key: string): Promise<void> {
    await this.#record(
      { client, id, key, call: { kind: "get" } },
      (service) => service.read(nobody, utf8(key), { consistency: "linearizable" }),
      ({ item }) =>
        item === null
          ? { kind: "read", value: null, revision: 0 }
          : { kind: "read", value: nameOf(item.value), revision: item.revision },
    );
  }

  async #delete(client: string, id: string, key: string): Promise<void> {
    await this.#record(
      { client, id, key, call: { kind: "delete" } },
      (service) => service.delete(nobody, utf8(key)),
      ({ revision, existed }) => ({ kind: "deleted", revision, existed }),
    );
  }

  async #put(
    client: string,
    id: string,
    key: string,
    call: Extract<Call, { kind: "put" | "cas" }>,
  ): Promise<void> {
    const request = { key: utf8(key), value: this.#padded(call.value), contentType: "" };
    const conditions = call.kind === "cas" ? { conditions: { revision: call.expected } } : {};
    await this.#record(
      { client, id, key, call },
      (service) => service.put(nobody, request, conditions),
      ({ revision, created }) => ({ kind: "written", revision, created }),
    );
  }

  async #record<T>(
    { client, id, key, call }: { client: string; id: string; key: string; call: Call },
    operation: (service: Service) => Promise<Result<T, ServiceError>>,
    outcomeOf: (answer: T) => Outcome,
  ): Promise<void> {
    const begun = this.recorder.begin(client, key, call);
    const answer = await this.#asking.ask(id, operation);
    const outcome = answer?.ok ? outcomeOf(answer.value) : failureOf(answer?.error ?? null, call);
    this.recorder.end(begun, outcome);
    if (outcome.kind === "written" || outcome.kind === "deleted") {
      this.#options.onAcknowledged(outcome.revision);
    }
    const why = answer?.ok === false ? ` (${answer.error.code})` : "";
    this.#options.trace.add(
      client,
      `${id}: ${callText(call)} of ${key}: ${outcomeText(outcome)}${why}`,
    );
  }

  #key(): string {
    const { random, swarm } = this.#options;
    return random.below(100) < swarm.hotPercent ? "k0" : `k${random.below(swarm.keys)}`;
  }

  #padded(value: string): Uint8Array {
    const { random, swarm } = this.#options;
    return paddedValue(value, 1 + random.below(swarm.valueBytesMax));
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.cluster.clock.after(ms, resolve));
  }
}

/** Without an answer nothing is known; a read has no effect that could be unknown. */
function failureOf(error: ServiceError | null, call: Call): Outcome {
  if (error?.code === "conditionFailed") return { kind: "refused", revision: error.revision ?? 0 };
  const none = call.kind === "get" || error?.effect === "none";
  return { kind: none ? "none" : "unknown" };
}
