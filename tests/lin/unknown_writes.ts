/**
 * The writes of one key whose outcome nobody was told: which of them, happening one after the
 * other, make an operation possible that is not possible now.
 *
 * A chain is as short as it can be: each write in it is needed by the next. So all but the first
 * are conditional, and the last brings about what the operation needs. Where any item will do, no
 * write is tried that needs an item itself: what would make it possible does in its place. So no
 * chain has more than three writes: a delete, a put if absent, a put if that revision. Of writes
 * that may stand for each other only the one that started first is tried.
 */

import type { Operation, Revision } from "./history.ts";
import { happen, type ItemState } from "./item_state.ts";

/** `chain` happens, and the state is `after`, the operation that needed it included. */
export type Way = { readonly chain: readonly number[]; readonly after: ItemState };

/** What an operation asks of the state before it, as far as a write can bring it about. */
type Need = "absent" | "present" | { readonly value: string };

type Goal = {
  readonly need: Need;
  /** Nobody can read any more what a write brought about for this. */
  readonly overwrites: boolean;
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
  /** Of these: those that nobody has to read. */
  readonly #unread: Group[] = [];
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
    const overwrites = isWrite(operation);
    return this.#chains(state, { need, overwrites, reach: options.reach }, options.horizon);
  }

  #chains(state: ItemState, goal: Goal, horizon: number): Way[] {
    const ways: Way[] = [];
    for (const group of this.#before(goal)) {
      const at = group.find((at) => this.#used[at] === 0);
      if (at === undefined || (this.#writes[at] as Operation).startedAt > horizon) continue;
      for (const { chain, after } of this.#waysToHappen(state, at, { goal, horizon })) {
        const reached = goal.reach(after);
        if (reached !== null) ways.push({ chain, after: reached });
      }
    }
    return ways;
  }

  /** The write `at` next, or what it needs and then it. */
  #waysToHappen(
    state: ItemState,
    at: number,
    { goal, horizon }: { readonly goal: Goal; readonly horizon: number },
  ): Way[] {
    const write = this.#writes[at] as Operation;
    const floor = this.#floors[at] as Revision;
    const after = happen(state, write, floor);
    if (after !== null) return [{ chain: [at], after }];
    const need = write.call.kind === "cas" ? this.#needOfCas(write.call.expected) : null;
    if (need === null || goal.overwrites && need === goal.need) return [];
    const reach = (before: ItemState) => happen(before, write, floor);
    return this.#chains(state, { need, overwrites: true, reach }, horizon)
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
  #before({ need, overwrites }: Goal): readonly Group[] {
    if (need === "absent") return this.#deletes;
    if (need === "present") return overwrites ? this.#unread : this.#puts;
    return this.#byValue.get(need.value) ?? [];
  }

  /** Puts of a value that nobody read are alike, and so are those of one value. */
  #group(known: readonly Operation[]): void {
    const read = new Set<string | null>();
    for (const { outcome } of known) if (outcome.kind === "read") read.add(outcome.value);
    const writers = countWriters([...known.filter(isWrite), ...this.#writes]);
    const unread: Group = [];
    const deletes: Group = [];
    this.#puts.push(unread);
    this.#unread.push(unread);
    this.#deletes.push(deletes);
    const sameValue = new Map<string, Group>();
    for (const [at, { call }] of this.#writes.entries()) {
      if (call.kind === "delete") deletes.push(at);
      if (call.kind !== "put" && call.kind !== "cas") continue;
      const alike = call.kind === "cas"
        ? undefined
        : read.has(call.value)
        ? sameValue.get(call.value)
        : unread;
      if (alike !== undefined) {
        alike.push(at);
        continue;
      }
      const group = [at];
      if (call.kind === "put") sameValue.set(call.value, group);
      this.#puts.push(group);
      // The only write of a value that was read has to be there for that read.
      if (!read.has(call.value) || writers.get(call.value) !== 1) this.#unread.push(group);
      const groups = this.#byValue.get(call.value) ?? [];
      this.#byValue.set(call.value, groups);
      groups.push(group);
    }
  }
}

function isWrite({ outcome }: Operation): boolean {
  return outcome.kind === "written" || outcome.kind === "deleted";
}

function countWriters(writes: readonly Operation[]): ReadonlyMap<string, number> {
  const writers = new Map<string, number>();
  for (const { call } of writes) {
    if ("value" in call) writers.set(call.value, (writers.get(call.value) ?? 0) + 1);
  }
  return writers;
}
