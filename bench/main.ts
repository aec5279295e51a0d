/**
 * `deno task bench`: builds if needed, measures, prints tables, and ends whatever it has started.
 */

import { buildBinary } from "../tools/build.ts";
import { ROOT } from "../tools/paths.ts";
import { BINARY } from "../tests/e2e/support/cluster.ts";
import { etcdKind } from "./etcd/target.ts";
import { floorKind } from "./floor/target.ts";
import { kevaKind } from "./keva/target.ts";
import { describeMachine } from "./machine.ts";
import { type Options, optionsOf, USAGE } from "./options.ts";
import { planMs } from "./plan.ts";
import { reportText, wrongAnswers } from "./report.ts";
import { run } from "./run.ts";
import { RealStage } from "./stage.ts";
import type { TargetKind } from "./target.ts";

/** For starting, filling and stopping, beyond the rounds themselves, of each target. */
const PATIENCE_MS = 120_000;
/** For each experiment, of each target: writing five million keys takes a quarter of an hour. */
const EXPERIMENT_MS_MAX = 40 * 60_000;

async function main(options: Options): Promise<number> {
  if (Deno.build.os !== "linux") throw new Error("it reads CPU and memory from /proc: Linux only");
  // Another binary that was named, to compare two of them, is measured as it is.
  if (BINARY === `${ROOT}/dist/keva`) await buildBinary();
  await Deno.mkdir(options.dir, { recursive: true });
  const kinds = await kindsOf(options);
  const directory = await Deno.makeTempDir({ dir: options.dir, prefix: "bench-" });
  const stage = new RealStage(kinds, directory);
  let cleaned: Promise<void> | undefined;
  const cleanUp = (): Promise<void> =>
    cleaned ??= stage.stop().then(() => Deno.remove(directory, { recursive: true }));
  const giveUp = (reason: string): void => {
    console.error(`bench: ${reason}`);
    void cleanUp().finally(() => Deno.exit(1));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => giveUp(`stopped by ${signal}`));
  }
  const timer = setTimeout(() => giveUp("took too long"), timeoutMs(options));
  try {
    return await measureAll(options, directory, stage);
  } finally {
    clearTimeout(timer);
    await cleanUp();
  }
}

function timeoutMs({ plan, experiments, targets }: Options): number {
  return (planMs(plan) + PATIENCE_MS + experiments.length * EXPERIMENT_MS_MAX) * targets.length;
}

/** Those asked for; etcd is left out where it cannot be had, unless it was named. */
async function kindsOf({ targets, targetsNamed, against }: Options): Promise<TargetKind[]> {
  if (against !== undefined) return [await kevaKind(), await kevaKind("other", against)];
  const kinds: TargetKind[] = [];
  if (targets.includes("keva")) kinds.push(await kevaKind());
  if (targets.includes("etcd")) {
    try {
      kinds.push(await etcdKind());
    } catch (error) {
      if (targetsNamed) throw error;
      console.log(`without etcd, which cannot be had here: ${(error as Error).message}`);
    }
  }
  if (targets.includes("floor")) kinds.push(floorKind);
  return kinds;
}

async function measureAll(options: Options, directory: string, stage: RealStage): Promise<number> {
  const report = await run(options, await describeMachine(directory), stage);
  console.log(reportText(report));
  if (options.json !== undefined) {
    await Deno.writeTextFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  const wrong = wrongAnswers(report.details);
  for (const fault of wrong) console.error(fault);
  return wrong.length === 0 ? 0 : 1;
}

try {
  const options = optionsOf(Deno.args);
  if (options === undefined) console.log(USAGE);
  else Deno.exit(await main(options));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  Deno.exit(1);
}
