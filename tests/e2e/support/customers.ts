/**
 * Clients that behave: each has one connection to one node, writes and reads in turn at a steady
 * pace, and tells how long that took and what failed.
 */

import type { Node } from "./cluster.ts";
import { HttpClient } from "./http.ts";
import { bytesOf, get, put, textOf } from "./kv.ts";
import { pause } from "./wait.ts";

const INTERVAL_MS = 100;

export type Latencies = { readonly count: number; readonly p50Ms: number; readonly p99Ms: number };

function latenciesOf(tookMs: readonly number[]): Latencies {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * sorted.length)] ?? NaN;
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) };
}

export class Customers {
  readonly failures: string[] = [];
  #tookMs: number[] = [];
  /** Of all times; the last ones are in `#tookMs` too. */
  #all: number[] = [];
  #stopped = false;
  readonly #done: Promise<unknown>;

  constructor(nodes: readonly Node[], each: number) {
    const all = nodes.flatMap((node) => Array.from({ length: each }, (_, i) => ({ node, i })));
    this.#done = Promise.all(all.map(({ node, i }) => this.#serve(node, `${node.name}/${i}`)));
  }

  /** Median and 99th percentile in milliseconds of what was answered since the last call. */
  latencies(): Latencies {
    const latest = latenciesOf(this.#tookMs);
    this.#tookMs = [];
    return latest;
  }

  /** The same of everything since the last call of this. */
  allLatencies(): Latencies {
    const all = latenciesOf(this.#all);
    this.#all = [];
    return all;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #serve({ userPort, address }: Node, name: string): Promise<void> {
    const client = new HttpClient(userPort, address);
    try {
      for (let turn = 0; !this.#stopped; turn++) {
        const startedAt = performance.now();
        await this.#once(client, name, turn);
        const tookMs = performance.now() - startedAt;
        this.#tookMs.push(tookMs);
        this.#all.push(tookMs);
        await pause(Math.max(0, INTERVAL_MS - tookMs));
      }
    } finally {
      client.close();
    }
  }

  /** Even turns write their number, odd ones read it. */
  async #once(client: HttpClient, name: string, turn: number): Promise<void> {
    const key = bytesOf(`customer/${name}`);
    try {
      if (turn % 2 === 0) {
        const { effect, why } = await put(client, key, bytesOf(String(turn)));
        if (effect !== "done") this.failures.push(`${name}: PUT ${why}`);
        return;
      }
      const value = await get(client, key);
      const text = value === null ? "nothing" : textOf(value);
      if (text !== String(turn - 1)) this.failures.push(`${name}: read ${text} after ${turn - 1}`);
    } catch (error) {
      this.failures.push(`${name}: ${(error as Error).message}`);
    }
  }
}
