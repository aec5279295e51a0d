/**
 * The crash explorer from the command line:
 *
 *   deno task crash [--recoveries N] [--seed S]
 *
 * One seed after another from S on, until N disks were recovered.
 */

import { parseArgs } from "node:util";
import { exploreCrashes } from "./explore.ts";

const { values } = parseArgs({
  options: {
    recoveries: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
  },
});

const startedMs = performance.now();
const from = Number(values.seed);
let seed = from;
let recoveries = 0;
let operations = 0;
for (; recoveries < Number(values.recoveries); seed++) {
  try {
    const explored = await exploreCrashes(seed);
    recoveries += explored.recoveries;
    operations += explored.operations;
  } catch (error) {
    console.log(error);
    console.log(`seed ${seed} fails: deno task crash --recoveries 1 --seed ${seed}`);
    Deno.exit(1);
  }
}
const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
console.log(
  `seeds ${from} to ${seed - 1}: ${recoveries} recoveries ` +
    `at ${operations} calls to the disk, ${seconds} s`,
);
