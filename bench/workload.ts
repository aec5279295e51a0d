/**
 * What is measured: the workloads, in which order their rounds run, and for how long.
 */

export type Operation = "write" | "read";

/** The data that a target holds. Values are as long in every round, so that reads can be checked. */
export type Data = {
  readonly keys: number;
  readonly valueBytes: number;
};

export type Workload = {
  readonly operation: Operation;
  /** Each has one connection and one request under way. They are spread evenly over all nodes. */
  readonly clients: number;
};

export type Plan = {
  readonly data: Data;
  readonly clients: readonly number[];
  /** Of each workload. The median over them is what counts. */
  readonly rounds: number;
  /** Before each round's figures begin: connections open, batches settle. */
  readonly warmupMs: number;
  readonly measureMs: number;
};

const CLIENTS = [1, 64, 256];

/** Under three minutes. */
export const DEFAULT_PLAN: Plan = {
  data: { keys: 100_000, valueBytes: 256 },
  clients: CLIENTS,
  rounds: 5,
  warmupMs: 500,
  measureMs: 3_000,
};

/** Under one minute: shows whether something is far off, not by how much. */
export const QUICK_PLAN: Plan = {
  data: { keys: 10_000, valueBytes: 256 },
  clients: CLIENTS,
  rounds: 3,
  warmupMs: 250,
  measureMs: 1_000,
};

/**
 * Writes and reads take turns, so that what changes while the bench runs (a warmer machine, a
 * longer log, a neighbour) falls on both alike.
 */
export function* roundsOf(plan: Plan): Generator<Workload> {
  for (const clients of plan.clients) {
    for (let round = 0; round < plan.rounds; round++) {
      yield { operation: "write", clients };
      yield { operation: "read", clients };
    }
  }
}

/** How long all rounds of `plan` take on one target. */
export function planMs(plan: Plan): number {
  return [...roundsOf(plan)].length * (plan.warmupMs + plan.measureMs);
}

/** A key has this many bytes, all of them visible ASCII. */
export const KEY_BYTES = 16;

/** All keys, one after the other. They are scattered over the key order, as hashes would be. */
export function keysOf({ keys }: Data): Uint8Array {
  const text = Array.from({ length: keys }, (_, i) => scattered(i).toString(16).padStart(16, "0"));
  return new TextEncoder().encode(text.join(""));
}

/** A bijection on 64 bits (the finaliser of SplitMix64): distinct numbers give distinct keys. */
function scattered(number: number): bigint {
  let x = BigInt(number) + 0x9e3779b97f4a7c15n;
  x = BigInt.asUintN(64, (x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
  x = BigInt.asUintN(64, (x ^ (x >> 27n)) * 0x94d049bb133111ebn);
  return x ^ (x >> 31n);
}
