/**
 * New seeds for as long as there is time: `deno task soak --minutes M [--from SEED]`. The simulator
 * gets four fifths of it, the crash explorer the rest; every failing seed is printed with the
 * command that repeats it.
 */

import { parseArgs } from "node:util";
import { exploreCrashes } from "../crash/explore.ts";
import { runBatch, summaryText } from "../sim/batch.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    from: { type: "string", default: `${Date.now() % 2 ** 31}` },
    jobs: { type: "string", default: `${navigator.hardwareConcurrency}` },
  },
});

const minutes = Number(values.minutes);
const from = Number(values.from);
const failing: string[] = [];

const summary = await runBatch({
  seeds: numbersFrom(from),
  jobs: Number(values.jobs),
  endsAtMs: Date.now() + 0.8 * minutes * 60_000,
  onDone: ({ swarm, failure }) => {
    if (failure !== null) fails(`deno task sim --seed ${swarm.seed}`, failure);
  },
});
const crashes = await crashUntil(Date.now() + 0.2 * minutes * 60_000);

console.log(`simulator, seeds from ${from}: ${summaryText(summary)}`);
console.log(`crash explorer, seeds from ${from}: ${crashes}`);
console.log(failing.length === 0 ? "nothing failed" : `failed:\n  ${failing.join("\n  ")}`);
Deno.exit(failing.length === 0 ? 0 : 1);

async function crashUntil(endsAtMs: number): Promise<string> {
  let seeds = 0;
  let recoveries = 0;
  for (const seed of numbersFrom(from)) {
    if (Date.now() >= endsAtMs) break;
    seeds++;
    try {
      recoveries += (await exploreCrashes(seed)).recoveries;
    } catch (error) {
      fails(`deno task crash --recoveries 1 --seed ${seed}`, Deno.inspect(error));
    }
  }
  return `${seeds} seeds, ${recoveries.toLocaleString("en")} recoveries`;
}

function fails(command: string, failure: string): void {
  failing.push(command);
  console.log(`${failure.split("\n")[0]}\n  ${command}`);
}

function* numbersFrom(first: number): Generator<number> {
  for (let seed = first;; seed++) yield seed;
}
