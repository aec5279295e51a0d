/** What it costs that a write carries an idempotency key. */

import type { Goal } from "../comparison.ts";
import { fill, measure } from "../measure.ts";
import type { Workload } from "../workload.ts";
import { type Experiment, rssBytes, USUAL } from "./experiment.ts";

const ROUNDS = 5;
const AT_MOST_A_TENTH: Goal = { of: "keva", relation: "≥", bound: 0.9 };
const WRITES: Workload = { data: USUAL, readShare: 0, clients: 64, hot: false, perSecond: null };
const ONCE: Workload = { ...WRITES, once: true };

export const once: Experiment = {
  name: "idempotency keys",
  run: async (stage) => {
    if (!stage.targets.includes("keva")) return [];
    const rounds = await stage.with("keva", async (target) => {
      await fill(target, USUAL);
      const before = rssBytes(target);
      const rates: { readonly plain: number; readonly once: number }[] = [];
      for (let count = 0; count < ROUNDS; count++) {
        const [plain, once] = [WRITES, ONCE].map((workload) => {
          return { workload, warmupMs: 400, measureMs: 2_400 };
        }) as [Round, Round];
        rates.push({
          plain: (await measure(target, plain)).perSecond,
          once: (await measure(target, once)).perSecond,
        });
      }
      const grown = rssBytes(target).map((bytes, node) => bytes - (before[node] as number));
      stage.say(
        `nodes grew by ${grown.map((bytes) => Math.round(bytes / 2 ** 20)).join(", ")} MiB`,
      );
      return rates;
    });
    const values = (of: (rate: typeof rounds[number]) => number) => ({ keva: rounds.map(of) });
    const writes = "writes, 64 clients";
    return [
      { name: `${writes}: per s`, goal: null, values: values(({ plain }) => plain) },
      { name: `${writes}, with keys: per s`, goal: null, values: values(({ once }) => once) },
      {
        name: `${writes}: with idempotency keys to without`,
        goal: AT_MOST_A_TENTH,
        values: values(({ plain, once }) => once / plain),
      },
    ];
  },
};

type Round = Parameters<typeof measure>[1];
