/**
 * Runs inside of a copy of the sources with a mistake in it: goes through seeds of one net until
 * one fails, and says on its output, a line per seed, how far it is.
 */

import { exploreCrashes } from "../../crash/explore.ts";
import { explore } from "../../raft/explore/explore.ts";
import { runSeed } from "../run.ts";
import { LOADED, type Mutant } from "./mutant.ts";

const [net, seeds] = Deno.args as [Mutant["net"], string];

/** Why the seed fails, null when it does not. */
const run: Record<Mutant["net"], (seed: number) => Promise<string | null>> = {
  sim: async (seed) => (await runSeed(seed, { traceLinesMax: 1 })).failure,
  crash: async (seed) => {
    try {
      await exploreCrashes(seed);
      return null;
    } catch (error) {
      return reasonOf(error);
    }
  },
  core: (seed) => Promise.resolve(explore(seed, 1).failure),
};

console.log(LOADED);
for (let seed = 1; seed <= Number(seeds); seed++) {
  const failure = await run[net](seed);
  console.log(JSON.stringify({ seed, failure: failure?.split("\n")[0] ?? null }));
  if (failure !== null) break;
}
Deno.exit(0);

/** The innermost cause: what was found, not where. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : reasonOf(error.cause);
}
