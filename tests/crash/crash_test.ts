/** As many crashes as fit into every test run; `deno task crash` explores more. */

import assert from "node:assert/strict";
import { exploreCrashes } from "./explore.ts";

const RECOVERIES = 10_000;

Deno.test("crash explorer: every recovery keeps what was promised", async () => {
  let recoveries = 0;
  let operations = 0;
  for (let seed = 1; recoveries < RECOVERIES; seed++) {
    const explored = await exploreCrashes(seed);
    recoveries += explored.recoveries;
    operations += explored.operations;
  }
  assert.ok(operations > 500, `only ${operations} calls to the disk`);
  console.log(`    ${recoveries} recoveries at ${operations} calls to the disk`);
});

Deno.test("crash explorer: a seed decides everything", async () => {
  const { recoveries, operations } = await exploreCrashes(1_000);
  const again = await exploreCrashes(1_000);
  assert.deepEqual([again.recoveries, again.operations], [recoveries, operations]);
});
