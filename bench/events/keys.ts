/** What it costs that nodes prove who they are, and that nobody can read what they say. */

import { KEYED } from "../../tests/e2e/support/keys.ts";
import type { Goal } from "../comparison.ts";
import type { Workload } from "../workload.ts";
import { type Experiment, inTurn, USUAL } from "./experiment.ts";

const AT_MOST_A_TENTH: Goal = { of: "keva", relation: "≥", bound: 0.9 };
const WRITES: Workload = { data: USUAL, readShare: 0, clients: 64, hot: false, perSecond: null };

export const keys: Experiment = {
  name: "links with keys",
  run: async (stage) => {
    if (!stage.targets.includes("keva")) return [];
    const [plain = [], keyed = []] = await stage.with(
      "keva",
      (plain) => stage.with("keva", (keyed) => inTurn([plain, keyed], WRITES), KEYED),
    );
    const times = keyed.map((perSecond, round) => perSecond / (plain[round] ?? NaN));
    const writes = "writes, 64 clients";
    return [
      { name: `${writes}, plain links: per s`, goal: null, values: { keva: plain } },
      { name: `${writes}, links with keys: per s`, goal: null, values: { keva: keyed } },
      { name: `${writes}: with keys to plain`, goal: AT_MOST_A_TENTH, values: { keva: times } },
    ];
  },
};
