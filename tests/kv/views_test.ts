/** Views of the items: each shows its own moment, whichever others are open or closed meanwhile. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/mod.ts";
import { encodeCommand, KvState, type Mutation, type View } from "../../src/kv/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";

const hash = nativeHash();

type Step =
  | { readonly act: "put" | "delete"; readonly key: number }
  | { readonly act: "open" }
  | { readonly act: "close"; readonly which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant("put" as const), key: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("delete" as const), key: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("open" as const) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("close" as const), which: fc.nat(9) }) },
);

Deno.test("Views show what there was when they were opened, until they are closed (S13)", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const state = new KvState(hash);
      const open: { readonly view: View; readonly expected: string[] }[] = [];
      for (const one of steps) {
        if (one.act === "open") open.push({ view: state.view(), expected: shown(state.view()) });
        else if (one.act === "close") open.splice(one.which, 1)[0]?.view.close();
        else apply(state, one.act, `k${one.key}`);
      }
      for (const { view, expected } of open) assert.deepEqual(shown(view, false), expected);
    }),
    { numRuns: 500 },
  );
});

Deno.test("Views that are closed are not read", () => {
  const state = new KvState(hash);
  apply(state, "put", "k");
  const view = state.view();
  apply(state, "put", "k");
  view.close();
  view.close();
  assert.throws(() => shown(view), /before it is closed/);
});

Deno.test("Views read half may be read on while the state moves on", () => {
  const state = new KvState(hash);
  for (let key = 0; key < 500; key++) apply(state, "put", `k${key}`);
  const expected = shown(state.view());
  const view = state.view();
  const seen: string[] = [];
  for (const [key, { revision, value }] of view.items(utf8(""))) {
    seen.push(textOf(key, revision, value));
    apply(state, seen.length % 3 === 0 ? "delete" : "put", `k${(seen.length * 7) % 500}`);
  }
  assert.deepEqual(seen, expected);
});

function apply(state: KvState, act: "put" | "delete", name: string): void {
  const key = utf8(name);
  const value = utf8(`${name} at ${state.applied + 1}`);
  const mutation: Mutation = act === "put"
    ? { kind: "put", key, value, contentType: "" }
    : { kind: "delete", key };
  state.apply(state.applied + 1, encodeCommand({ checks: [], mutations: [mutation] }));
}

function shown(view: View, close = true): string[] {
  const items = Array.from(
    view.items(utf8("")),
    ([key, { revision, value }]) => textOf(key, revision, value),
  );
  if (close) view.close();
  return items;
}

function textOf(key: Uint8Array, revision: number, value: Uint8Array): string {
  const text = new TextDecoder();
  return `${text.decode(key)} ${revision} ${text.decode(value)}`;
}
