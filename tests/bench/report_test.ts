/** Medians over rounds, ratios and goals, and what a reader is warned of. */

import assert from "node:assert/strict";
import { compare, comparisonTable, type Goal } from "../../bench/comparison.ts";
import { detailsOf, detailTable } from "../../bench/details.ts";
import { number } from "../../bench/figures.ts";
import type { Machine } from "../../bench/machine.ts";
import { notesOf, wrongAnswers } from "../../bench/report.ts";
import { sample, workload } from "./support.ts";

const MACHINE: Machine = {
  cpu: "test",
  cores: 2,
  memoryBytes: 1,
  kernel: "1",
  deno: "1",
  syncMs: 0.1,
  load1: 0,
};

Deno.test("a detail is the median of its rounds, with its range and the sum of its errors", () => {
  const rounds = [300, 100, 200].map((perSecond) => sample({ perSecond, errors: { late: 2 } }));
  const reads = sample({ workload: workload({ readShare: 1 }), perSecond: 9 });
  const [detail, other, ...rest] = detailsOf([...rounds, reads]);
  assert.deepEqual(detail?.perSecond, { median: 200, min: 100, max: 300 });
  assert.deepEqual(detail?.errors, { late: 6 });
  assert.equal(other?.perSecond.median, 9);
  assert.equal(rest.length, 0);
  assert.deepEqual(detailsOf(rounds.slice(1))[0]?.perSecond, { median: 150, min: 100, max: 200 });
});

Deno.test("the table of details has a line for each workload of each target", () => {
  const lines = detailTable(detailsOf([sample({ perSecond: 12_345.6 })])).split("\n");
  assert.equal(lines.length, 2);
  assert.match(lines[1] as string, /^keva writes, 64 clients +12,346 +12,346 – 12,346 +1\.00/);
});

Deno.test("a ratio is the median of the rounds' ratios, not the ratio of the medians", () => {
  const values = { keva: [10, 40, 90], etcd: [10, 20, 30] };
  const { ratio, figures } = compare({ name: "row", goal: null, values });
  assert.deepEqual(ratio, { median: 2, min: 1, max: 3 });
  assert.equal(figures["etcd"]?.median, 20);
});

Deno.test("another binary of Keva may stand in the place of etcd", () => {
  const { ratio } = compare({
    name: "row",
    goal: null,
    values: { keva: [10, 40], other: [10, 20] },
  });
  assert.deepEqual(ratio, { median: 1.5, min: 1, max: 2 });
});

const VALUES = { keva: [30], etcd: [10] };
const GOALS: [goal: Goal, values: Record<string, number[]>, reached: boolean | null][] = [
  [{ of: "ratio", relation: "≥", bound: 3 }, VALUES, true],
  [{ of: "ratio", relation: "≥", bound: 3.1 }, VALUES, false],
  [{ of: "ratio", relation: "≤", bound: 3 }, VALUES, true],
  [{ of: "ratio", relation: "≤", bound: 2.9 }, VALUES, false],
  [{ of: "ratio", relation: "≤", bound: 3 }, { keva: [30] }, null],
  [{ of: "ratio", relation: "≤", bound: 3 }, { keva: [30], other: [10] }, null],
  [{ of: "keva", relation: "≤", bound: 30 }, { keva: [30] }, true],
  [{ of: "keva", relation: "≤", bound: 29 }, { keva: [30] }, false],
  [{ of: "keva", relation: "≤", bound: 29 }, { etcd: [30] }, null],
];

for (const [goal, values, reached] of GOALS) {
  const { of, relation, bound } = goal;
  Deno.test(`a goal, ${of} ${relation} ${bound}, of ${JSON.stringify(values)}: ${reached}`, () => {
    assert.equal(compare({ name: "row", goal, values }).reached, reached);
  });
}

Deno.test("the table of comparisons says what fell short, and what there is no figure of", () => {
  const goal: Goal = { of: "ratio", relation: "≥", bound: 2.8 };
  const short = compare({ name: "writes", goal, values: { keva: [25], etcd: [10] } });
  const alone = compare({ name: "reads", goal, values: { keva: [25] } });
  const [, first, second] = comparisonTable([short, alone], ["keva", "etcd"]).split("\n");
  assert.match(first as string, /^writes +25\.0 +10\.0 +2\.50 +2\.50 – 2\.50 +≥ 2\.8 × +SHORT$/);
  assert.match(second as string, /^reads +25\.0 +– +– +25\.0 – 25\.0 +≥ 2\.8 ×$/);
});

Deno.test("number() shows the digits that say something", () => {
  assert.deepEqual([12_345.6, 123.4, 12.34, 1.234, 0].map(number), [
    "12,346",
    "123",
    "12.3",
    "1.23",
    "0.00",
  ]);
});

Deno.test("a reader is told what spoils the figures", () => {
  assert.deepEqual(notesOf([sample()], MACHINE), []);
  assert.match(notesOf([], { ...MACHINE, load1: 1.5 }).join(), /busy before/);
  assert.match(notesOf([sample({ generatorBusy: 0.97 })], MACHINE).join(), /97 % busy/);
  const led = (name: string) =>
    sample({ nodes: [{ name, leads: true, cpuSeconds: 1, rssBytes: 1, anonymousBytes: 1 }] });
  assert.match(notesOf([led("n1"), led("n2")], MACHINE).join(), /leader changed/);
  const paced = (perSecond: number) =>
    notesOf([sample({ workload: workload({ perSecond: 1000 }), perSecond })], MACHINE).join();
  assert.match(paced(970), /^keva writes at 1,000\/s: it did not keep up/);
  assert.equal(paced(990), "");
});

Deno.test("wrong answers are told apart from missing ones", () => {
  const errors = { "status 503": 1, "wrong: no revision": 2 };
  assert.deepEqual(wrongAnswers(detailsOf([sample({ errors })])), [
    "keva writes, 64 clients: wrong: no revision, 2 times",
  ]);
});
