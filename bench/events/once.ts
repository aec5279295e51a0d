/** What it costs that a write carries an idempotency key. */

import type { Goal } from "../comparison.ts";
import { fill, measure, type Sample } from "../measure.ts";
import type { Workload } from "../workload.ts";
import { type Experiment, rssBytes, USUAL } from "./experiment.ts";

const ROUNDS = 15;
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
      const rates: { readonly plain: Sample; readonly once: Sample }[] = [];
      for (let count = 0; count < ROUNDS; count++) {
        const [plain, once] = [WRITES, ONCE].map((workload) => {
          return { workload, warmupMs: 400, measureMs: 2_400 };
        }) as [Round, Round];
        rates.push({ plain: await measure(target, plain), once: await measure(target, once) });
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
      { name: `${writes}: per s`, goal: null, values: values(({ plain }) => plain.perSecond) },
      {
        name: `${writes}, with keys: per s`,
        goal: null,
        values: values(({ once }) => once.perSecond),
      },
      {
        name: `${writes}: with idempotency keys to without`,
        goal: AT_MOST_A_TENTH,
        values: values(({ plain, once }) => once.perSecond / plain.perSecond),
      },
      {
        name: `${writes}: CPU of one with a key to one without`,
        goal: null,
        values: values(({ plain, once }) => once.cpuSecondsPer1000 / plain.cpuSecondsPer1000),
      },
    ];
  },
};

type Round = Parameters<typeof measure>[1];
