/** Random nouns of the state machine, for properties. */

import fc from "fast-check";
import { utf8 } from "../../src/base/mod.ts";
import type {
  Check,
  Command,
  FirstOutcome,
  Mutation,
  Outcome,
  RecordKind,
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
  plain({ kind: fc.constant("record" as const), of, name: recordName, revision }),
);

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  {
    weight: 3,
    arbitrary: plain({ kind: fc.constant("put" as const), key, value: value(), contentType }),
  },
  { weight: 1, arbitrary: plain({ kind: fc.constant("delete" as const), key }) },
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

/** Few as well, so that requests are repeated and names used again. */
const request = fc.constantFrom("\na", "ci\na", "ci\nb");

export const unnamedCommand: fc.Arbitrary<Command> = plain({
  checks: fc.array(check, { maxLength: 2 }),
  mutations: fc.array(mutation, { maxLength: 4 }),
});

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

const firstOutcome: fc.Arbitrary<FirstOutcome> = fc.oneof(
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
