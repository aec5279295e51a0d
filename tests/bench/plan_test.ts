/** Which rows a run has, and how long it takes. */

import assert from "node:assert/strict";
import { optionsOf } from "../../bench/options.ts";
import { dataOf, leftOut, type Plan, planMs, planOf, roundsOf } from "../../bench/plan.ts";
import { hasGoal, seriesOf } from "../../bench/rows.ts";
import { workloadName } from "../../bench/workload.ts";
import { sample, workload } from "./support.ts";

const TARGETS = 2;
const MINUTE_MS = 60_000;

function namesOf({ rows }: Plan): string[] {
  return rows.map((row) => workloadName(row.workload));
}

Deno.test("a name tells every workload apart", () => {
  const names = namesOf(planOf({ quick: false }));
  assert.equal(new Set(names).size, names.length);
  assert.equal(workloadName(workload({ clients: 1 })), "writes, 1 client");
  assert.equal(workloadName(workload({ hot: true, readShare: 1 })), "reads of one key, 64 clients");
  assert.equal(
    workloadName(workload({ readShare: 0.9, perSecond: 5000 })),
    "reads and writes 90/10 at 5,000/s",
  );
  const data = { keys: 1, valueBytes: 16_384 };
  assert.equal(workloadName(workload({ data })), "writes of 16 KiB, 64 clients");
});

Deno.test("every row has its turn in each round, and the time of all is bounded", () => {
  const plan = planOf({ quick: false });
  const once = namesOf(plan);
  const rounds = [...roundsOf(plan)].map(workloadName);
  assert.deepEqual(rounds, Array.from({ length: plan.rounds }, () => once).flat());
  assert.ok(planMs(plan) * TARGETS <= 9 * MINUTE_MS);
  assert.ok(planMs(planOf({ quick: true })) * TARGETS <= 2.25 * MINUTE_MS);
});

Deno.test("quick keeps the rows with a goal, and what is left out is told", () => {
  const quick = planOf({ quick: true });
  assert.ok(quick.rows.every(hasGoal));
  assert.deepEqual(leftOut(planOf({ quick: false })), []);
  assert.ok(leftOut(quick).includes("reads, 1 client"));
  assert.equal(leftOut(quick).length + quick.rows.length, planOf({ quick: false }).rows.length);
});

Deno.test("--only picks rows by their name, whatever else is left out", () => {
  const plan = optionsOf(["--quick", "--only", "OF (1|16) kib"])?.plan as Plan;
  assert.equal(plan.rows.length, 4);
  assert.deepEqual(dataOf(plan).map(({ valueBytes }) => valueBytes), [1024, 16_384]);
});

Deno.test("experiments run only when they are named", () => {
  const namesOf = (...args: string[]): string[] | undefined =>
    optionsOf(args)?.experiments.map(({ name }) => name);
  assert.deepEqual(namesOf(), []);
  assert.deepEqual(namesOf("--quick"), []);
  assert.deepEqual(namesOf("--only", "leader killed|durability"), ["leader killed", "durability"]);
  assert.deepEqual(optionsOf(["--only", "leader killed"])?.plan.rows, []);
});

Deno.test("wrong use of the command line is refused in one sentence", () => {
  const refused: [args: string[], reason: RegExp][] = [
    [["--only", "nothing"], /^no row's name matches --only "nothing"$/],
    [["--targets", "keva,other"], /^--targets has "other"; allowed: keva, etcd, floor$/],
    [["--rounds", "1.5"], /^--rounds is "1.5"; allowed: whole numbers$/],
    [["--keys", "0"], /^--keys is "0"; allowed: numbers above 0$/],
  ];
  for (const [args, message] of refused) assert.throws(() => optionsOf(args), { message });
});

Deno.test("the rounds of a row become series, one value for each round and target", () => {
  const row = planOf({ quick: true, only: /^writes, 64/ }).rows[0];
  assert.ok(row !== undefined);
  const round = (target: string, perSecond: number) =>
    sample({ target, perSecond, workload: row.workload, cpuSecondsPer1000: 0.5 });
  const other = sample({ workload: workload({ clients: 1 }) });
  const samples = [round("keva", 3), round("etcd", 1), other, round("keva", 4), round("etcd", 2)];
  const [rate, , cpu] = seriesOf(row, samples);
  assert.deepEqual(rate?.values, { keva: [3, 4], etcd: [1, 2] });
  assert.deepEqual(cpu?.values, { keva: [500, 500], etcd: [500, 500] });
  assert.match(cpu?.name as string, /CPU µs each$/);
});
