/**
 * The simulator from the command line:
 *
 *   deno task sim --seed N                 one seed, with its trace
 *   deno task sim --seeds N [--from BASE]  N seeds from BASE on (default: from the commit's hash)
 *   deno task sim --minutes M              as many seeds as fit
 */

import { parseArgs } from "node:util";
import { runBatch, summaryText } from "./batch.ts";
import { runSeed } from "./run.ts";
import { describeSwarm } from "./swarm.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    minutes: { type: "string" },
    from: { type: "string" },
    jobs: { type: "string", default: `${navigator.hardwareConcurrency}` },
  },
});

if (values.seed === undefined) await many();
else await one(Number(values.seed));

async function one(seed: number): Promise<void> {
  const verdict = await runSeed(seed, { traceLinesMax: 1_000_000 });
  console.log(describeSwarm(verdict.swarm));
  console.log(verdict.trace);
  console.log(verdict.failure ?? `seed ${seed} passes; trace ${verdict.hash}`);
  Deno.exit(verdict.failure === null ? 0 : 1);
}

async function many(): Promise<void> {
  const from = values.from === undefined ? await commitSeed() : Number(values.from);
  const minutes = Number(values.minutes ?? (values.seeds === undefined ? 5 : 600));
  const count = Number(values.seeds ?? Infinity);
  const summary = await runBatch({
    seeds: numbers(from, count),
    jobs: Number(values.jobs),
    endsAtMs: Date.now() + minutes * 60_000,
    onDone: ({ swarm, failure }) => {
      if (failure === null) return;
      console.log(`\nseed ${swarm.seed} fails: ${failure.split("\n")[0]}`);
      console.log(`  deno task sim --seed ${swarm.seed}`);
    },
  });
  console.log(`seeds from ${from}: ${summaryText(summary)}`);
  Deno.exit(summary.failures === 0 && summary.seeds > 0 ? 0 : 1);
}

function* numbers(from: number, count: number): Generator<number> {
  for (let seed = from; seed < from + count; seed++) yield seed;
}

/** Every commit runs seeds of its own, and anybody can run them again. */
async function commitSeed(): Promise<number> {
  const git = new Deno.Command("git", { args: ["rev-parse", "--short=7", "HEAD"] });
  const { stdout } = await git.output();
  return Number.parseInt(new TextDecoder().decode(stdout).trim() || "1", 16);
}
