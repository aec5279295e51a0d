/**
 * The writes of one key whose outcome nobody was told: which of them, happening one after the
 * other, make an operation possible that is not possible now.
 *
 * A chain is as short as it can be: each write in it is needed by the next. So all but the first
 * are conditional, and the last brings about what the operation needs. Of writes that may stand
 * for each other only the one that started first is tried.
 */

import type { Operation, Revision } from "./history.ts";
import { happen, type ItemState } from "./item_state.ts";

/** `chain` happens, and the state is `after`, the operation that needed it included. */
export type Way = { readonly chain: readonly number[]; readonly after: ItemState };

/** What an operation asks of the state before it, as far as a write can bring it about. */
type Need = "absent" | "present" | { readonly value: string };

type Goal = {
  readonly need: Need;
  readonly reach: (state: ItemState) => ItemState | null;
};

/** Writes that may stand for each other, by start. */
type Group = number[];

export class UnknownWrites {
  readonly #writes: readonly Operation[];
  readonly #floors: readonly Revision[];
  readonly #used: Uint8Array;
  /** Revisions that somebody was told of. */
  readonly #named: ReadonlySet<Revision>;
  readonly #deletes: Group[] = [];
  readonly #puts: Group[] = [];
  readonly #byValue = new Map<string, Group[]>();

  /** For each of `writes`, by start: the highest revision that was known before it started. */
  constructor(
    writes: readonly Operation[],
    floors: readonly Revision[],
    known: readonly Operation[],
  ) {
    this.#writes = writes;
    this.#floors = floors;
    this.#used = new Uint8Array(writes.length);
    this.#named = new Set(known.map(({ outcome }) => "revision" in outcome ? outcome.revision : 0));
    if (writes.length > 0) this.#group(known);
  }

  use(at: number): void {
    this.#used[at] = 1;
  }

  putBack(at: number): void {
    this.#used[at] = 0;
  }

  /** Those that happened, to tell configurations apart. */
  usedText(): string {
    const used: number[] = [];
    for (let at = 0; at < this.#used.length; at++) if (this.#used[at] === 1) used.push(at);
    return used.join();
  }

  /** Ways from `state` to behind the known `operation`; nothing after `horizon` has begun yet. */
  ways(
    state: ItemState,
    operation: Operation,
    options: { horizon: number; reach: Goal["reach"] },
  ): Way[] {
    if (this.#writes.length === 0) return [];
    const need = this.#needOf(operation);
    if (need === null) return [];
    return this.#chains(state, { need, reach: options.reach }, { ...options, later: [] });
  }

  #chains(
    state: ItemState,
    goal: Goal,
    bounds: { readonly horizon: number; readonly later: readonly number[] },
  ): Way[] {
    const ways: Way[] = [];
    for (const group of this.#before(goal.need)) {
      const at = group.find((at) => this.#used[at] === 0 && !bounds.later.includes(at));
      if (at === undefined) continue;
      const write = this.#writes[at] as Operation;
      if (write.startedAt > bounds.horizon) continue;
      for (const { chain, after } of this.#waysToHappen(state, at, bounds)) {
        const reached = goal.reach(after);
        if (reached !== null) ways.push({ chain, after: reached });
      }
    }
    return ways;
  }

  #waysToHappen(
    state: ItemState,
    at: number,
    bounds: { readonly horizon: number; readonly later: readonly number[] },
  ): Way[] {
    const write = this.#writes[at] as Operation;
    const floor = this.#floors[at] as Revision;
    const after = happen(state, write, floor);
    if (after !== null) return [{ chain: [at], after }];
    const need = write.call.kind === "cas" ? this.#needOfCas(write.call.expected) : null;
    if (need === null) return [];
    const goal = { need, reach: (before: ItemState) => happen(before, write, floor) };
    return this.#chains(state, goal, { ...bounds, later: [...bounds.later, at] })
      .map(({ chain, after }) => ({ chain: [...chain, at], after }));
  }

  #needOf({ call, outcome }: Operation): Need | null {
    switch (outcome.kind) {
      case "read":
        return outcome.value === null ? "absent" : { value: outcome.value };
      case "written":
        if (call.kind === "cas") return this.#needOfCas(call.expected);
        return outcome.created === undefined ? null : outcome.created ? "absent" : "present";
      case "deleted":
        return outcome.existed ? "present" : "absent";
      case "refused":
        return outcome.revision === 0 ? "absent" : "present";
      default:
        return null;
    }
  }

  /** A revision that somebody was told of was settled then, before any write that asks for it. */
  #needOfCas(expected: Revision): Need | null {
    if (expected === 0) return "absent";
    return this.#named.has(expected) ? null : "present";
  }

  /** Writes after which the state is as needed. */
  #before(need: Need): readonly Group[] {
    if (need === "absent") return this.#deletes;
    return need === "present" ? this.#puts : this.#byValue.get(need.value) ?? [];
  }

  /** Puts of a value that nobody read are alike, and so are those of one value. */
  #group(known: readonly Operation[]): void {
    const read = new Set<string | null>();
    for (const { outcome } of known) if (outcome.kind === "read") read.add(outcome.value);
    const unread: Group = [];
    const deletes: Group = [];
    this.#puts.push(unread);
    this.#deletes.push(deletes);
    const sameValue = new Map<string, Group>();
    for (const [at, { call }] of this.#writes.entries()) {
      if (call.kind === "delete") deletes.push(at);
      if (call.kind === "put" && !read.has(call.value)) unread.push(at);
      else if (call.kind === "put" && sameValue.has(call.value)) {
        sameValue.get(call.value)?.push(at);
      } else if (call.kind === "put" || call.kind === "cas") {
        const group = [at];
        if (call.kind === "put") sameValue.set(call.value, group);
        this.#puts.push(group);
        const groups = this.#byValue.get(call.value) ?? [];
        this.#byValue.set(call.value, groups);
        groups.push(group);
      }
    }
  }
}
