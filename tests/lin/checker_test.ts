/**
 * The checker itself: verdicts known by hand, agreement with brute force on small histories, and
 * its speed on large ones.
 */

import assert from "node:assert/strict";
import { SeededRandom } from "../support/seeded_random.ts";
import { CASES } from "./cases.ts";
import { checkHistory } from "./checker.ts";
import { damaged, linearizableHistory, type Shape } from "./generator.ts";
import { callText, type Operation, outcomeText } from "./history.ts";
import { parseHistory } from "./notation.ts";
import { Recorder } from "./recorder.ts";
import { isLinearizable } from "./reference.ts";

const RUNS = Number(Deno.env.get("KEVA_LIN_RUNS") ?? 3_000);
const SEED = Number(Deno.env.get("KEVA_LIN_SEED") ?? 1);

Deno.test("checkHistory knows the verdict of every history in the table", () => {
  assert.ok(CASES.length >= 40);
  for (const { name, linearizable, history } of CASES) {
    const { violations } = checkHistory(parseHistory(history));
    assert.equal(violations.length === 0, linearizable, `${name}\n${violations[0]?.text}`);
  }
});

Deno.test("checkHistory does not depend on the order in which operations are listed", () => {
  for (const { name, linearizable, history } of CASES) {
    const { violations } = checkHistory(parseHistory(history).reverse());
    assert.equal(violations.length === 0, linearizable, name);
  }
});

Deno.test("checkHistory explains a violation with the operations that show it", () => {
  const { violations } = checkHistory(parseHistory(`
    c1 1-2 x put a : @5
    c1 3-… x put u : ?
    c2 4-5 x put b : @7
    c3 6-9 x get   : a@5
    c4 7-8 x get   : b@7
    c4 10-11 x get : b@7`));
  assert.equal(
    violations.map(({ text }) => text).join(""),
    `x: c3 was told "a@5" about get: no order fits
before these operations: b@7
     from  to  client  key  operation  answer
     1     2   c1      x    put a      done @5
     3     …   c1      x    put u      unknown
  →  6     9   c3      x    get        a@5
     7     8   c4      x    get        b@7
`,
  );
});

Deno.test("checkHistory says when it could not decide", () => {
  const history = parseHistory("c1 1-2 x put a : @1\nc1 3-4 x get : a@1");
  const { violations } = checkHistory(history, { stepsMax: 1 });
  assert.match(violations[0]?.reason ?? "", /too many to decide/);
});

Deno.test("checkHistory accepts what a sequential store did, however much clients overlap", () => {
  const random = new SeededRandom(SEED);
  for (let run = 0; run < RUNS / 10; run++) {
    const history = linearizableHistory(random, drawShape(random, 200));
    const { violations } = checkHistory(history);
    assert.equal(violations.length, 0, violations[0]?.text);
  }
});

Deno.test("checkHistory agrees with brute force on small histories, good and damaged", () => {
  const random = new SeededRandom(SEED + 1);
  const counts = { good: 0, bad: 0 };
  for (let run = 0; run < RUNS; run++) {
    const good = linearizableHistory(random, { ...drawShape(random, 7), keys: 1 });
    assert.ok(isLinearizable(good), `reference, run ${run}\n${shown(good)}`);
    let history: Operation[] = good;
    for (let times = random.between(1, 2); times > 0 && history.length > 0; times--) {
      history = damaged(random, history);
    }
    const expected = isLinearizable(history);
    counts[expected ? "good" : "bad"]++;
    const { violations } = checkHistory(history);
    assert.equal(violations.length === 0, expected, `run ${run}\n${shown(history)}`);
  }
  assert.ok(counts.good > RUNS / 20 && counts.bad > RUNS / 20, JSON.stringify(counts));
});

Deno.test("checkHistory agrees with brute force on histories without any sense", () => {
  const random = new SeededRandom(SEED + 2);
  let good = 0;
  for (let run = 0; run < RUNS; run++) {
    const history = nonsense(random);
    const expected = isLinearizable(history);
    if (expected) good++;
    const { violations } = checkHistory(history);
    assert.equal(violations.length === 0, expected, `run ${run}\n${shown(history)}`);
  }
  assert.ok(good > RUNS / 50, `only ${good} of ${RUNS} were good`);
});

Deno.test("checkHistory decides however many conditional writes of one key are open", () => {
  // Each expects a revision that nobody was told, so any order of them might lead to any other: a
  // search through these orders takes eight times as long for each write more.
  const history: Operation[] = [];
  const add = (call: Operation["call"], outcome: Operation["outcome"]) => {
    const at = history.length;
    const endedAt = outcome.kind === "unknown" ? null : at;
    history.push({ client: `c${at}`, key: "k", call, startedAt: at, endedAt, outcome });
  };
  add({ kind: "put", value: "first" }, { kind: "written", revision: 1, created: true });
  for (let n = 0; n < 30; n++) {
    add({ kind: "cas", value: `open ${n}`, expected: 10 + n }, { kind: "unknown" });
  }
  add({ kind: "delete" }, { kind: "deleted", revision: 1_000, existed: true });
  const last: Operation["outcome"] = { kind: "written", revision: 1_002, created: false };
  add({ kind: "put", value: "last" }, last);
  assert.equal(checkHistory(history).violations.length, 1, "nothing was there to be replaced");
  const filler: Operation = {
    ...history[0]!,
    client: "c0",
    call: { kind: "put", value: "unread" },
  };
  history.splice(1, 0, { ...filler, startedAt: 0.5, endedAt: null, outcome: { kind: "unknown" } });
  assert.equal(checkHistory(history).violations.length, 0);
});

