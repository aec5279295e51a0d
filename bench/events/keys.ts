/** What it costs that nodes prove who they are, and that nobody can read what they say. */

import { KEYED } from "../../tests/e2e/support/keys.ts";
import type { Goal } from "../comparison.ts";
import { fill, measure } from "../measure.ts";
import type { Target } from "../target.ts";
import type { Workload } from "../workload.ts";
import { type Experiment, USUAL } from "./experiment.ts";

const ROUNDS = 5;
const AT_MOST_A_TENTH: Goal = { of: "keva", relation: "≥", bound: 0.9 };
const WRITES: Workload = { data: USUAL, readShare: 0, clients: 64, hot: false, perSecond: null };

export const keys: Experiment = {
  name: "links with keys",
  run: async (stage) => {
    if (!stage.targets.includes("keva")) return [];
    const rates = await stage.with(
      "keva",
      (plain) => stage.with("keva", (keyed) => inTurn(plain, keyed), KEYED),
    );
    const times = rates.keyed.map((perSecond, round) => perSecond / (rates.plain[round] ?? NaN));
    const writes = "writes, 64 clients";
    return [
      { name: `${writes}, plain links: per s`, goal: null, values: { keva: rates.plain } },
      { name: `${writes}, links with keys: per s`, goal: null, values: { keva: rates.keyed } },
      { name: `${writes}: with keys to plain`, goal: AT_MOST_A_TENTH, values: { keva: times } },
    ];
  },
};

/** Writes per second, round by round. */
async function inTurn(
  plain: Target,
  keyed: Target,
): Promise<{ readonly plain: number[]; readonly keyed: number[] }> {
  const rates = { plain: [] as number[], keyed: [] as number[] };
  for (const target of [plain, keyed]) await fill(target, USUAL);
  const round = { workload: WRITES, warmupMs: 400, measureMs: 2_400 };
  for (let count = 0; count < ROUNDS; count++) {
    rates.plain.push((await measure(plain, round)).perSecond);
    rates.keyed.push((await measure(keyed, round)).perSecond);
  }
  return rates;
}
