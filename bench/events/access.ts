/** What it costs that clients show a token, and that a policy says what they may do. */

import type { Goal, Series } from "../comparison.ts";
import { GUARDED } from "../keva/guarded.ts";
import { type Experiment, inTurn, USUAL } from "./experiment.ts";

const AT_MOST_A_TWENTIETH: Goal = { of: "keva", relation: "≥", bound: 0.95 };
const LOADS = [["writes", 0], ["reads", 1]] as const;

export const access: Experiment = {
  name: "access control",
  run: async (stage) => {
    if (!stage.targets.includes("keva")) return [];
    return await stage.with("keva", (open) =>
      stage.with("keva", async (guarded) => {
        const series: Series[] = [];
        for (const [name, readShare] of LOADS) {
          const workload = { data: USUAL, readShare, clients: 64, hot: false, perSecond: null };
          const rates = await inTurn([open, guarded], workload);
          const [without = [], by = []] = rates;
          const times = by.map((perSecond, round) => perSecond / (without[round] ?? NaN));
          const load = `${name}, 64 clients`;
          series.push(
            { name: `${load}, open: per s`, goal: null, values: { keva: without } },
            { name: `${load}, token and policy: per s`, goal: null, values: { keva: by } },
            {
              name: `${load}: token and policy to open`,
              goal: AT_MOST_A_TWENTIETH,
              values: { keva: times },
            },
          );
        }
        return series;
      }, GUARDED));
  },
};
