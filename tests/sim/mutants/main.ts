/**
 * The proof that the nets are tight: every mutant is hunted until it is killed.
 *
 *   deno task mutants [--only PART_OF_A_NAME,…] [--jobs N]
 */

import { parseArgs } from "node:util";
import { type Hunt, hunt, makeSandbox } from "./hunt.ts";
import { MUTANTS } from "./mutants.ts";

const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, jobs: { type: "string", default: "2" } },
});

const only = values.only.split(",");
const waiting = MUTANTS.filter(({ name }) => only.some((part) => name.includes(part)));
const total = waiting.length;
let killed = 0;
await Promise.all(Array.from({ length: Number(values.jobs) }, work));
console.log(`${killed} of ${total} mutants killed`);
Deno.exit(killed === total && total > 0 ? 0 : 1);

async function work(): Promise<void> {
  const sandbox = makeSandbox();
  try {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const done = await hunt(sandbox, next);
      killed += done.killed ? 1 : 0;
      console.log(lineOf(done));
    }
  } finally {
    Deno.removeSync(sandbox, { recursive: true });
  }
}

function lineOf({ mutant, killed, seeds, seconds, how }: Hunt): string {
  const verdict = `${killed ? "killed by" : "SURVIVED"} ${mutant.net} ${killed ? "seed" : "seeds"}`;
  const cost = `${verdict} ${seeds}`.padEnd(26) + `${seconds.toFixed(0)} s`.padStart(6);
  return `${mutant.name.padEnd(36)} ${cost}  ${how.slice(0, 120)}`;
}
