/** What each harness contributes to the proof, as figures. */

import { ROOT } from "../../tools/paths.ts";
import { buildBinary } from "../../tools/build.ts";
import { exploreCrashes } from "../crash/explore.ts";
import { checkedCount, faultCounts, reportText } from "../e2e/chaos/report.ts";
import { runChaos } from "../e2e/chaos/run.ts";
import { runBatch, summaryText } from "../sim/batch.ts";
import { hunt, makeSandbox } from "../sim/mutants/hunt.ts";
import { MUTANTS } from "../sim/mutants/mutants.ts";
import { runSeed } from "../sim/run.ts";
import { measureCoverage, percent } from "./coverage.ts";
import type { Figure } from "./figures.ts";

const LINES_PERCENT = 95;
const BRANCHES_PERCENT = 90;
/** With the default of three minutes this makes 100,000. */
const CHAOS_OPERATIONS_PER_MINUTE = 100_000 / 3;
const JOBS = Math.max(1, navigator.hardwareConcurrency);

export async function simulate(seeds: number, from: number): Promise<Figure[]> {
  const summary = await runBatch({
    seeds: Array.from({ length: seeds }, (_, number) => from + number),
    jobs: JOBS,
    endsAtMs: Infinity,
    onDone: ({ swarm, failure }) => {
      if (failure !== null) console.log(`seed ${swarm.seed} fails: ${failure.split("\n")[0]}`);
    },
  });
  console.log(summaryText(summary));
  const share = seeds / 1_000;
  return [
    { what: "simulator seeds that pass", reached: seeds - summary.failures, wanted: seeds },
    { what: "simulated cluster-hours", reached: summary.virtualHours, wanted: 30 * share },
    {
      what: "operations checked linearizable",
      reached: summary.operations,
      wanted: 2_000_000 * share,
    },
    { what: "faults injected", reached: summary.faults, wanted: 50_000 * share },
  ];
}

export async function repeat(seeds: readonly number[]): Promise<Figure> {
  let equal = 0;
  for (const seed of seeds) {
    const [first, second] = [await runSeed(seed), await runSeed(seed)];
    if (first.hash === second.hash && first.events === second.events) equal++;
    else console.log(`seed ${seed} runs in two ways`);
  }
  return { what: "seeds run twice with equal traces", reached: equal, wanted: seeds.length };
}

export async function crash(wanted: number, from: number): Promise<Figure> {
  let recoveries = 0;
  for (let seed = from; recoveries < wanted; seed++) {
    recoveries += (await exploreCrashes(seed)).recoveries;
  }
  return { what: "recoveries of crashed disks", reached: recoveries, wanted };
}

export async function mutants(): Promise<Figure> {
  const waiting = [...MUTANTS];
  let killed = 0;
  const work = async () => {
    const sandbox = makeSandbox();
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const done = await hunt(sandbox, next);
      if (done.killed) killed++;
      else console.log(`mutant ${next.name} survives ${done.seeds} seeds`);
    }
    Deno.removeSync(sandbox, { recursive: true });
  };
  await Promise.all(Array.from({ length: JOBS }, work));
  return { what: "mutants killed", reached: killed, wanted: MUTANTS.length };
}

/** Real processes, until the time is up; what their clients saw is checked. */
export async function chaos(minutes: number, seed: number): Promise<Figure[]> {
  await buildBinary();
  const run = await runChaos({ durationMs: minutes * 60_000, seed });
  console.log(reportText(run));
  const faults = [...faultCounts(run.done).values()].reduce((sum, count) => sum + count, 0);
  const sound = run.verdict.violations.length === 0;
  return [
    {
      what: "operations on real processes checked linearizable",
      reached: sound ? checkedCount(run) : 0,
      wanted: CHAOS_OPERATIONS_PER_MINUTE * minutes,
    },
    { what: "faults on real processes", reached: faults, wanted: 4 * minutes },
  ];
}

/** The figure is that of the decoder with the fewest. */
export async function fuzzAll(cases: number): Promise<Figure> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "tests/fuzz/main.ts",
      "--cases",
      `${cases}`,
      "--seconds",
      "7200",
    ],
    cwd: ROOT,
    stderr: "inherit",
  }).output();
  const text = new TextDecoder().decode(stdout);
  const counts = [...text.matchAll(/(\d+) cases/g)].map(([, count]) => Number(count));
  const sound = / 0 failed/.test(text) && counts.length > 0;
  if (!sound) console.log(text);
  const what = `fuzz cases for each of ${counts.length} decoders`;
  return { what, reached: sound ? Math.min(...counts) : 0, wanted: cases };
}

export async function coverage(): Promise<Figure[]> {
  const folders = await measureCoverage();
  for (const { missed } of folders) if (missed.length > 0) console.log(missed.join("\n"));
  return folders.flatMap(({ folder, lines, branches }): Figure[] => [
    { what: `lines run in ${folder}`, reached: percent(lines), wanted: LINES_PERCENT, unit: " %" },
    {
      what: `branches run in ${folder}`,
      reached: percent(branches),
      wanted: BRANCHES_PERCENT,
      unit: " %",
    },
  ]);
}
