/** A short run of every target, and the fuzzer itself: it must find what is there to be found. */

import assert from "node:assert/strict";
import { inputLine, parseInput } from "./corpus.ts";
import { fuzz } from "./fuzzer.ts";
import type { Target } from "./target.ts";
import { TARGETS } from "./targets/mod.ts";

const SEED = 1;

for (const target of TARGETS) {
  Deno.test(`fuzz: ${target.name} stands ${target.smokeCases} inputs`, async () => {
    const { failure } = await fuzz(target, { seed: SEED, cases: target.smokeCases });
    assert.equal(failure && `${failure.message}\ninput: ${inputLine(failure.input)}`, undefined);
  });
}

const MODEL: Target = {
  name: "model",
  smokeCases: 0,
  seeds: () => [Uint8Array.of(3, 1, 2, 3)],
  run: (input) => `${(input[0] ?? 0) > 100}`,
};

Deno.test("fuzz: finds an exception and gives the smallest input for it", async () => {
  const run = (input: Uint8Array): string => {
    if (input.includes(77) && input.length > 2) throw new Error(`at ${input.indexOf(77)}`);
    return "";
  };
  const { failure } = await fuzz({ ...MODEL, run }, { seed: SEED, cases: 100_000 });
  assert.match(failure?.message ?? "", /at \d/);
  assert.equal(failure?.input.length, 3);
  assert.equal(failure?.input.filter((byte) => byte !== 0).length, 1);
});

Deno.test("fuzz: finds an allocation by a claimed length", async () => {
  const run = (input: Uint8Array): string => {
    if (input.length >= 4) new Uint8Array(new DataView(input.buffer).getUint32(0, true) >>> 4);
    return "";
  };
  const { failure } = await fuzz({ ...MODEL, run }, { seed: SEED, cases: 10_000 });
  assert.match(failure?.message ?? "", /allocates \d+ bytes/);
});

Deno.test("fuzz: follows inputs that lead to new outcomes", async () => {
  // Four bytes in a row that are right: without feedback, one in 256 to the fourth.
  const secret = [75, 69, 86, 65];
  const run = (input: Uint8Array): string => {
    const right = secret.findIndex((byte, at) => input[at] !== byte);
    if (right < 0) throw new Error("found");
    return "x".repeat(right);
  };
  const { failure } = await fuzz({ ...MODEL, run }, { seed: SEED, cases: 1_000_000 });
  assert.match(failure?.message ?? "", /found/);
});

Deno.test("fuzz: one seed gives one run", async () => {
  const inputs: string[][] = [[], []];
  for (const list of inputs) {
    await fuzz(MODEL, { seed: 5, cases: 500, before: (input) => list.push(inputLine(input)) });
  }
  assert.deepEqual(inputs[0], inputs[1]);
  assert.equal(new Set(inputs[0]).size > 300, true);
  const line = inputs[0]?.[7] as string;
  assert.equal(inputLine(parseInput(line)), line);
});
