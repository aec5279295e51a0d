/**
 * Steady writes through several nodes at a fixed pace, whatever the answers: a node that hangs does
 * not slow the others' clients down, and a pause in the acknowledgements is a pause of the cluster.
 */

import type { SeededRandom } from "../../support/seeded_random.ts";
import type { Node } from "./cluster.ts";
import { bytesOf, put, type WriteOutcome } from "./kv.ts";
import type { Ledger } from "./ledger.ts";
import { pause } from "./wait.ts";

export type LoadOptions = {
  readonly nodes: readonly Node[];
  readonly ledger: Ledger;
  readonly random: SeededRandom;
  readonly perSecond?: number;
};

type Done = { readonly node: Node; readonly startedAt: number; readonly endedAt: number };

/** Keys that are written again and again, beside those that are written once. */
const REGISTERS = 10;
const VALUE_BYTES_MAX = 300;

export class Load {
  readonly #options: LoadOptions;
  readonly #acknowledged: Done[] = [];
  readonly refused: { readonly node: Node; readonly at: number; readonly outcome: WriteOutcome }[] =
    [];
  readonly #open = new Set<Promise<void>>();
  readonly #busyRegisters = new Set<number>();
  readonly #left = new Set<Node>();
  #count = 0;
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Stops, and waits for the outcome of every write. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await Promise.all(this.#open);
  }

  /** Writes go to `node` again: a client leaves a node that says that it is going. */
  returnTo(node: Node): void {
    this.#left.delete(node);
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.length;
  }

  /** The longest time from `since` on in which clients of `nodes` got no acknowledgement. */
  longestGapMs(nodes: readonly Node[], since: number): number {
    const times = this.#at(nodes).filter((at) => at >= since);
    const before = this.#at(nodes).filter((at) => at < since).at(-1) ?? since;
    return longest([before, ...times]);
  }

  /** The longest time that an acknowledged write took. */
  slowestMs(): number {
    return Math.max(...this.#acknowledged.map(({ startedAt, endedAt }) => endedAt - startedAt));
  }

  #at(nodes: readonly Node[]): number[] {
    return this.#acknowledged.filter(({ node }) => nodes.includes(node)).map(({ endedAt }) =>
      endedAt
    );
  }

  async #run(): Promise<void> {
    const intervalMs = 1000 / (this.#options.perSecond ?? 50);
    const startedAt = performance.now();
    while (!this.#stopped) {
      const write = this.#write();
      this.#open.add(write);
      void write.finally(() => this.#open.delete(write));
      await pause(Math.max(0, startedAt + this.#count * intervalMs - performance.now()));
    }
  }

  async #write(): Promise<void> {
    const { nodes, random, ledger } = this.#options;
    const number = this.#count++;
    const here = nodes.filter((node) => !this.#left.has(node));
    const node = here[number % here.length] as Node;
    const value = random.bytes(random.between(0, VALUE_BYTES_MAX));
    const register = number % 5 === 0 ? this.#freeRegister() : undefined;
    const key = register === undefined
      ? new Uint8Array([...bytesOf(`load/${number}/`), ...random.bytes(8)])
      : bytesOf(`register/${register}`);
    const startedAt = performance.now();
    const outcome = await put(node.client, key, value);
    const endedAt = performance.now();
    ledger.record(key, value, outcome);
    if (outcome.effect === "done") this.#acknowledged.push({ node, startedAt, endedAt });
    else this.refused.push({ node, at: endedAt, outcome });
    if (outcome.why === "503 stopping") this.#left.add(node);
    if (register !== undefined) this.#busyRegisters.delete(register);
  }

  #freeRegister(): number | undefined {
    for (let register = 0; register < REGISTERS; register++) {
      if (this.#busyRegisters.has(register)) continue;
      this.#busyRegisters.add(register);
      return register;
    }
    return undefined;
  }
}

function longest(times: readonly number[]): number {
  return Math.max(0, ...times.slice(1).map((at, i) => at - (times[i] as number)));
}
