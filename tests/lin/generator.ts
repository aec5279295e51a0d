/**
 * Histories for tests: from a model that takes one operation at a time, seen by clients whose
 * operations overlap at random, so linearizable by construction; and damage done to such ones.
 */

import type { SeededRandom } from "../support/seeded_random.ts";
import type { Call, Operation, Outcome, Revision } from "./history.ts";

export type Shape = {
  readonly operations: number;
  readonly clients: number;
  readonly keys: number;
  /** Of a thousand writes, how many get no answer. */
  readonly unknownPerMille?: number;
};

type Item = { readonly value: string; readonly revision: Revision };

const GAP = 10;

export function linearizableHistory(random: SeededRandom, shape: Shape): Operation[] {
  const model = new Model(random);
  const free = new Array<number>(shape.clients).fill(0);
  const history: Operation[] = [];
  for (let point = 0; history.length < shape.operations; point += GAP) {
    // Around its instant, an operation reaches as far as its client's other operations let it.
    const client = random.below(shape.clients);
    const startedAt = Math.max(free[client] as number, point - random.below(shape.clients * GAP));
    if (startedAt >= point) continue;
    const endedAt = point + random.below(shape.clients * GAP);
    free[client] = endedAt + 1;
    const key = `k${random.below(shape.keys)}`;
    const call = model.draw(key);
    const asked = { client: `c${client}`, key, call, startedAt };
    if (call.kind !== "get" && random.chance(shape.unknownPerMille ?? 0, 1000)) {
      if (random.chance(1, 2)) model.apply(key, call);
      history.push({ ...asked, endedAt: null, outcome: { kind: "unknown" } });
    } else {
      history.push({ ...asked, endedAt, outcome: model.apply(key, call) });
    }
  }
  return history.sort((a, b) => a.startedAt - b.startedAt);
}

/** A map of items that numbers its writes. */
class Model {
  readonly #random: SeededRandom;
  readonly #items = new Map<string, Item>();
  #revision = 0;
  #values = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  draw(key: string): Call {
    const dice = this.#random.below(20);
    if (dice < 9) return { kind: "get" };
    if (dice < 11) return { kind: "delete" };
    const value = `v${++this.#values}`;
    if (dice < 16) return { kind: "put", value };
    const revision = this.#items.get(key)?.revision ?? 0;
    return { kind: "cas", value, expected: this.#random.chance(1, 3) ? 0 : revision };
  }

  apply(key: string, call: Call): Outcome {
    const item = this.#items.get(key);
    const revision = item?.revision ?? 0;
    if (call.kind === "get") return { kind: "read", value: item?.value ?? null, revision };
    this.#revision += 1 + this.#random.below(2);
    if (call.kind === "cas" && call.expected !== revision) return { kind: "refused", revision };
    const written = { revision: this.#revision };
    if (call.kind === "delete") {
      this.#items.delete(key);
      return { kind: "deleted", ...written, existed: item !== undefined };
    }
    this.#items.set(key, { value: call.value, ...written });
    return this.#random.chance(1, 2)
      ? { kind: "written", ...written }
      : { kind: "written", ...written, created: item === undefined };
  }
}

/** The history with one thing changed, as a wrong store or a wrong client would. */
export function damaged(random: SeededRandom, history: readonly Operation[]): Operation[] {
  const at = random.below(history.length);
  const other = history[random.below(history.length)] as Operation;
  const changed = change(random, history[at] as Operation, other);
  const result = history.filter((_, index) => index !== at);
  return changed === null ? result : [...result, changed].sort((a, b) => a.startedAt - b.startedAt);
}

function change(random: SeededRandom, one: Operation, other: Operation): Operation | null {
  switch (random.below(6)) {
    case 0: // forgotten: its effect stays, nobody asked for it
      return null;
    case 1: // told what somebody else was told
      return one.call.kind === other.call.kind && one.endedAt !== null && other.endedAt !== null
        ? { ...one, outcome: other.outcome }
        : { ...one, outcome: nudged(random, one.outcome) };
    case 2: // moved in time
      return moved(one, random.between(-40, 40));
    case 3: // answered as if it had been quick
      return one.endedAt === null ? one : { ...one, endedAt: one.startedAt };
    case 4: // the client never heard of it
      return { ...one, endedAt: null, outcome: { kind: "unknown" } };
    default:
      return { ...one, outcome: nudged(random, one.outcome) };
  }
}

function moved(one: Operation, by: number): Operation {
  const endedAt = one.endedAt === null ? null : one.endedAt + by;
  return { ...one, startedAt: one.startedAt + by, endedAt };
}

function nudged(random: SeededRandom, outcome: Outcome): Outcome {
  if (outcome.kind === "deleted" && random.chance(1, 2)) {
    return { ...outcome, existed: !outcome.existed };
  }
  if (outcome.kind === "written" && outcome.created !== undefined && random.chance(1, 2)) {
    return { ...outcome, created: !outcome.created };
  }
  if (!("revision" in outcome) || outcome.revision === 0) return outcome;
  return { ...outcome, revision: Math.max(1, outcome.revision + (random.chance(1, 2) ? 1 : -1)) };
}
