/**
 * `deno task bench`: builds if needed, starts the targets, runs the rounds in turn, prints a table.
 */

import { parseArgs } from "node:util";
import { buildBinary } from "../tools/build.ts";
import { ROOT } from "../tools/paths.ts";
import { BINARY } from "../tests/e2e/support/cluster.ts";
import { KevaTarget } from "./cluster.ts";
import { describeMachine, type Machine } from "./machine.ts";
import { fill, measure, type Sample } from "./measure.ts";
import { headline, notesOf, type Report, rowName, rowsOf, table, wrongAnswers } from "./report.ts";
import type { Target } from "./target.ts";
import { DEFAULT_PLAN, type Plan, planMs, QUICK_PLAN, roundsOf } from "./workload.ts";

const USAGE = `deno task bench [--quick] [--json FILE]

  --quick         short rounds and fewer keys: shows whether something is far off
  --json FILE     also write every figure and every round as JSON
  --clients LIST  numbers of clients (default 1,64,256)
  --rounds N      rounds of each workload
  --seconds S     what is measured of each round
  --keys N        keys in the store
  --dir DIR       where the data goes while the bench runs (default dist/, not the system's
                  temporary directory, which may be memory)`;

/** For building, starting, filling and stopping, beyond the rounds themselves. */
const PATIENCE_MS = 90_000;

type Options = { readonly plan: Plan; readonly json: string | undefined; readonly dir: string };

async function main(options: Options): Promise<number> {
  if (Deno.build.os !== "linux") throw new Error("it reads CPU and memory from /proc: Linux only");
  // Another binary that was named, to compare two of them, is measured as it is.
  if (BINARY === `${ROOT}/dist/keva`) await buildBinary();
  await Deno.mkdir(options.dir, { recursive: true });
  const directory = await Deno.makeTempDir({ dir: options.dir, prefix: "bench-" });
  const targets: Target[] = [new KevaTarget(directory)];
  let cleaned: Promise<void> | undefined;
  const cleanUp = (): Promise<void> => cleaned ??= stopAll(targets, directory);
  const giveUp = (reason: string): void => {
    console.error(`bench: ${reason}`);
    void cleanUp().finally(() => Deno.exit(1));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => giveUp(`stopped by ${signal}`));
  }
  const timer = setTimeout(() => giveUp("took too long"), planMs(options.plan) + PATIENCE_MS);
  try {
    const machine = await describeMachine(directory);
    for (const target of targets) await target.start();
    return await run(options, machine, targets);
  } finally {
    clearTimeout(timer);
    await cleanUp();
  }
}

async function stopAll(targets: readonly Target[], directory: string): Promise<void> {
  await Promise.all(targets.map((target) => target.stop()));
  await Deno.remove(directory, { recursive: true });
}

async function run({ plan, json }: Options, machine: Machine, targets: Target[]): Promise<number> {
  const startedAt = new Date().toISOString();
  const named = targets.map(({ name, version }) => ({ name, version }));
  console.log(headline(named, machine));
  for (const target of targets) await fill(target, plan);
  const samples = await runRounds(plan, targets);
  const rows = rowsOf(samples);
  const notes = notesOf(samples, machine);
  console.log(["", table(rows), "", ...notes].join("\n"));
  if (json !== undefined) {
    const report: Report = { startedAt, targets: named, machine, plan, rows, notes, samples };
    await Deno.writeTextFile(json, `${JSON.stringify(report, null, 2)}\n`);
  }
  const wrong = wrongAnswers(rows);
  for (const fault of wrong) console.error(fault);
  return wrong.length === 0 ? 0 : 1;
}

/** Every target runs a round before any runs the next. */
async function runRounds(plan: Plan, targets: readonly Target[]): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const workload of roundsOf(plan)) {
    for (const target of targets) {
      const sample = await measure(target, plan, workload);
      samples.push(sample);
      console.log(`${rowName(sample)}: ${Math.round(sample.perSecond)}/s`);
    }
  }
  return samples;
}

function optionsOf(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
      json: { type: "string" },
      clients: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      keys: { type: "string" },
      dir: { type: "string", default: `${ROOT}/dist` },
    },
  });
  if (values.help) return undefined;
  const base = values.quick ? QUICK_PLAN : DEFAULT_PLAN;
  const { clients, rounds, seconds, keys } = values;
  const plan = {
    data: { ...base.data, ...(keys !== undefined && { keys: whole("keys", keys) }) },
    clients: clients?.split(",").map((text) => whole("clients", text)) ?? base.clients,
    rounds: rounds === undefined ? base.rounds : whole("rounds", rounds),
    warmupMs: base.warmupMs,
    measureMs: seconds === undefined ? base.measureMs : positive("seconds", seconds) * 1000,
  };
  return { plan, json: values.json, dir: values.dir };
}

function whole(name: string, text: string): number {
  const value = positive(name, text);
  if (!Number.isInteger(value)) throw new Error(`--${name} is "${text}"; allowed: whole numbers`);
  return value;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1e7) return value;
  throw new Error(`--${name} is "${text}"; allowed: numbers above 0`);
}

try {
  const options = optionsOf(Deno.args);
  if (options === undefined) console.log(USAGE);
  else Deno.exit(await main(options));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  Deno.exit(1);
}
