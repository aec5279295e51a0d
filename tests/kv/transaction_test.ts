/** Transactions: what they see, how they fail, where they end, and what those who watch are told. */

import assert from "node:assert/strict";
import { fromUtf8, latin1Text, limits, utf8 } from "../../src/base/mod.ts";
import {
  encodeCommand,
  KvState,
  type Outcome,
  type Step,
  type Transaction,
} from "../../src/kv/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";

const ALL = { start: utf8(""), end: null };

class World {
  readonly state = new KvState(nativeHash());

  put(key: string, value: string | Uint8Array): void {
    const bytes = typeof value === "string" ? utf8(value) : value;
    this.apply({ steps: [{ kind: "put", key: utf8(key), value: bytes, contentType: "" }] });
  }

  apply(transaction: Partial<Transaction>): Outcome {
    const whole = { checks: [], steps: [], elseSteps: [], ...transaction };
    return this.state.apply(this.state.applied + 1, encodeCommand(whole));
  }

  text(key: string): string | null {
    const item = this.state.get(utf8(key));
    const text = item && fromUtf8(item.value);
    return text?.ok ? text.value : null;
  }
}

function number(kind: "sum" | "min" | "max", operand: bigint, key = "n"): Step {
  return { kind, key: utf8(key), operand };
}

function append(key: string, bytes: number, bytesMax: number = limits.valueBytesCeiling): Step {
  return { kind: "append", key: utf8(key), value: new Uint8Array(bytes), bytesMax };
}

function reasonOf(outcome: Outcome): string {
  return outcome.kind === "stepFailed" ? `${outcome.step} ${outcome.reason}` : outcome.kind;
}

Deno.test("a transaction's steps see each other, and those who watch each of its changes", () => {
  const world = new World();
  world.put("a", "1");
  const outcome = world.apply({
    steps: [
      { kind: "put", key: utf8("b"), value: utf8("2"), contentType: "" },
      { kind: "get", key: utf8("b") },
      number("sum", 40n, "b"),
      { kind: "deleteRange", range: ALL },
      { kind: "get", key: utf8("a") },
      { kind: "deleteRange", range: ALL },
    ],
  });
  assert.deepEqual(outcome, {
    kind: "transacted",
    revision: 2,
    failedCheck: null,
    results: [
      { kind: "changed", existed: false },
      { kind: "got", item: { value: utf8("2"), contentType: "", revision: 2 } },
      { kind: "number", value: 42n },
      { kind: "deleted", count: 2 },
      { kind: "got", item: null },
      { kind: "deleted", count: 0 },
    ],
  });
  assert.equal(world.state.size, 0);
  const told = world.state.history.since({ revision: 1, position: Infinity }, {
    countMax: 10,
    bytesMax: 1_000,
  });
  assert.deepEqual(
    told?.changes.map(({ revision, position, key, deleted }) =>
      `${revision}.${position} ${deleted ? "-" : "+"}${latin1Text(key)}`
    ),
    ["2.0 +b", "2.1 +b", "2.2 -a", "2.3 -b"],
  );
});

Deno.test("a transaction takes the other branch at the first check that does not hold", () => {
  const world = new World();
  world.put("a", "1");
  const checks = [
    { kind: "exists", key: utf8("a") },
    { kind: "value", key: utf8("a"), value: utf8("2") },
    { kind: "exists", key: utf8("none") },
  ] as const;
  const steps = [number("sum", 1n, "then")];
  const elseSteps = [number("sum", 1n, "else")];
  const outcome = world.apply({ checks, steps, elseSteps });
  assert.equal(outcome.kind === "transacted" && outcome.failedCheck, 1);
  assert.deepEqual([world.text("then"), world.text("else")], [null, "1"]);
  world.apply({ checks: checks.slice(0, 1), steps, elseSteps });
  assert.deepEqual([world.text("then"), world.text("else")], ["1", "1"]);
});

Deno.test("a transaction whose step cannot be done does nothing at all", () => {
  const world = new World();
  world.put("n", "9223372036854775807");
  world.put("t", "seven");
  world.put("s", " 7");
  const first: Step = { kind: "put", key: utf8("new"), value: utf8("x"), contentType: "" };
  const before = world.state.digest();
  for (
    const [step, reason] of [
      [number("sum", 1n), "overflow"],
      [number("sum", 1n, "t"), "notANumber"],
      [number("max", 1n, "s"), "notANumber"],
      [append("t", 1, 5), "valueTooLong"],
    ] as const
  ) {
    const outcome = world.apply({ steps: [first, step] });
    assert.deepEqual(outcome, { kind: "stepFailed", isElse: false, step: 1, reason });
    assert.equal(world.text("new"), null);
  }
  assert.notEqual(world.state.digest(), before, "the entries count");
  assert.equal(world.state.size, 3);
});

Deno.test("a transaction has a bound on what it changes, writes and reads", () => {
  const world = new World();
  const { transactionItemsMax, transactionBytesMax, transactionResultBytesMax } = limits;
  for (let i = 0; i < transactionItemsMax; i++) world.put(`k${i}`, "");
  const clear: Step = { kind: "deleteRange", range: ALL };
  assert.equal(reasonOf(world.apply({ steps: [number("sum", 1n), clear] })), "1 tooManyItems");
  assert.equal(world.state.size, transactionItemsMax);
  assert.equal(reasonOf(world.apply({ steps: [clear] })), "transacted");

  const part = transactionBytesMax / 4;
  world.put("a", new Uint8Array(part));
  const grow = append("a", 0);
  assert.equal(reasonOf(world.apply({ steps: [grow, grow, grow, grow] })), "transacted");
  assert.equal(
    reasonOf(world.apply({ steps: [grow, grow, grow, grow, append("b", 1)] })),
    "4 tooManyBytes",
  );

  const get = (key: string): Step => ({ kind: "get", key: utf8(key) });
  world.put("r", new Uint8Array(transactionResultBytesMax / 2));
  world.put("one", "1");
  assert.equal(reasonOf(world.apply({ steps: [get("r"), get("r")] })), "transacted");
  assert.equal(
    reasonOf(world.apply({ steps: [get("r"), get("r"), get("one")] })),
    "2 resultsTooLong",
  );
});

Deno.test("KvState work tells what entries cost, whatever became of them", () => {
  const world = new World();
  const cost = (transaction: Partial<Transaction>): number => {
    const before = world.state.work;
    world.apply(transaction);
    return world.state.work - before;
  };
  for (let i = 0; i < 500; i++) world.put(`k${i}`, "");
  const clear: Step = { kind: "deleteRange", range: ALL };
  assert.ok(cost({ steps: [clear, number("sum", 2n ** 62n), number("sum", 2n ** 62n)] }) >= 500);
  assert.equal(world.state.size, 500, "it failed");
  assert.ok(cost({ steps: [clear] }) >= 500);
  assert.ok(cost({ steps: [append("a", 1024 * 1024)] }) >= 256, "a unit for every 4 KiB");
  assert.ok(cost({ steps: [{ kind: "get", key: utf8("a") }] }) >= 256);
});
