/**
 * What one seed makes of the world: a swarm of options in which each kind of trouble is often
 * absent altogether, because faults that are always on hide each other's consequences.
 */

import { limits } from "../../../src/base/mod.ts";
import type { Dice } from "./dice.ts";

/** World time in one ordinary tick. */
export const TICK = 10;

export type Options = {
  readonly voters: number;
  readonly spares: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly chaosTicks: number;
  /** Percent by which the ticks of one node may be slower than those of another. */
  readonly driftPercent: number;
  /** Percent of inputs after which the outputs are drained at once; else inputs gather. */
  readonly drainAtOncePercent: number;
  /** World time that a turn may gather inputs for. */
  readonly turnMax: number;
  readonly network: NetworkOptions;
  readonly disk: { readonly slowPercent: number; readonly delayMax: number };
  /** How often each action happens, relative to the others. */
  readonly weights: Readonly<Record<ActionKind, number>>;
  /** World time between two actions. */
  readonly actionEvery: number;
  readonly limits: Partial<Record<keyof typeof limits, number>>;
};

export type NetworkOptions = {
  readonly delayMax: number;
  readonly slowPercent: number;
  readonly dropPercent: number;
  readonly duplicatePercent: number;
  /** Whether messages on one link arrive in the order in which they left, as on a stream. */
  readonly inOrder: boolean;
};

export const ACTIONS = [
  "propose",
  "read",
  "crash",
  "restart",
  "pause",
  "depose",
  "cut",
  "heal",
  "transfer",
  "stepDown",
  "compact",
  "member",
  "hint",
] as const;
export type ActionKind = typeof ACTIONS[number];

const USUAL: Readonly<Record<ActionKind, number>> = {
  propose: 30,
  read: 30,
  crash: 4,
  restart: 10,
  pause: 3,
  depose: 4,
  cut: 5,
  heal: 6,
  transfer: 3,
  stepDown: 1,
  compact: 20,
  member: 8,
  hint: 6,
};
/** Without these nothing would happen, or trouble would never end. */
const ALWAYS: readonly ActionKind[] = ["propose", "read", "restart", "heal"];

export function drawOptions(dice: Dice): Options {
  const voters = dice.pick([1, 2, 3, 3, 3, 3, 4, 5, 5, 7]);
  const heartbeatTicks = dice.between(1, 3);
  const weights = { ...USUAL };
  // Between faults there must be time to elect, commit and fall behind.
  const quiet = dice.pick([1, 4, 4, 12]);
  for (const kind of ACTIONS) {
    if (!ALWAYS.includes(kind)) weights[kind] *= dice.pick([0, 0, 1, 1, 2, 4]);
    else if (kind === "propose" || kind === "read") weights[kind] *= quiet * dice.between(1, 3);
  }
  // Some mistakes need three inputs of different kinds between two drains.
  const areTurnsLong = dice.chance(35);
  return {
    voters,
    spares: dice.below(Math.min(3, 8 - voters)),
    electionTicks: heartbeatTicks * 3 + dice.pick([0, 0, 0, 1, 4, 8]),
    heartbeatTicks,
    chaosTicks: dice.between(100, 600),
    driftPercent: dice.pick([0, 10, 10, 40, 100]),
    drainAtOncePercent: areTurnsLong ? 0 : dice.pick([100, 70, 30]),
    turnMax: areTurnsLong ? dice.pick([30, 100]) : 4,
    network: {
      delayMax: dice.pick([2, 5, 10, 10, 30]),
      slowPercent: dice.pick([0, 0, 5, 20]),
      dropPercent: dice.pick([0, 0, 2, 10, 30]),
      duplicatePercent: dice.pick([0, 0, 5, 20]),
      inOrder: dice.chance(50),
    },
    disk: { slowPercent: dice.pick([0, 5, 20]), delayMax: dice.pick([2, 5, 20]) },
    weights,
    actionEvery: dice.pick([4, 8, 16]),
    limits: {
      logTailEntries: dice.pick([1, 1, 2, 5, 20]),
      inflightAppendsMax: dice.pick([1, 2, 4, 64]),
      appendEntriesMax: dice.pick([1, 2, 8, 64]),
      inflightAppendBytesMax: dice.pick([100, 1_000, 1_000_000]),
      appendBytesMax: dice.pick([64, 200, 1_000_000]),
    },
  };
}

/** Runs `body` under other limits: small ones bring their edges into reach of a short run. */
export function withLimits<T>(others: Options["limits"], body: () => T): T {
  const mutable = limits as Record<string, number>;
  const before = { ...mutable };
  Object.assign(mutable, others);
  try {
    return body();
  } finally {
    Object.assign(mutable, before);
  }
}
