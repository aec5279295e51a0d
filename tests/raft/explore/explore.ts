/** One exploration: chaos, then calm, all of it decided by one seed. */

import { runCalm } from "./calm.ts";
import { chaosEnd, startChaos } from "./chaos.ts";
import { Dice } from "./dice.ts";
import { drawOptions, withLimits } from "./options.ts";
import { type Trace, World } from "./world.ts";

export type Outcome = {
  readonly seed: number;
  readonly steps: number;
  readonly committed: number;
  /** What was violated, with the end of the trace; null when nothing was. */
  readonly failure: string | null;
};

const TRACE_LINES_MAX = 120;

/** Explores `seed`; a failing one once more, to tell what happened. */
export function explore(seed: number, traceLines = TRACE_LINES_MAX): Outcome {
  const outcome = run(seed, null);
  if (outcome.failure === null) return outcome;
  const lines: string[] = [];
  const { failure } = run(seed, (line) => {
    lines.push(line);
    if (lines.length > traceLines) lines.shift();
  });
  return { ...outcome, failure: `seed ${seed}: ${failure}\n${lines.join("\n")}\n` };
}

function run(seed: number, trace: Trace): Outcome {
  const dice = new Dice(seed);
  const options = drawOptions(dice);
  trace?.(JSON.stringify(options));
  return withLimits(options.limits, () => {
    let world: World | null = null;
    let failure: string | null = null;
    try {
      world = new World(options, dice, trace);
      startChaos(world, chaosEnd(world));
      world.agenda.runTo(chaosEnd(world));
      runCalm(world);
    } catch (error) {
      // An assertion of the core, too: whatever it throws, it must not have come to that.
      failure = error instanceof Error ? `${error.message}\n${stackOf(error)}` : String(error);
    }
    const committed = world?.oracle.commit ?? 0;
    return { seed, steps: world?.steps ?? 0, committed, failure };
  });
}

/** Where in the core it happened: the frames that a reader needs. */
function stackOf(error: Error): string {
  const frames = (error.stack ?? "").split("\n").filter((line) => line.includes("at "));
  return frames.slice(0, 8).map((line) => line.replace(/\(file:.*\/(?=[^/]+$)/, "(")).join("\n");
}
