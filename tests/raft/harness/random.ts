/** The Random port of a node in a script: from a seed, with an election timeout that may be pinned. */

import type { Random } from "../../../src/base/mod.ts";

/** Draws with a bound up to this spread timeouts; the larger ones choose read attempts. */
const SPREAD_MAX = 1_000;

/** `pinned` is drawn for every spread, so that a timeout is `electionTicks + pinned`. */
export function pinnedRandom(random: Random, pinned: number | undefined): Random {
  return {
    below(bound) {
      if (pinned === undefined || bound > SPREAD_MAX) return random.below(bound);
      return Math.min(pinned, bound - 1);
    },
    bytes(length) {
      return random.bytes(length);
    },
  };
}
