/**
 * The slots in the order of their keys: a list of short sorted runs. To freeze it costs a copy of
 * the list; a run is copied when it changes for the first time after that.
 *
 * Invariants:
 * - S14 no run is empty, none but the only one is shorter than a quarter beside a neighbour that
 *   could take it in, and the last key of each is below the first of the next.
 * - S15 a run that a frozen order may hold never changes.
 */

import { assert } from "../base/mod.ts";
import type { Slot } from "./slots.ts";

const RUN_SLOTS = 256;

class Run {
  readonly slots = new Uint32Array(RUN_SLOTS);
  length = 0;
  /** How often the order had been frozen when this run was made. */
  readonly epoch: number;

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  at(position: number): Slot {
    return this.slots[position] as Slot;
  }
}

/** Negative: the key looked for is below that of the slot; 0: it is that one. */
export type Comparison = (slot: Slot) => number;
export type Runs = readonly Run[];
type Place = { readonly run: number; readonly position: number };

export class KeyOrder {
  readonly #runs: Run[] = [];
  #epoch = 0;

  /** The order as it is now, whatever happens later. */
  freeze(): Runs {
    this.#epoch++;
    return this.#runs.slice();
  }

  /** To be read before the order changes. */
  get runs(): Runs {
    return this.#runs;
  }

  /** Its key, which `compare` compares with others, is not in the order. */
  add(slot: Slot, compare: Comparison): void {
    if (this.#runs.length === 0) this.#runs.push(new Run(this.#epoch));
    let { run: at, position } = placeOf(this.#runs, compare);
    if (this.#run(at).length === RUN_SLOTS) {
      // Keys that come in their order would leave every run half empty.
      const isBehindAll = at === this.#runs.length - 1 && position === RUN_SLOTS;
      const kept = isBehindAll ? RUN_SLOTS : RUN_SLOTS / 2;
      if (isBehindAll) this.#runs.push(new Run(this.#epoch));
      else this.#split(at, kept);
      if (position > kept || isBehindAll) [at, position] = [at + 1, position - kept];
    }
    const run = this.#own(at);
    run.slots.copyWithin(position + 1, position, run.length);
    run.slots[position] = slot;
    run.length++;
  }

  /** `compare` compares with its own key. */
  remove(compare: Comparison): void {
    const { run: at, position } = placeOf(this.#runs, compare);
    const run = this.#own(at);
    assert(position < run.length && compare(run.at(position)) === 0, "the key is in the order");
    run.slots.copyWithin(position, position + 1, run.length);
    run.length--;
    if (run.length === 0) this.#runs.splice(at, 1);
    else if (run.length < RUN_SLOTS / 4 && !this.#join(at)) this.#join(at - 1);
  }

  #run(at: number): Run {
    return this.#runs[at] as Run;
  }

  /** The run at `at`, or a copy in its place when somebody else may hold it. */
  #own(at: number): Run {
    const run = this.#run(at);
    if (run.epoch === this.#epoch) return run;
    return this.#runs[at] = this.#part(run, 0, run.length);
  }

  #part(run: Run, from: number, to: number): Run {
    const part = new Run(this.#epoch);
    part.slots.set(run.slots.subarray(from, to));
    part.length = to - from;
    return part;
  }

  #split(at: number, kept: number): void {
    const run = this.#run(at);
    this.#runs.splice(at, 1, this.#part(run, 0, kept), this.#part(run, kept, run.length));
  }

  /** Makes one of two neighbours, unless they would fill most of it. */
  #join(at: number): boolean {
    const [left, right] = [this.#runs[at], this.#runs[at + 1]];
    if (left === undefined || right === undefined) return false;
    if (left.length + right.length > RUN_SLOTS / 2) return false;
    const joined = this.#own(at);
    joined.slots.set(right.slots.subarray(0, right.length), joined.length);
    joined.length += right.length;
    this.#runs.splice(at + 1, 1);
    return true;
  }
}

/** From the first key that is not below the one looked for, or all. */
export function* slotsUp(runs: Runs, from?: Comparison): Generator<Slot> {
  const start = from === undefined ? { run: 0, position: 0 } : placeOf(runs, from);
  for (let at = start.run; at < runs.length; at++) {
    const run = runs[at] as Run;
    for (let i = at === start.run ? start.position : 0; i < run.length; i++) yield run.at(i);
  }
}

/** From the last key that is below the one looked for, or the last of all. */
export function* slotsDown(runs: Runs, below?: Comparison): Generator<Slot> {
  const start = below === undefined
    ? { run: runs.length - 1, position: runs.at(-1)?.length ?? 0 }
    : placeOf(runs, below);
  for (let at = start.run; at >= 0; at--) {
    const run = runs[at];
    if (run === undefined) return;
    for (let i = (at === start.run ? start.position : run.length) - 1; i >= 0; i--) yield run.at(i);
  }
}

/** Where the first key stands that is not below the one looked for, or would be put. */
function placeOf(runs: Runs, compare: Comparison): Place {
  // The last run that begins at or below the key; the first run when none does.
  let run = 0;
  for (let end = runs.length; end - run > 1;) {
    const middle = (run + end) >>> 1;
    if (compare((runs[middle] as Run).at(0)) < 0) end = middle;
    else run = middle;
  }
  let position = 0;
  for (let end = runs[run]?.length ?? 0; position < end;) {
    const middle = (position + end) >>> 1;
    if (compare((runs[run] as Run).at(middle)) > 0) position = middle + 1;
    else end = middle;
  }
  return { run, position };
}
