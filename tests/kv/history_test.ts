/** What a state remembers of its latest changes. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { hex, latin1Text, limits, utf8 } from "../../src/base/mod.ts";
import {
  type Change,
  type Cursor,
  encodeCommand,
  ImageLoader,
  type Item,
  KvState,
  type Mutation,
} from "../../src/kv/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";
import { command } from "./arbitraries.ts";

const hash = nativeHash();

function put(key: string, value: Uint8Array): Mutation {
  return { kind: "put", key: utf8(key), value, contentType: "" };
}

const UNBOUNDED = { countMax: Infinity, bytesMax: Infinity };

function apply(state: KvState, ...mutations: Mutation[]): void {
  state.apply(state.applied + 1, encodeCommand({ checks: [], mutations }));
}

function all(state: KvState, from: Cursor): readonly Change[] {
  return state.history.since(from, UNBOUNDED)?.changes ?? assert.fail("history is gone");
}

function contents(items: Iterable<[Uint8Array, Item]>): Map<string, Item> {
  return new Map([...items].map(([key, item]) => [hex(key), item]));
}

Deno.test("History replayed on the items of any moment gives the state (S9)", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 30 }), fc.nat(), (commands, at) => {
      const state = new KvState(hash);
      const start = commands.length === 0 ? 0 : at % commands.length;
      let cursor = state.now;
      let items = state.view().items(utf8(""));
      for (const [position, one] of commands.entries()) {
        if (position === start) [cursor, items] = [state.now, state.view().items(utf8(""))];
        state.apply(position + 1, encodeCommand(one));
      }
      const replayed = contents(items); // read only now: it is what it was then
      for (const change of all(state, cursor)) {
        if (change.deleted) assert.ok(replayed.delete(hex(change.key)));
        else replayed.set(hex(change.key), change.item);
      }
      assert.deepEqual(replayed, contents(state.view().items(utf8(""))));
    }),
    { numRuns: 300 },
  );
});

Deno.test("History since() begins behind its cursor, also within an entry", () => {
  const state = new KvState(hash);
  apply(state, put("a", utf8("1")), put("b", utf8("2")), put("a", utf8("3")));
  apply(state, { kind: "delete", key: utf8("b") }, { kind: "delete", key: utf8("none") });
  const told = (cursor: Cursor, bounds = UNBOUNDED) =>
    state.history.since(cursor, bounds)?.changes.map((one) =>
      `${one.revision}.${one.position} ${one.deleted ? "-" : "+"}${latin1Text(one.key)}`
    );
  const start = { revision: 0, position: Infinity };
  assert.deepEqual(told(start), ["1.0 +a", "1.1 +b", "1.2 +a", "2.0 -b"]);
  assert.deepEqual(told(start, { ...UNBOUNDED, countMax: 2 }), ["1.0 +a", "1.1 +b"]);
  assert.deepEqual(told(start, { ...UNBOUNDED, bytesMax: 5 }), ["1.0 +a", "1.1 +b"]);
  assert.deepEqual(told(start, { ...UNBOUNDED, bytesMax: 0 }), ["1.0 +a"], "one at least");
  const more = [3, 4].map((countMax) =>
    state.history.since(start, { ...UNBOUNDED, countMax })?.more
  );
  assert.deepEqual(more, [true, false]);
  assert.deepEqual(told({ revision: 1, position: 1 }), ["1.2 +a", "2.0 -b"]);
  assert.deepEqual(told({ revision: 1, position: Infinity }), ["2.0 -b"]);
  assert.deepEqual(told(state.now), []);
  assert.deepEqual(
    all(state, start)[0]?.item.value,
    utf8("1"),
    "what was overwritten since is still told",
  );
});

Deno.test("History says that changes are gone, and never gives the rest of an entry", () => {
  const state = new KvState(hash);
  const small = utf8("x");
  apply(state, put("a", small), put("b", small));
  const cursors = [0, 1].map((revision) => ({ revision, position: Infinity }));
  for (let left = limits.historyChangesMax - 2; left > 0; left--) apply(state, put("c", small));
  assert.equal(all(state, cursors[0] as Cursor).length, 65_536);
  apply(state, put("d", small));
  assert.equal(state.history.since(cursors[0] as Cursor, UNBOUNDED), null);
  assert.equal(state.history.since({ revision: 1, position: 0 }, UNBOUNDED), null);
  assert.equal(all(state, cursors[1] as Cursor)[0]?.revision, 2);
});

Deno.test("History is bounded in bytes", () => {
  const state = new KvState(hash);
  const large = new Uint8Array(limits.historyBytesMax / 2 - 1);
  for (let left = 0; left < 2; left++) apply(state, put("a", large));
  assert.equal(state.history.floor, 0);
  apply(state, put("a", utf8("")));
  assert.equal(state.history.floor, 1);
  assert.equal(all(state, { revision: 1, position: Infinity }).length, 2);
});

Deno.test("History of a state that an image gave begins behind the image", () => {
  const state = new KvState(hash);
  apply(state, put("a", utf8("1")));
  const image = state.freeze();
  const loader = new ImageLoader(hash);
  for (const block of image.blocks()) assert.ok(loader.block(block).ok);
  const loaded = loader.finish(image.digest);
  assert.ok(loaded.ok);
  assert.deepEqual(all(loaded.value, loaded.value.now), []);
  assert.equal(loaded.value.history.since({ revision: 0, position: Infinity }, UNBOUNDED), null);
  apply(loaded.value, put("b", utf8("2")));
  assert.equal(all(loaded.value, state.now).length, 1);
});
