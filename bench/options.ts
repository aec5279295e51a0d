/** The command line of the bench. */

import { parseArgs } from "node:util";
import { ROOT } from "../tools/paths.ts";
import type { Experiment } from "./events/experiment.ts";
import { EXPERIMENTS } from "./events/mod.ts";
import { type Plan, planOf } from "./plan.ts";
import { type TargetName, TARGETS } from "./target.ts";

export const USAGE =
  `deno task bench [--quick] [--only PATTERN] [--targets LIST | --against FILE] [--json FILE]

  --quick         the rows that have a target, in fewer and shorter rounds
  --only PATTERN  the rows and experiments whose name matches, a regular expression:
                  --only 'writes, 64|reads of'; experiments run only when they are named so
  --targets LIST  what is measured (default keva,etcd; without etcd when it cannot be had);
                  floor is three processes on Keva's runtime that replicate and do nothing else:
                  rows only, no experiments
  --against FILE  another binary of Keva in the place of etcd: what a change is worth shows best
                  in many short rounds, --rounds 15 --seconds 1.5
  --json FILE     also write every figure and every round as JSON
  --rounds N      rounds of each row
  --seconds S     what is measured of each round
  --keys N        keys with values of 256 bytes
  --dir DIR       where the data goes while the bench runs (default dist/, not the system's
                  temporary directory, which may be memory)

Experiments, each on clusters of its own:
${EXPERIMENTS.map(({ name }) => `  ${name}`).join("\n")}`;

export type Options = {
  readonly plan: Plan;
  readonly experiments: readonly Experiment[];
  readonly targets: readonly TargetName[];
  /** Whether the targets were named, so that none may be missing. */
  readonly targetsNamed: boolean;
  /** Another binary of Keva to compare with. */
  readonly against: string | undefined;
  readonly json: string | undefined;
  readonly dir: string;
};

/** Undefined when help was asked for. Throws with a sentence for the user. */
export function optionsOf(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
      only: { type: "string" },
      targets: { type: "string" },
      against: { type: "string" },
      json: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      keys: { type: "string" },
      dir: { type: "string", default: `${ROOT}/dist` },
    },
  });
  if (values.help) return undefined;
  const { quick, targets, against, rounds, seconds, keys } = values;
  if (targets !== undefined && against !== undefined) {
    throw new Error("--against names what to compare with, so --targets cannot");
  }
  const only = values.only === undefined ? undefined : new RegExp(values.only, "i");
  const plan = planOf({
    quick,
    ...(only !== undefined && { only }),
    ...(keys !== undefined && { keys: whole("keys", keys) }),
    ...(rounds !== undefined && { rounds: whole("rounds", rounds) }),
    ...(seconds !== undefined && { measureMs: positive("seconds", seconds) * 1000 }),
  });
  const experiments = only === undefined ? [] : EXPERIMENTS.filter(({ name }) => only.test(name));
  if (targets?.includes("floor") && experiments.length > 0) {
    throw new Error(`floor has rows, but not "${experiments[0]!.name}"; narrow --only`);
  }
  if (plan.rows.length === 0 && experiments.length === 0) {
    throw new Error(`no row's name matches --only "${values.only}"`);
  }
  return {
    plan,
    experiments,
    targets: against !== undefined
      ? ["keva", "other"]
      : targets?.split(",").map(targetName) ?? ["keva", "etcd"],
    targetsNamed: targets !== undefined,
    against,
    json: values.json,
    dir: values.dir,
  };
}

function targetName(text: string): TargetName {
  const name = TARGETS.find((target) => target === text);
  if (name !== undefined) return name;
  throw new Error(`--targets has "${text}"; allowed: ${TARGETS.join(", ")}`);
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
