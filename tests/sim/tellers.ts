/**
 * Tellers of the simulated cluster: they move amounts between a few accounts by transactions, count
 * them in the same transactions, and look at all of it at once, by transactions and by lists.
 *
 * Whatever happens to nodes, at each revision that anybody is shown the accounts add up to nothing;
 * each transfer that was acknowledged has its own place in the count, behind all that were
 * acknowledged before it began; and no look finds fewer than were acknowledged before it, or more
 * than can have happened by then.
 */

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/mod.ts";
import type { KvState } from "../../src/kv/mod.ts";
import { type ListRequest, nobody, type WantedStep } from "../../src/service/mod.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import type { SimCluster } from "../support/sim_cluster.ts";
import { Asking } from "./asking.ts";
import type { Swarm } from "./swarm.ts";
import type { Trace } from "./trace.ts";

export type TellersOptions = {
  readonly cluster: SimCluster;
  readonly random: SeededRandom;
  readonly swarm: Swarm;
  readonly trace: Trace;
  readonly onAcknowledged: (index: number) => void;
  readonly onWrong: (error: unknown) => void;
};

type Look = { readonly key: string; readonly value: string };

const PREFIX = utf8("account");
const ACCOUNTS = ["account0", "account1", "account2"];
const COUNT = "accounts-moved";
const ALL = [...ACCOUNTS, COUNT];
const AMOUNT_MAX = 100;

export class Tellers {
  readonly #options: TellersOptions;
  readonly #asking: Asking;
  #running = 0;
  #active = true;
  /** Transfers that began, less those that are known to have had no effect. */
  #possible = 0;
  /** The counts that acknowledged transfers were given. */
  readonly #counts = new Set<number>();
  #highest = 0;

  constructor(options: TellersOptions) {
    this.#options = options;
    this.#asking = new Asking(options.cluster);
  }

  get running(): number {
    return this.#running;
  }

  start(): void {
    for (let number = 1; number <= this.#options.swarm.tellers; number++) {
      void this.#run(`t${number}`).catch(this.#options.onWrong);
    }
  }

  finish(): void {
    this.#active = false;
  }

  nodeEnded(id: string): void {
    this.#asking.nodeEnded(id);
  }

  /** What a node holds at the end. */
  assertBalanced(state: KvState): void {
    const looks = ALL.map((key) => ({ key, value: textOf(state.get(utf8(key))?.value) }));
    this.#judge("the end", looks, this.#counts.size, this.#possible);
  }

  async #run(name: string): Promise<void> {
    const { cluster, random, swarm } = this.#options;
    this.#running++;
    while (this.#active) {
      const id = cluster.ids[random.below(cluster.ids.length)] as string;
      const dice = random.below(10);
      if (cluster.isRunning(id)) {
        if (dice < 6) await this.#transfer(name, id);
        else if (dice < 8) await this.#look(name, id);
        else await this.#list(name, id, dice === 8);
      }
      await this.#sleep(1 + random.below(swarm.thinkMsMax));
    }
    this.#running--;
  }

  async #transfer(name: string, id: string): Promise<void> {
    const { random, cluster, trace } = this.#options;
    const [from, to] = this.#twoAccounts();
    const amount = BigInt(1 + random.below(AMOUNT_MAX));
    // Half of them only if the account holds what this very node thinks, however old that is.
    const key = utf8(from);
    const seen = cluster.node(id).state.get(key);
    const check = seen === undefined
      ? { kind: "revision", key, revision: 0 } as const
      : { kind: "value", key, value: seen.value.slice() } as const;
    const steps: WantedStep[] = [
      { kind: "sum", key, operand: -amount },
      { kind: "sum", key: utf8(to), operand: amount },
      { kind: "sum", key: utf8(COUNT), operand: 1n },
    ];
    const request = { checks: random.chance(1, 2) ? [check] : [], steps, elseSteps: [] };
    const before = this.#highest;
    this.#possible++;
    const answer = await this.#asking.ask(id, (service) => service.transact(nobody, request));
    const isRefused = answer?.ok === true && answer.value.failedCheck !== null;
    const isNone = answer?.ok === false && answer.error.effect === "none";
    if (isRefused || isNone) this.#possible--;
    if (answer?.ok === false) assert.notEqual(answer.error.code, "stepFailed", name);
    if (answer?.ok) this.#options.onAcknowledged(answer.value.revision);
    if (answer?.ok && !isRefused) {
      const count = answer.value.results[2];
      assert.ok(count?.kind === "number", name);
      this.#counted(name, Number(count.value), before);
    }
    const outcome = answer === null ? "unknown" : answer.ok ? "answered" : answer.error.code;
    trace.add(name, `${id}: ${amount} from ${from} to ${to}: ${outcome}`);
  }

  #counted(name: string, count: number, before: number): void {
    assert.ok(!this.#counts.has(count), `${name}: two transfers were number ${count}`);
    assert.ok(count > before, `${name}: number ${count} began after ${before} was acknowledged`);
    this.#counts.add(count);
    this.#highest = Math.max(this.#highest, count);
  }

  async #look(name: string, id: string): Promise<void> {
    const steps = ALL.map((key): WantedStep => ({ kind: "get", key: utf8(key) }));
    const least = this.#highest;
    const request = { checks: [], steps, elseSteps: [] };
    const answer = await this.#asking.ask(id, (service) => service.transact(nobody, request));
    if (!answer?.ok) return;
    this.#options.onAcknowledged(answer.value.revision);
    const looks = answer.value.results.map((result, at) => ({
      key: ALL[at] as string,
      value: textOf(result.kind === "got" ? result.item?.value : undefined),
    }));
    this.#judge(`${name} looks at ${id}`, looks, least, this.#possible);
  }

  /** A stale page is of one revision too, but nobody knows of which. */
  async #list(name: string, id: string, stale: boolean): Promise<void> {
    const least = stale ? 0 : this.#highest;
    const request: ListRequest = { prefix: PREFIX, reverse: false, limit: 100, values: true };
    const consistency = stale ? "stale" : "linearizable";
    const answer = await this.#asking.ask(
      id,
      (service) => service.list(nobody, request, { consistency }),
    );
    if (!answer?.ok) return;
    const looks = answer.value.items.map(({ key, item }) => ({
      key: textOf(key),
      value: textOf(item.value),
    }));
    this.#judge(`${name} lists ${id}, ${consistency}`, looks, least, this.#possible);
  }

  #judge(what: string, looks: readonly Look[], least: number, most: number): void {
    const values = new Map(looks.map(({ key, value }) => [key, Number(value)]));
    const sum = ACCOUNTS.reduce((sum, key) => sum + (values.get(key) ?? 0), 0);
    assert.equal(sum, 0, `${what}: the accounts add up`);
    const count = values.get(COUNT) ?? 0;
    assert.ok(count >= least, `${what}: ${count} transfers, and ${least} were acknowledged`);
    assert.ok(count <= most, `${what}: ${count} transfers, and ${most} can have happened`);
  }

  #twoAccounts(): [string, string] {
    const { random } = this.#options;
    const from = random.below(ACCOUNTS.length);
    const to = (from + 1 + random.below(ACCOUNTS.length - 1)) % ACCOUNTS.length;
    return [ACCOUNTS[from] as string, ACCOUNTS[to] as string];
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.cluster.clock.after(ms, resolve));
  }
}

function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}
