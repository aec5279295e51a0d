/**
 * The Clock port on a time that moves only when a test says so. A turn of the loop is one event:
 * a due timer, or everything that `soon` has queued. Between two turns all promises that can
 * settle do, so a run depends on nothing but the calls that were made.
 */

import { setImmediate } from "node:timers";
import { assert, type Clock, type Timer } from "../../src/base/mod.ts";

/** 2020-01-01, so that nothing mistakes the start of time for "no time". */
const WALL_START_MS = 1_577_836_800_000;

type Event = { readonly dueMs: number; readonly run: () => void };

export class VirtualClock implements Clock {
  #nowMs = 0;
  #wallOffsetMs = WALL_START_MS;
  /** By due time; among equals, first set first run. */
  readonly #timers: Event[] = [];
  /** Called after every event, once all that it set off has settled. */
  onSettled: () => void = () => {};
  #events = 0;
  #soon: (() => void)[] = [];

  now(): number {
    return this.#nowMs;
  }

  /** Events so far: due timers, and turns of what `soon` had queued. */
  get events(): number {
    return this.#events;
  }

  wallTime(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const event: Event = { dueMs: this.#nowMs + Math.max(0, delayMs), run };
    this.#timers.splice(this.#placeAfter(event.dueMs), 0, event);
    return { cancel: () => this.#remove(event) };
  }

  every(intervalMs: number, run: () => void): Timer {
    assert(intervalMs > 0, "time passes between two runs");
    let dueMs = this.#nowMs + intervalMs;
    let timer = this.after(intervalMs, () => turn());
    const turn = () => {
      dueMs = dueMs + intervalMs > this.#nowMs ? dueMs + intervalMs : this.#nowMs + intervalMs;
      timer = this.after(dueMs - this.#nowMs, turn); // before `run`, so that `run` may cancel it
      run();
    };
    return { cancel: () => timer.cancel() };
  }

  soon(run: () => void): void {
    this.#soon.push(run);
  }

  yield(): Promise<void> {
    return new Promise((resolve) => this.soon(resolve));
  }

  /** Lets `ms` pass: runs everything that becomes due meanwhile, at its time and in its order. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await this.settle();
    while (this.#runNext(endMs)) await this.settle();
    this.#nowMs = endMs;
  }

  /** Runs what can happen without time passing. */
  async settle(): Promise<void> {
    await promises();
    while (this.#soon.length > 0) {
      const turn = this.#soon;
      this.#soon = [];
      for (const run of turn) run();
      this.#events++;
      await promises();
    }
    this.onSettled();
  }

  /** Advances until `holds`, by `limitMs` at most, and fails if it never does. */
  async until(holds: () => boolean, limitMs = 60_000): Promise<void> {
    const endMs = this.#nowMs + limitMs;
    await this.settle();
    while (!holds()) {
      assert(this.#runNext(endMs), `what was waited for did not happen within ${limitMs} ms`);
      await this.settle();
    }
  }

  /** Lets `ms` pass in which no turn of the loop runs, as when the process is stopped. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }

  /** The operating system sets its clock, forwards or back. */
  jumpWallTime(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** Runs the next timer that is due by `endMs`; false when there is none. */
  #runNext(endMs: number): boolean {
    const event = this.#timers[0];
    if (event === undefined || event.dueMs > endMs) return false;
    this.#timers.shift();
    this.#nowMs = Math.max(this.#nowMs, event.dueMs);
    this.#events++;
    event.run();
    return true;
  }

  #remove(event: Event): void {
    let at = this.#placeAfter(event.dueMs) - 1;
    while (at >= 0 && this.#timers[at] !== event && this.#timers[at]?.dueMs === event.dueMs) at--;
    if (this.#timers[at] === event) this.#timers.splice(at, 1);
  }

  /** Behind everything that is due no later. */
  #placeAfter(dueMs: number): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#timers[middle] as Event).dueMs <= dueMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Every promise that can settle has settled: the runtime drains them before the next macrotask. */
function promises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
