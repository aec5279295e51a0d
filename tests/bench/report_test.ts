/** Medians over rounds, and what a reader is warned of. */

import assert from "node:assert/strict";
import type { Machine } from "../../bench/machine.ts";
import type { Sample } from "../../bench/measure.ts";
import { notesOf, rowsOf, table, wrongAnswers } from "../../bench/report.ts";
import { DEFAULT_PLAN, planMs, QUICK_PLAN, roundsOf } from "../../bench/workload.ts";

const MACHINE: Machine = {
  cpu: "test",
  cores: 2,
  memoryBytes: 1,
  kernel: "1",
  deno: "1",
  syncMs: 0.1,
  load1: 0,
};

function sample(changes: Partial<Sample>): Sample {
  return {
    target: "keva",
    workload: { operation: "write", clients: 64 },
    operations: 1000,
    perSecond: 1000,
    p50Ms: 1,
    p99Ms: 2,
    errors: {},
    nodes: [{ name: "n1", leads: true, cpuSeconds: 1, rssBytes: 2 ** 20 }],
    cpuSecondsPer1000: 1,
    generatorCpuSecondsPer1000: 0.1,
    generatorBusy: 0.5,
    ...changes,
  };
}

Deno.test("a row is the median of its rounds, with its range and the sum of its errors", () => {
  const rounds = [300, 100, 200].map((perSecond) => sample({ perSecond, errors: { late: 2 } }));
  const reads = sample({ workload: { operation: "read", clients: 64 }, perSecond: 9 });
  const [row, other, ...rest] = rowsOf([...rounds, reads]);
  assert.deepEqual(row?.perSecond, { median: 200, min: 100, max: 300 });
  assert.deepEqual(row?.errors, { late: 6 });
  assert.equal(other?.perSecond.median, 9);
  assert.equal(rest.length, 0);
  assert.deepEqual(rowsOf(rounds.slice(1))[0]?.perSecond, { median: 150, min: 100, max: 200 });
});

Deno.test("the table has a line for each row", () => {
  const lines = table(rowsOf([sample({ perSecond: 12_345.6 })])).split("\n");
  assert.equal(lines.length, 2);
  assert.match(lines[1] as string, /^keva writes, 64 clients +12,346 +12,346 – 12,346 +1\.00/);
});

Deno.test("a reader is told what spoils the figures", () => {
  assert.deepEqual(notesOf([sample({})], MACHINE), []);
  assert.match(notesOf([], { ...MACHINE, load1: 1.5 }).join(), /busy before/);
  assert.match(notesOf([sample({ generatorBusy: 0.97 })], MACHINE).join(), /97 % busy/);
  const led = (name: string) => ({ name, leads: true, cpuSeconds: 1, rssBytes: 1 });
  const changed = [sample({ nodes: [led("n1")] }), sample({ nodes: [led("n2")] })];
  assert.match(notesOf(changed, MACHINE).join(), /leader changed/);
});

Deno.test("wrong answers are told apart from missing ones", () => {
  const errors = { "status 503": 1, "wrong: no revision": 2 };
  assert.deepEqual(wrongAnswers(rowsOf([sample({ errors })])), [
    "keva writes, 64 clients: wrong: no revision, 2 times",
  ]);
});

Deno.test("rounds alternate, and their time is bounded", () => {
  const operations = [...roundsOf(QUICK_PLAN)].map(({ operation }) => operation);
  assert.ok(operations.every((operation, i) => operation === (i % 2 === 0 ? "write" : "read")));
  assert.ok(planMs(DEFAULT_PLAN) <= 120_000);
  assert.ok(planMs(QUICK_PLAN) <= 30_000);
});
