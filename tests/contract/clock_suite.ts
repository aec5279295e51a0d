/**
 * What every Clock must do. `advance` lets time pass: it resolves once at least that much time has
 * gone by on `clock` and everything due was run.
 */

import assert from "node:assert/strict";
import type { Clock } from "../../src/base/mod.ts";

export type ClockUnderTest = {
  readonly clock: Clock;
  advance(ms: number): Promise<void>;
  /** Lets time pass while no turn of the loop runs, as when the process is stopped. */
  stall(ms: number): Promise<void>;
};

export function clockSuite(name: string, make: () => ClockUnderTest): void {
  Deno.test(`${name} now() never decreases and grows with time`, async () => {
    const { clock, advance } = make();
    const start = clock.now();
    await advance(5);
    assert.ok(clock.now() >= start + 5);
  });

  Deno.test(`${name} wallTime() is a time in milliseconds since 1970`, () => {
    const { clock } = make();
    assert.ok(clock.wallTime() >= 0);
  });

  Deno.test(`${name} after() runs once, not before its delay, in order of the delays`, async () => {
    const { clock, advance } = make();
    const start = clock.now();
    const seen: string[] = [];
    clock.after(12, () => seen.push(`late ${clock.now() - start >= 11}`));
    clock.after(4, () => seen.push(`early ${clock.now() - start >= 3}`));
    await advance(40);
    assert.deepEqual(seen, ["early true", "late true"]);
  });

  Deno.test(`${name} after() takes a delay of any length`, async () => {
    const { clock, advance } = make();
    let ran = false;
    const timer = clock.after(2 ** 40, () => ran = true);
    await advance(5);
    timer.cancel();
    assert.equal(ran, false);
  });

  Deno.test(`${name} cancel() is idempotent and a cancelled timer never fires`, async () => {
    const { clock, advance } = make();
    let runs = 0;
    const once = clock.after(2, () => runs++);
    const often = clock.every(2, () => runs++);
    once.cancel();
    once.cancel();
    often.cancel();
    often.cancel();
    await advance(15);
    assert.equal(runs, 0);
  });

  Deno.test(`${name} every() runs again and again until it is cancelled from within`, async () => {
    const { clock, advance } = make();
    let runs = 0;
    const timer = clock.every(2, () => {
      if (++runs === 3) timer.cancel();
    });
    await advance(40);
    assert.equal(runs, 3);
  });

  Deno.test(`${name} every() does not make up for runs that a pause swallowed`, async () => {
    const { clock, advance, stall } = make();
    const intervalMs = 10;
    let runs = 0;
    const timer = clock.every(intervalMs, () => runs++);
    await advance(1);
    await stall(20 * intervalMs);
    await advance(intervalMs / 2);
    timer.cancel();
    assert.ok(runs >= 1 && runs <= 2, `${runs} runs after a pause of 20 intervals`);
  });

  Deno.test(`${name} soon() runs after this turn, in order, and before timers`, async () => {
    const { clock, advance } = make();
    const seen: string[] = [];
    clock.after(3, () => seen.push("timer"));
    clock.soon(() => seen.push("first"));
    clock.soon(() => seen.push("second"));
    queueMicrotask(() => seen.push("microtask"));
    seen.push("turn");
    await advance(20);
    assert.deepEqual(seen, ["turn", "microtask", "first", "second", "timer"]);
  });

  Deno.test(`${name} yield() lets work that soon() queued before it run first`, async () => {
    const { clock, advance } = make();
    const seen: string[] = [];
    clock.soon(() => seen.push("soon"));
    const resumed = clock.yield().then(() => seen.push("yield"));
    await advance(1);
    await resumed;
    assert.deepEqual(seen, ["soon", "yield"]);
  });
}