Deno.test("checkHistory finds one wrong answer in a long history", () => {
  const random = new SeededRandom(SEED + 3);
  for (let run = 0; run < 20; run++) {
    const history = linearizableHistory(random, {
      operations: 2_000,
      clients: 6,
      keys: 3,
      unknownPerMille: 20,
    });
    const at = history.findIndex(({ outcome }, at) => at > 1_500 && outcome.kind === "read");
    const stale = history.find(({ outcome, key }) =>
      key === history[at]?.key && outcome.kind === "read" && outcome.value !== null
    ) as Operation;
    history[at] = { ...history[at] as Operation, outcome: stale.outcome };
    const { violations } = checkHistory(history);
    assert.equal(violations.length, 1);
    assert.ok((violations[0]?.text.split("\n").length ?? 0) < 60, violations[0]?.text);
  }
});

Deno.test("checkHistory judges long histories fast enough", () => {
  const random = new SeededRandom(SEED + 4);
  const shape = { operations: 50_000, clients: 8, keys: 200, unknownPerMille: 10 };
  const history = linearizableHistory(random, shape);
  checkHistory(history);
  const startedAt = performance.now();
  assert.equal(checkHistory(history).violations.length, 0);
  const perSecond = Math.round(history.length / (performance.now() - startedAt) * 1000);
  console.log(`${perSecond} operations per second`);
  assert.ok(perSecond > 20_000, `${perSecond} operations per second`); // ten times less than usual
});

Deno.test("Recorder keeps the order of events that share a moment of the clock", () => {
  const recorder = new Recorder(() => 1_700_000_000_000);
  const put = recorder.begin("c1", "x", { kind: "put", value: "a" });
  recorder.end(put, { kind: "written", revision: 1 });
  const get = recorder.begin("c2", "x", { kind: "get" });
  const open = recorder.begin("c3", "x", { kind: "put", value: "b" });
  recorder.end(get, { kind: "read", value: null, revision: 0 });
  const history = recorder.history();
  assert.deepEqual(history.map(({ client }) => client), ["c1", "c2", "c3"]);
  assert.equal(checkHistory(history).violations.length, 1);
  assert.equal(history[2]?.outcome.kind, "unknown");
  assert.throws(() => recorder.end(get, { kind: "none" }), /twice/);
  recorder.end(open, { kind: "unknown" });
  assert.equal(recorder.history()[2]?.endedAt, null);
  assert.equal(recorder.count, 3);
});

function drawShape(random: SeededRandom, operationsMax: number): Shape {
  return {
    operations: random.between(2, operationsMax),
    clients: random.between(1, 6),
    keys: random.between(1, 3),
    unknownPerMille: random.chance(1, 2) ? 0 : random.below(600),
  };
}

/** Up to six operations with few values and revisions, whatever they are told. */
function nonsense(random: SeededRandom): Operation[] {
  const value = (): string => "abc"[random.below(3)] as string;
  return Array.from({ length: random.between(1, 6) }, (_, at): Operation => {
    const startedAt = random.below(10);
    const asked = { client: `c${at}`, key: "x", startedAt, endedAt: startedAt + random.below(10) };
    const revision = random.between(1, 5);
    const unknown = { endedAt: null, outcome: { kind: "unknown" } } as const;
    switch (random.below(8)) {
      case 0:
        return { ...asked, call: { kind: "delete" }, ...unknown };
      case 1:
        return { ...asked, call: { kind: "put", value: value() }, ...unknown };
      case 2: {
        const call = { kind: "cas", value: value(), expected: random.below(5) } as const;
        if (random.chance(1, 2)) return { ...asked, call, ...unknown };
        const outcome: Operation["outcome"] = random.chance(1, 2)
          ? { kind: "refused", revision: random.below(5) }
          : { kind: "written", revision };
        return { ...asked, call, outcome };
      }
      case 3: {
        const existed = random.chance(1, 2);
        return {
          ...asked,
          call: { kind: "delete" },
          outcome: { kind: "deleted", revision, existed },
        };
      }
      case 4:
      case 5: {
        const created = random.chance(1, 2);
        const outcome = random.chance(1, 2)
          ? { kind: "written", revision } as const
          : { kind: "written", revision, created } as const;
        return { ...asked, call: { kind: "put", value: value() }, outcome };
      }
      default: {
        const outcome: Operation["outcome"] = random.chance(1, 4)
          ? { kind: "read", value: null, revision: 0 }
          : { kind: "read", value: value(), revision };
        return { ...asked, call: { kind: "get" }, outcome };
      }
    }
  });
}

function shown(history: readonly Operation[]): string {
  return history.map(({ client, startedAt, endedAt, call, outcome }) =>
    `${client} ${startedAt}-${endedAt ?? "…"} ${callText(call)} : ${outcomeText(outcome)}`
  ).join("\n");
}
