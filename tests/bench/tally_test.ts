/** What is counted of a round, and what lies outside of it. */

import assert from "node:assert/strict";
import { Tally } from "../../bench/load/tally.ts";

Deno.test("only what is answered between begin and end counts", () => {
  const tally = new Tally(1_000);
  tally.done(performance.now());
  tally.failed("early");
  tally.begin();
  tally.done(performance.now() - 10);
  tally.failed("late");
  tally.failed("late");
  tally.end();
  tally.done(performance.now());
  const { operations, errors, p50Ms } = tally.load();
  assert.equal(operations, 1);
  assert.deepEqual(errors, { late: 2 });
  assert.ok(p50Ms >= 10, `${p50Ms} ms, since the request was due 10 ms before`);
});

Deno.test("the longest gap reaches from edge to edge when nothing is answered", async () => {
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
  const silent = new Tally(1_000);
  const answered = new Tally(1_000);
  silent.begin();
  answered.begin();
  await pause();
  answered.done(0);
  await pause();
  silent.end();
  answered.end();
  assert.ok(silent.load().longestGapMs >= 38);
  assert.ok(answered.load().longestGapMs < silent.load().longestGapMs);
  assert.ok(answered.load().longestGapMs >= 18);
});
