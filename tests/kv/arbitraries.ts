/** Random nouns of the state machine, for properties. */

import fc from "fast-check";
import { utf8 } from "../../src/base/mod.ts";
import type {
  Check,
  Command,
  FirstOutcome,
  Lifetime,
  Mutation,
  Outcome,
  RecordKind,
  Step,
  StepResult,
  Transaction,
} from "../../src/kv/mod.ts";

/** Few enough to meet each other; some are prefixes, some are bytes that no text has. */
export const key: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.constantFrom("a", "b", "ab", "abc", "ä", "__proto__").map(utf8),
  fc.uint8Array({ minLength: 1, maxLength: 3 }),
);

export const contentType: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom("", "text/plain", "application/json"),
  fc.string({ maxLength: 40, unit: "binary" }).filter((text) => text.isWellFormed()),
);

export const revision: fc.Arbitrary<number> = fc.oneof(fc.nat(20), fc.maxSafeNat());

const of = fc.constantFrom<RecordKind[]>("token", "policy");
/** Few as well: one name lives in both kinds. */
const recordName = fc.constantFrom("a", "b", "role:ä", "__proto__");

export const check: fc.Arbitrary<Check> = fc.oneof(
  plain({ kind: fc.constant("revision" as const), key, revision }),
  plain({ kind: fc.constant("exists" as const), key }),
  plain({ kind: fc.constant("value" as const), key, value: value() }),
  plain({ kind: fc.constant("record" as const), of, name: recordName, revision }),
);

/** Around the times at which the commands of a property happen; some at the ends. */
const lifetime: fc.Arbitrary<Lifetime> = fc.oneof(
  plain({ afterMs: fc.integer({ min: 1, max: 8 }) }),
  plain({ atMs: fc.integer({ min: 1, max: 1_030 }) }),
  plain({ afterMs: fc.constant(Number.MAX_SAFE_INTEGER) }),
);

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  {
    weight: 3,
    arbitrary: plain({ kind: fc.constant("put" as const), key, value: value(), contentType }),
  },
  {
    weight: 2,
    arbitrary: plain({
      kind: fc.constant("put" as const),
      key,
      value: value(),
      contentType,
      lifetime,
    }),
  },
  { weight: 1, arbitrary: plain({ kind: fc.constant("delete" as const), key }) },
  {
    weight: 1,
    arbitrary: plain({
      kind: fc.constant("expire" as const),
      countMax: fc.constantFrom(1, 2, 100),
    }),
  },
  {
    weight: 1,
    arbitrary: plain({
      kind: fc.constant("setRecord" as const),
      of,
      name: recordName,
      body: value(),
    }),
  },
  {
    weight: 1,
    arbitrary: plain({ kind: fc.constant("deleteRecord" as const), of, name: recordName }),
  },
);

/** Mostly small, so that sums stay numbers; some at the ends. */
const int64 = fc.oneof(
  fc.bigInt({ min: -20n, max: 20n }),
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 32n, -1n),
);

const bound = fc.oneof(key, fc.constant(new Uint8Array()));

const step: fc.Arbitrary<Step> = fc.oneof(
  plain({ kind: fc.constant("get" as const), key }),
  plain({ kind: fc.constant("put" as const), key, contentType, value: value() }),
  plain({ kind: fc.constant("put" as const), key, contentType, value: value(), lifetime }),
  plain({ kind: fc.constant("delete" as const), key }),
  plain({
    kind: fc.constant("deleteRange" as const),
    range: plain({ start: bound, end: fc.option(bound) }),
  }),
  {
    weight: 4,
    arbitrary: plain({ kind: fc.constantFrom("sum", "min", "max"), key, operand: int64 }),
  },
  plain({
    kind: fc.constant("append" as const),
    key,
    value: fc.constantFrom("1", "22", "x").map(utf8),
    bytesMax: fc.constantFrom(3, 100),
  }),
);

const transaction: fc.Arbitrary<Transaction> = plain({
  checks: fc.array(check, { maxLength: 2 }),
  steps: fc.array(step, { maxLength: 5 }),
  elseSteps: fc.array(step, { maxLength: 2 }),
});

/** Few as well, so that requests are repeated and names used again. */
const request = fc.constantFrom("\na", "ci\na", "ci\nb");

export const unnamedCommand: fc.Arbitrary<Command> = fc.oneof(
  plain({
    checks: fc.array(check, { maxLength: 2 }),
    mutations: fc.array(mutation, { maxLength: 4 }),
  }),
  transaction,
);

export const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: unnamedCommand },
  {
    weight: 1,
    arbitrary: fc.tuple(unnamedCommand, request).map(([command, request]) => ({
      ...command,
      request,
    })),
  },
);

const stepResult: fc.Arbitrary<StepResult> = fc.oneof(
  plain({
    kind: fc.constant("got" as const),
    item: fc.option(fc.oneof(
      plain({ value: value(), contentType, revision }),
      plain({ value: value(), contentType, revision, expiresMs: revision }),
    )),
  }),
  plain({ kind: fc.constant("changed" as const), existed: fc.boolean() }),
  plain({ kind: fc.constant("deleted" as const), count: fc.nat() }),
  plain({ kind: fc.constant("number" as const), value: int64 }),
  plain({ kind: fc.constant("appended" as const), bytes: fc.nat() }),
);

const firstOutcome: fc.Arbitrary<FirstOutcome> = fc.oneof(
  plain({
    kind: fc.constant("transacted" as const),
    revision,
    failedCheck: fc.option(fc.nat(127)),
    results: fc.array(stepResult, { maxLength: 5 }),
  }),
  plain({
    kind: fc.constant("stepFailed" as const),
    isElse: fc.boolean(),
    step: fc.nat(127),
    reason: fc.constantFrom(
      "notANumber",
      "overflow",
      "valueTooLong",
      "tooManyItems",
      "tooManyBytes",
      "resultsTooLong",
    ),
  }),
  plain({
    kind: fc.constant("applied" as const),
    revision,
    existed: fc.array(fc.boolean(), { maxLength: 128 }),
  }),
  plain({ kind: fc.constant("checkFailed" as const), check: fc.nat(127), revision }),
  plain({ kind: fc.constant("recordsFull" as const) }),
);

export const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  { weight: 3, arbitrary: firstOutcome },
  plain({ kind: fc.constant("repeated" as const), first: firstOutcome }),
  plain({ kind: fc.constant("requestReused" as const) }),
);

/** Records as literals make them, so that deep equality holds. */
function plain<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

function value(): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ maxLength: 32 });
}
