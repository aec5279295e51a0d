/**
 * A small part of what the simulator does, in every test run: seeds that failed once, a few new
 * ones, and the proof that a seed decides everything.
 */

import assert from "node:assert/strict";
import { runSeed } from "./run.ts";
import { drawSwarm } from "./swarm.ts";

const regressions = Deno.readTextFileSync(new URL("./regressions.txt", import.meta.url))
  .split("\n").filter((line) => /^\d/.test(line)).map((line) => Number.parseInt(line));

/** Seeds whose run is short, so that a handful fits into every test run. */
function quickSeeds(count: number, from: number): number[] {
  const seeds: number[] = [];
  for (let seed = from; seeds.length < count; seed++) {
    const { safetyMs, thinkMsMax } = drawSwarm(seed);
    if (safetyMs <= 60_000 && thinkMsMax >= 50) seeds.push(seed);
  }
  return seeds;
}

for (const seed of [...regressions, ...quickSeeds(24, 1)]) {
  Deno.test(`simulator: seed ${seed} holds every invariant`, async () => {
    const { failure, trace } = await runSeed(seed);
    assert.equal(failure, null, `${trace}\n\n${failure}\n  deno task sim --seed ${seed}`);
  });
}

Deno.test("simulator: two runs of one seed are equal to the last byte", async () => {
  for (const seed of quickSeeds(3, 1_000)) {
    const [first, second] = [await runSeed(seed), await runSeed(seed)];
    assert.equal(first.hash, second.hash, `seed ${seed}`);
    assert.equal(first.events, second.events, `seed ${seed}`);
  }
});
