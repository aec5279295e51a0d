/** What it takes to list all keys page by page, and how many transactions of ten operations go. */

import { fill } from "../measure.ts";
import type { Target } from "../target.ts";
import { type Experiment, USUAL } from "./experiment.ts";

const ROUNDS = 3;
const PAGE_ITEMS = 1_000;
const CLIENTS = 32;
const OPERATIONS = 10;
const TRANSACTIONS_MS = 3_000;

type Round = { readonly listMs: number; readonly transactionsPerSecond: number };

export const many: Experiment = {
  name: "lists and transactions",
  run: async (stage) => {
    if (!stage.targets.includes("keva")) return [];
    const rounds = await stage.with("keva", measureAll);
    const of = (value: (round: Round) => number) => ({ keva: rounds.map(value) });
    const list = `a list of ${USUAL.keys.toLocaleString("en")} keys in pages of ${PAGE_ITEMS}`;
    const transactions = `transactions of ${OPERATIONS} operations, ${CLIENTS} clients`;
    return [
      { name: `${list}: s`, goal: null, values: of(({ listMs }) => listMs / 1000) },
      {
        name: `${transactions}: per s`,
        goal: null,
        values: of(({ transactionsPerSecond }) => transactionsPerSecond),
      },
    ];
  },
};

async function measureAll(target: Target): Promise<Round[]> {
  await fill(target, USUAL);
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const port = target.ports[round % target.ports.length] as number;
    const listMs = await listAll(port);
    rounds.push({ listMs, transactionsPerSecond: await transact(target) });
  }
  return rounds;
}

/** One page after the other, as a program would. */
async function listAll(port: number): Promise<number> {
  const startMs = performance.now();
  let keys = 0;
  for (let after = "";;) {
    const url = `http://127.0.0.1:${port}/v1/storage/keys?limit=${PAGE_ITEMS}${after}`;
    const page = await (await fetch(url)).json();
    keys += page.items.length;
    if (page.next64 === undefined) break;
    after = `&after64=${page.next64}`;
  }
  // Transactions of the rounds before have added some.
  if (keys < USUAL.keys) throw new Error(`the list had ${keys} keys, not ${USUAL.keys}`);
  return performance.now() - startMs;
}

/** Half of the operations write keys of the client's own, half read them. */
async function transact({ ports }: Target): Promise<number> {
  const endMs = performance.now() + TRANSACTIONS_MS;
  let done = 0;
  const client = async (number: number): Promise<void> => {
    const url = `http://127.0.0.1:${ports[number % ports.length]}/v1/storage/txn`;
    const then = Array.from({ length: OPERATIONS }, (_, at) => {
      const key = `txn/${number}/${at >> 1}`;
      return at % 2 === 0 ? { op: "put", key, value: "x".repeat(100) } : { op: "get", key };
    });
    const body = JSON.stringify({ then });
    while (performance.now() < endMs) {
      const response = await fetch(url, { method: "POST", body });
      const { results } = await response.json();
      if (results?.length !== OPERATIONS) throw new Error(`a transaction gave ${response.status}`);
      done++;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
  return done / TRANSACTIONS_MS * 1000;
}
