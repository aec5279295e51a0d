/**
 * The Clock port on the real clocks.
 */

import { setImmediate } from "node:timers";
import type { Clock, Timer } from "../base/mod.ts";

/** `setTimeout` turns a longer delay into none at all. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export function systemClock(): Clock {
  return {
    now: () => performance.now(),
    wallTime: () => Date.now(),
    after: (delayMs, run) => {
      const id = setTimeout(run, Math.min(delayMs, DELAY_MS_MAX));
      return { cancel: () => clearTimeout(id) };
    },
    every,
    soon: (run) => void setImmediate(run),
    yield: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

/** Keeps the rhythm as long as it can; after a pause it starts a new one instead of catching up. */
function every(intervalMs: number, run: () => void): Timer {
  let due = performance.now() + intervalMs;
  let id = setTimeout(turn, intervalMs);
  function turn(): void {
    const now = performance.now();
    due = due + intervalMs > now ? due + intervalMs : now + intervalMs;
    id = setTimeout(turn, due - now); // before `run`, so that `run` may cancel it
    run();
  }
  return { cancel: () => clearTimeout(id) };
}
