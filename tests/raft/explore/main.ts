/**
 * Explores many seeds by hand: `deno run -A tests/raft/explore/main.ts [FIRST [COUNT [LINES]]]`.
 * Ends at the first seed that fails, with its trace.
 */

import { explore } from "./explore.ts";

const [first = 1, count = 1_000, lines = 120] = Deno.args.map(Number);
let steps = 0;
let committed = 0;
const start = performance.now();
for (let seed = first; seed < first + count; seed++) {
  const outcome = explore(seed, lines);
  steps += outcome.steps;
  committed += outcome.committed;
  if (outcome.failure !== null) {
    console.log(outcome.failure);
    console.log(`killed after ${seed - first + 1} seeds`);
    Deno.exit(1);
  }
}
const seconds = ((performance.now() - start) / 1_000).toFixed(1);
console.log(`${count} seeds from ${first}: ${steps} steps, ${committed} commits, ${seconds} s`);
