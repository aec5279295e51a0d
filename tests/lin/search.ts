/**
 * Looks for one order of a key's operations that explains every answer: Wing and Gong's search
 * with Lowe's memory of configurations that led nowhere, and these shortcuts, none of which loses
 * an order (tests compare with a search that has none of them):
 *
 * - an operation that overlaps no other is followed at once;
 * - a read that fits the present state goes first, since it leaves the state as it is;
 * - operations that name revisions are followed in the order of these, since revisions only grow;
 * - a write of unknown outcome happens only right before an operation that needs it, since an
 *   effect that nobody notices may as well not have happened.
 *
 * What is left to choose is which unknown writes happened, so nearly every step has one way to go.
 */

import type { Operation, Revision } from "./history.ts";
import { ABSENT, follow, type ItemState } from "./item_state.ts";
import { UnknownWrites } from "./unknown_writes.ts";

/** Operations of one key. */
export type KeyHistory = {
  /** With an outcome, by start. */
  readonly known: readonly Operation[];
  /** Writes without one, by start. */
  readonly unknown: readonly Operation[];
  /** For each of `unknown`: the highest revision that anybody knew before it started. */
  readonly floors: readonly Revision[];
};

export type Found =
  | { readonly kind: "order"; readonly last: ItemState }
  | { readonly kind: "none" }
  /** The limit on steps was reached. */
  | { readonly kind: "undecided" };

/** First `chain`, writes of unknown outcome, happen; then the known operation is followed. */
type Move = {
  readonly operation: number;
  readonly chain: readonly number[];
  readonly after: ItemState;
};

/** A configuration with several moves, to come back to. */
type Choice = {
  readonly moves: readonly Move[];
  tried: number;
  readonly state: ItemState;
  readonly first: number;
  readonly next: number;
  readonly trail: number;
};

const STEPS_MAX = 20_000_000;

export function findOrder(history: KeyHistory, stepsMax: number = STEPS_MAX): Found {
  return new Search(history).run(stepsMax);
}

class Search {
  readonly #known: readonly Operation[];
  readonly #ends: readonly number[];
  /** The revision that each known operation names; 0 for none. */
  readonly #named: readonly Revision[];
  /** Known operations that name a revision, by that revision. */
  readonly #byRevision: readonly number[];
  readonly #unknown: UnknownWrites;

  #state = ABSENT;
  /** Of `known`: everything before this is done. */
  #first = 0;
  /** The same for `byRevision`. */
  #next = 0;
  readonly #done: Uint8Array;
  /** What was done, known operations as n, unknown ones as -1 - n. */
  readonly #trail: number[] = [];
  readonly #choices: Choice[] = [];
  readonly #visited = new Set<string>();

  constructor({ known, unknown, floors }: KeyHistory) {
    this.#known = known;
    this.#ends = known.map(({ endedAt }) => endedAt ?? Infinity);
    this.#named = known.map(({ outcome }) => "revision" in outcome ? outcome.revision : 0);
    this.#byRevision = sortedBy(this.#named);
    this.#unknown = new UnknownWrites(unknown, floors, known);
    this.#done = new Uint8Array(known.length);
  }

  run(stepsMax: number): Found {
    for (let steps = 0; steps < stepsMax; steps++) {
      if (this.#followLonely()) continue;
      if (this.#first === this.#known.length) return { kind: "order", last: this.#state };
      const move = this.#choose(this.#moves()) ?? this.#goBack();
      if (move === undefined) return { kind: "none" };
      this.#make(move);
    }
    return { kind: "undecided" };
  }

  /** The usual case: nothing else was open, and the answer fits. */
  #followLonely(): boolean {
    const at = this.#first;
    const operation = this.#known[at];
    if (operation === undefined) return false;
    const following = this.#known[at + 1];
    if (following !== undefined && following.startedAt <= (this.#ends[at] as number)) return false;
    const after = follow(this.#state, operation);
    if (after === null) return false;
    this.#make({ operation: at, chain: NOTHING, after });
    return true;
  }

  /** The first of several moves, unless the search has been here before. */
  #choose(moves: readonly Move[]): Move | undefined {
    if (moves.length < 2) return moves[0];
    const configuration = this.#configuration();
    if (this.#visited.has(configuration)) return undefined;
    this.#visited.add(configuration);
    const trail = this.#trail.length;
    const here = { state: this.#state, first: this.#first, next: this.#next, trail };
    this.#choices.push({ moves, tried: 1, ...here });
    return moves[0];
  }

  #goBack(): Move | undefined {
    const choice = this.#choices.at(-1);
    if (choice === undefined) return undefined;
    while (this.#trail.length > choice.trail) {
      const at = this.#trail.pop() as number;
      if (at >= 0) this.#done[at] = 0;
      else this.#unknown.putBack(-1 - at);
    }
    this.#state = choice.state;
    this.#first = choice.first;
    this.#next = choice.next;
    const move = choice.moves[choice.tried++];
    if (choice.tried === choice.moves.length) this.#choices.pop();
    return move;
  }

  #make({ operation, chain, after }: Move): void {
    for (const at of chain) {
      this.#unknown.use(at);
      this.#trail.push(-1 - at);
    }
    this.#done[operation] = 1;
    this.#trail.push(operation);
    this.#state = after;
    while (this.#done[this.#first] === 1) this.#first++;
    while (this.#done[this.#byRevision[this.#next] ?? -1] === 1) this.#next++;
  }

  #moves(): readonly Move[] {
    const candidates: number[] = [];
    let horizon = Infinity;
    for (let at = this.#first; at < this.#known.length; at++) {
      const operation = this.#known[at] as Operation;
      if (operation.startedAt > horizon) break; // something ended before it began
      if (this.#done[at] === 1) continue;
      horizon = Math.min(horizon, this.#ends[at] as number);
      candidates.push(at);
    }
    const lowest = this.#named[this.#byRevision[this.#next] ?? -1] ?? 0;
    const moves: Move[] = [];
    for (const at of candidates) {
      const named = this.#named[at] as Revision;
      const operation = this.#known[at] as Operation;
      const after = follow(this.#state, operation);
      if (after === this.#state) return [{ operation: at, chain: NOTHING, after }];
      if (named !== 0 && named !== lowest) continue;
      if (after !== null) {
        moves.push({ operation: at, chain: NOTHING, after });
        continue;
      }
      const reach = (state: ItemState): ItemState | null => follow(state, operation);
      for (const way of this.#unknown.ways(this.#state, operation, { horizon, reach })) {
        moves.push({ operation: at, ...way });
      }
    }
    return moves;
  }

  #configuration(): string {
    const { value, low } = this.#state;
    const ahead: number[] = [];
    for (let at = this.#first; at < this.#known.length; at++) {
      if (this.#done[at] === 1) ahead.push(at - this.#first);
      else if ((this.#known[at] as Operation).startedAt > (this.#ends[this.#first] as number)) {
        break;
      }
    }
    const used = this.#unknown.usedText();
    return `${this.#first};${ahead};${used};${low};${value === null ? "" : `=${value}`}`;
  }
}

const NOTHING: readonly number[] = [];

/** Indexes of the numbers that are not 0, by number. */
function sortedBy(numbers: readonly number[]): number[] {
  const indexes: number[] = [];
  for (let at = 0; at < numbers.length; at++) if (numbers[at] !== 0) indexes.push(at);
  return indexes.sort((a, b) => (numbers[a] as number) - (numbers[b] as number));
}
