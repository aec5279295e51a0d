/** A run: the rounds of all rows, then the experiments, and what they come to. */

import { compare, type Series } from "./comparison.ts";
import { detailName, detailsOf } from "./details.ts";
import { number } from "./figures.ts";
import { fillAll } from "./fill.ts";
import type { Machine } from "./machine.ts";
import { measure, type Sample } from "./measure.ts";
import type { Options } from "./options.ts";
import { leftOut, type Plan, roundsOf } from "./plan.ts";
import { headline, notesOf, type Report } from "./report.ts";
import { seriesOf } from "./rows.ts";
import type { RealStage } from "./stage.ts";
import type { Target } from "./target.ts";

export async function run(
  { plan, experiments }: Options,
  machine: Machine,
  stage: RealStage,
): Promise<Report> {
  const startedAt = new Date().toISOString();
  const targets = stage.kinds.map(({ name, version }) => ({ name, version }));
  console.log(headline({ targets, machine }));
  const samples: Sample[] = [];
  const series: Series[] = [];
  if (plan.rows.length > 0) {
    console.log(`left out: ${leftOut(plan).join("; ") || "nothing"}`);
    const memory = await stage.withAll(async (targets) => {
      const memory = await fillAll(plan, targets);
      samples.push(...await runRounds(plan, targets));
      return memory;
    });
    series.push(...plan.rows.flatMap((row) => seriesOf(row, samples)), ...memory);
  }
  for (const experiment of experiments) {
    stage.say(`${experiment.name}:`);
    series.push(...await experiment.run(stage));
  }
  return {
    startedAt,
    targets,
    machine,
    plan,
    rows: series.map(compare),
    details: detailsOf(samples),
    notes: notesOf(samples, machine),
    samples,
  };
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
