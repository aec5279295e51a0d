/**
 * What it costs that nodes prove who they are and nobody can read what they say, alone and together
 * with clients that show a token and a policy that says what they may do.
 */

import { KEYED } from "../../tests/e2e/support/keys.ts";
import type { Goal } from "../comparison.ts";
import { GUARDED } from "../keva/guarded.ts";
import type { Workload } from "../workload.ts";
import { type Experiment, inTurn, USUAL } from "./experiment.ts";

const AT_MOST_A_TENTH: Goal = { of: "keva", relation: "≥", bound: 0.9 };
const WRITES: Workload = { data: USUAL, readShare: 0, clients: 64, hot: false, perSecond: null };

export const keys = besidePlain("links with keys", KEYED);
export const trust = besidePlain("links with keys, tokens and a policy", `${KEYED}${GUARDED}`);

function besidePlain(name: string, settings: string): Experiment {
  return {
    name,
    run: async (stage) => {
      if (!stage.targets.includes("keva")) return [];
      const [plain = [], trusting = []] = await stage.with(
        "keva",
        (plain) => stage.with("keva", (trusting) => inTurn([plain, trusting], WRITES), settings),
      );
      const times = trusting.map((perSecond, round) => perSecond / (plain[round] ?? NaN));
      const writes = "writes, 64 clients";
      return [
        { name: `${writes}, plain: per s`, goal: null, values: { keva: plain } },
        { name: `${writes}, ${name}: per s`, goal: null, values: { keva: trusting } },
        { name: `${writes}: ${name} to plain`, goal: AT_MOST_A_TENTH, values: { keva: times } },
      ];
    },
  };
}
