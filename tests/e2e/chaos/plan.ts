/**
 * Which faults come when, drawn from the seed before anything runs: a seed always means the same
 * schedule, however the nodes answer to it.
 */

import type { SeededRandom } from "../../support/seeded_random.ts";

export const FAULT_KINDS = [
  "killLeader",
  "killFollower",
  "killAll",
  "restart",
  "rollingRestart",
  "pauseLeader",
  "pauseFollower",
  "isolateLeader",
  "isolateFollower",
  "bridge",
  "deaf",
  "mute",
  "oneWay",
  "slowLinks",
  "reset",
  "drop",
  "halfClose",
  "fullDisk",
] as const;

export type FaultKind = typeof FAULT_KINDS[number];

export type Fault = {
  readonly kind: FaultKind;
  /** Of the nodes or links that may be meant, this one; as large as it likes. */
  readonly pick: number;
  /** How long it lasts, where it does not end by itself. */
  readonly spanMs: number;
};

/** Faults that strike at once, and what follows. */
export type Step = {
  readonly faults: readonly Fault[];
  /** Without, the next step strikes a cluster that is still recovering. */
  readonly awaitsRecovery: boolean;
  readonly calmMs: number;
};

/** These need the cluster to themselves: they wait for nodes, or cannot be told from a failure. */
const ALONE: readonly FaultKind[] = ["rollingRestart", "fullDisk"];
const PAUSES: readonly FaultKind[] = ["pauseLeader", "pauseFollower"];

/** Endless. Every kind comes equally often, in an order that changes. */
export function* plan(random: SeededRandom, kinds: readonly FaultKind[]): Generator<Step> {
  const faults = faultsOf(random, kinds);
  const next = (): Fault => faults.next().value as Fault;
  while (true) {
    const first = next();
    const struck = [first];
    if (!ALONE.includes(first.kind) && random.chance(1, 4)) {
      const second = next();
      if (!ALONE.includes(second.kind)) struck.push(second);
      else yield { faults: [second], awaitsRecovery: true, calmMs: 0 };
    }
    const awaitsRecovery = ALONE.includes(first.kind) || random.chance(3, 4);
    yield { faults: struck, awaitsRecovery, calmMs: random.below(500) };
  }
}

function* faultsOf(random: SeededRandom, kinds: readonly FaultKind[]): Generator<Fault> {
  while (true) {
    for (const kind of shuffled(kinds, random)) {
      const pick = random.below(1_000_000);
      const spanMs = PAUSES.includes(kind)
        ? random.between(1_000, 5_000)
        : random.between(200, 3_000);
      yield { kind, pick, spanMs };
    }
  }
}

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0] as T);
}

export function stepText({ faults }: Step): string {
  return faults.map(({ kind, spanMs }) => `${kind} for ${spanMs} ms`).join(" and ");
}
