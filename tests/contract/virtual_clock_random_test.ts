/** The virtual clock and the seeded generator against the suites that the real ones pass too. */

import assert from "node:assert/strict";
import { SeededRandom } from "../support/seeded_random.ts";
import { VirtualClock } from "../support/virtual_clock.ts";
import { clockSuite } from "./clock_suite.ts";
import { randomSuite } from "./random_suite.ts";

clockSuite("VirtualClock", () => {
  const clock = new VirtualClock();
  return {
    clock,
    advance: (ms) => clock.advance(ms),
    stall: (ms) => Promise.resolve(clock.stall(ms)),
  };
});

randomSuite("SeededRandom", () => new SeededRandom(1));

Deno.test("SeededRandom gives the same numbers for the same seed, on every machine", () => {
  const draw = (seed: number): number[] => {
    const random = new SeededRandom(seed);
    return [random.below(2 ** 32), random.below(1000), ...random.bytes(2)];
  };
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
  assert.deepEqual(draw(1), [393288148, 13, 227, 124]);
});

Deno.test("SeededRandom fork() does not depend on what is drawn from it", () => {
  const [one, other] = [new SeededRandom(3), new SeededRandom(3)];
  one.fork().bytes(100);
  other.fork();
  assert.equal(one.below(2 ** 32), other.below(2 ** 32));
});

Deno.test("VirtualClock advance() runs timers at their time, and settles promises between", async () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  clock.after(10, async () => {
    seen.push(`a ${clock.now()}`);
    await clock.yield();
    seen.push(`b ${clock.now()}`);
    clock.after(0, () => seen.push(`c ${clock.now()}`));
  });
  clock.after(10, () => seen.push(`d ${clock.now()}`));
  await clock.advance(15);
  assert.deepEqual(seen, ["a 10", "b 10", "d 10", "c 10"]);
  assert.equal(clock.now(), 15);
});

Deno.test("VirtualClock wallTime() jumps in either direction, now() does not", async () => {
  const clock = new VirtualClock();
  const start = clock.wallTime();
  clock.jumpWallTime(-3_600_000);
  await clock.advance(1);
  assert.equal(clock.wallTime(), start - 3_600_000 + 1);
  assert.equal(clock.now(), 1);
});

Deno.test("VirtualClock until() fails when what it waits for never happens", async () => {
  const clock = new VirtualClock();
  await assert.rejects(clock.until(() => false, 100), /did not happen within 100 ms/);
});
