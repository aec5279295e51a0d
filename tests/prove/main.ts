/**
 * Everything that is shown before a release, and one table of it at the end:
 *
 *   deno task prove [--seeds 1000] [--recoveries 10000] [--fuzz-cases 1000000] [--from SEED]
 *                   [--chaos-minutes 3] [--skip STAGE,…]
 */

import { parseArgs } from "node:util";
import { enough, type Figure, table } from "./figures.ts";
import { chaos, coverage, crash, fuzzAll, mutants, repeat, simulate } from "./stages.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    recoveries: { type: "string", default: "10000" },
    "fuzz-cases": { type: "string", default: "1000000" },
    "chaos-minutes": { type: "string", default: "3" },
    from: { type: "string", default: "1" },
    skip: { type: "string", default: "" },
  },
});

const from = Number(values.from);
const skipped = values.skip.split(",");
const figures: Figure[] = [];
await stage("simulator", () => simulate(Number(values.seeds), from));
await stage("determinism", async () => [await repeat([from, from + 1, from + 2])]);
await stage("crashes", async () => [await crash(Number(values.recoveries), from)]);
await stage("mutants", async () => [await mutants()]);
await stage("fuzz", async () => [await fuzzAll(Number(values["fuzz-cases"]))]);
await stage("chaos", () => chaos(Number(values["chaos-minutes"]), from));
await stage("coverage", coverage);
console.log(`\n${table(figures)}`);
Deno.exit(enough(figures) ? 0 : 1);

async function stage(name: string, run: () => Promise<Figure[]>): Promise<void> {
  if (skipped.includes(name)) return;
  const startedMs = performance.now();
  console.log(`\n── ${name}`);
  try {
    figures.push(...await run());
  } catch (error) {
    console.log(error);
    figures.push({ what: `${name} to its end`, reached: 0, wanted: 1 });
  }
  console.log(`${((performance.now() - startedMs) / 1_000).toFixed(0)} s`);
}
