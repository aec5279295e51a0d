/**
 * Chaos on real processes from the command line:
 *
 *   deno task chaos [--minutes M] [--seed S]
 */

import { parseArgs } from "node:util";
import { buildBinary } from "../../../tools/build.ts";
import { ROOT } from "../../../tools/paths.ts";
import { BINARY } from "../support/cluster.ts";
import { reportText } from "./report.ts";
import { runChaos } from "./run.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    seed: { type: "string" },
    keyed: { type: "boolean", default: false },
  },
});

const minutes = Number(values.minutes);
const seed = values.seed === undefined ? undefined : Number(values.seed);
if (!(minutes > 0) || (seed !== undefined && !Number.isInteger(seed))) {
  console.error(
    "deno task chaos [--minutes M] [--seed S] [--keyed]: a number above 0, a whole number",
  );
  Deno.exit(2);
}
// Another binary that was named, to try a change, is taken as it is.
if (BINARY === `${ROOT}/dist/keva`) await buildBinary();
const run = await runChaos({
  durationMs: minutes * 60_000,
  keyed: values.keyed,
  say: (line) => console.log(line),
  ...(seed !== undefined && { seed }),
});
console.log(reportText(run));
Deno.exit(run.verdict.violations.length === 0 ? 0 : 1);
