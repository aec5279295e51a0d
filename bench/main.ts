/**
 * `deno task bench`: builds if needed, starts the targets, runs the rounds in turn, prints tables.
 */

import { buildBinary } from "../tools/build.ts";
import { ROOT } from "../tools/paths.ts";
import { BINARY } from "../tests/e2e/support/cluster.ts";
import { compare } from "./comparison.ts";
import { detailName, detailsOf } from "./details.ts";
import { findEtcd, type Found } from "./etcd/install.ts";
import { EtcdTarget } from "./etcd/target.ts";
import { number } from "./figures.ts";
import { fillAll } from "./fill.ts";
import { KevaTarget } from "./keva/target.ts";
import { describeMachine } from "./machine.ts";
import { measure, type Sample } from "./measure.ts";
import { type Options, optionsOf, USAGE } from "./options.ts";
import { leftOut, type Plan, planMs, roundsOf } from "./plan.ts";
import { headline, notesOf, type Report, reportText, wrongAnswers } from "./report.ts";
import { seriesOf } from "./rows.ts";
import type { Target } from "./target.ts";

/** For building, starting, filling and stopping, beyond the rounds themselves, of each target. */
const PATIENCE_MS = 120_000;

async function main(options: Options): Promise<number> {
  if (Deno.build.os !== "linux") throw new Error("it reads CPU and memory from /proc: Linux only");
  // Another binary that was named, to compare two of them, is measured as it is.
  if (BINARY === `${ROOT}/dist/keva`) await buildBinary();
  await Deno.mkdir(options.dir, { recursive: true });
  const directory = await Deno.makeTempDir({ dir: options.dir, prefix: "bench-" });
  const targets: Target[] = [];
  let cleaned: Promise<void> | undefined;
  const cleanUp = (): Promise<void> => cleaned ??= stopAll(targets, directory);
  const giveUp = (reason: string): void => {
    console.error(`bench: ${reason}`);
    void cleanUp().finally(() => Deno.exit(1));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => giveUp(`stopped by ${signal}`));
  }
  const timeoutMs = (planMs(options.plan) + PATIENCE_MS) * options.targets.length;
  const timer = setTimeout(() => giveUp("took too long"), timeoutMs);
  try {
    targets.push(...await targetsOf(options, directory));
    return await run(options, directory, targets);
  } finally {
    clearTimeout(timer);
    await cleanUp();
  }
}

/** Those asked for; etcd is left out where it cannot be had, unless it was named. */
async function targetsOf(options: Options, directory: string): Promise<Target[]> {
  // Found before anything is started that would have to be stopped.
  const etcd = options.targets.includes("etcd") ? await etcdFor(options) : null;
  return [
    ...(options.targets.includes("keva") ? [new KevaTarget(directory)] : []),
    ...(etcd === null ? [] : [new EtcdTarget(etcd, directory)]),
  ];
}

async function etcdFor({ targetsNamed }: Options): Promise<Found | null> {
  try {
    return await findEtcd();
  } catch (error) {
    if (targetsNamed) throw error;
    console.log(`without etcd, which cannot be had here: ${(error as Error).message}`);
    return null;
  }
}

async function stopAll(targets: readonly Target[], directory: string): Promise<void> {
  await Promise.all(targets.map((target) => target.stop()));
  await Deno.remove(directory, { recursive: true });
}

async function run(
  { plan, json }: Options,
  directory: string,
  targets: readonly Target[],
): Promise<number> {
  const startedAt = new Date().toISOString();
  const machine = await describeMachine(directory);
  for (const target of targets) await target.start();
  const named = targets.map(({ name, version }) => ({ name, version }));
  console.log(headline({ targets: named, machine }));
  const without = leftOut(plan);
  if (without.length > 0) console.log(`left out: ${without.join("; ")}`);
  const memory = await fillAll(plan, targets);
  const samples = await runRounds(plan, targets);
  const series = [...plan.rows.flatMap((row) => seriesOf(row, samples)), ...memory];
  const report: Report = {
    startedAt,
    targets: named,
    machine,
    plan,
    rows: series.map(compare),
    details: detailsOf(samples),
    notes: notesOf(samples, machine),
    samples,
  };
  console.log(reportText(report));
  if (json !== undefined) {
    await Deno.writeTextFile(json, `${JSON.stringify(report, null, 2)}\n`);
  }
  const wrong = wrongAnswers(report.details);
  for (const fault of wrong) console.error(fault);
  return wrong.length === 0 ? 0 : 1;
}

/** Every target runs a round before any runs the next. */
async function runRounds(plan: Plan, targets: readonly Target[]): Promise<Sample[]> {
  const { warmupMs, measureMs } = plan;
  const samples: Sample[] = [];
  for (const workload of roundsOf(plan)) {
    for (const target of targets) {
      const sample = await measure(target, { workload, warmupMs, measureMs });
      samples.push(sample);
      console.log(`${detailName(sample)}: ${number(sample.perSecond)}/s`);
    }
  }
  return samples;
}

try {
  const options = optionsOf(Deno.args);
  if (options === undefined) console.log(USAGE);
  else Deno.exit(await main(options));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  Deno.exit(1);
}
