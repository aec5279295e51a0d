/** The state machine against a plain map, and its digest against every single difference. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { limits, utf8 } from "../../src/base/mod.ts";
import {
  type Command,
  encodeCommand,
  KvState,
  type Mutation,
  type RecordKind,
  stampCommand,
} from "../../src/kv/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";
import { command, key, unnamedCommand } from "./arbitraries.ts";
import { Model } from "./model.ts";

const hash = nativeHash();

function stamped(command: Command, timeMs = 0): Uint8Array {
  const bytes = encodeCommand(command);
  stampCommand(bytes, timeMs);
  return bytes;
}

function put(key: string, value: string, contentType = ""): Mutation {
  return { kind: "put", key: utf8(key), value: utf8(value), contentType };
}

function setRecord(of: RecordKind, name: string, body: string): Mutation {
  return { kind: "setRecord", of, name, body: utf8(body) };
}

function stateOf(...commands: (Mutation | null)[]): KvState {
  const state = new KvState(hash);
  for (const [at, mutation] of commands.entries()) {
    if (mutation === null) state.applyOther(at + 1);
    else state.apply(at + 1, stamped({ checks: [], mutations: [mutation] }));
  }
  return state;
}

Deno.test("KvState does what a plain map does, for any commands (S1, S2, S3)", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 30 }), (commands) => {
      const state = new KvState(hash);
      const model = new Model();
      for (const [at, command] of commands.entries()) {
        assert.deepEqual(
          state.apply(at + 1, stamped(command, at)),
          model.apply(at + 1, command, at),
        );
        assert.equal(state.size, model.items.size);
        const records = [...state.records("token"), ...state.records("policy")];
        assert.deepEqual(new Set(records), new Set(model.records.values()));
        assert.equal(state.recordsCount, model.records.size);
      }
      for (const { key, item } of model.items.values()) assert.deepEqual(state.get(key), item);
      assert.equal(state.applied, commands.length);
    }),
    { numRuns: 300 },
  );
});

Deno.test("KvState digest() is the same for the same state, whatever order led to it", () => {
  const puts = fc.uniqueArray(key, { selector: String, minLength: 2, maxLength: 10 });
  fc.assert(fc.property(puts, fc.nat(), (keys, turn) => {
    // One command writes all keys, so that every order of them gives the same revisions.
    const mutations = keys.map((key): Mutation => (
      { kind: "put", key, value: key, contentType: "" }
    ));
    const cut = turn % keys.length;
    const turned = [...mutations.slice(cut), ...mutations.slice(0, cut)];
    const [one, other] = [new KvState(hash), new KvState(hash)];
    one.apply(1, stamped({ checks: [], mutations }));
    other.apply(1, stamped({ checks: [], mutations: turned }));
    assert.equal(one.digest(), other.digest());
  }));
});

Deno.test("KvState digest() forgets what was overwritten or deleted", () => {
  const detour = stateOf(
    put("a", "1"),
    put("b", "2"),
    { kind: "delete", key: utf8("b") },
    put("a", "3"),
  );
  const direct = stateOf(null, null, null, put("a", "3"));
  assert.equal(detour.digest(), direct.digest());
});

Deno.test("KvState digest() differs when anything differs", () => {
  const timed = new KvState(hash);
  timed.apply(1, stamped({ checks: [], mutations: [put("a", "1")] }, 5));
  const states: Record<string, KvState> = {
    empty: stateOf(),
    applied: stateOf(null),
    one: stateOf(put("a", "1")),
    value: stateOf(put("a", "2")),
    longer: stateOf(put("a", "1\0")),
    key: stateOf(put("b", "1")),
    swapped: stateOf(put("1", "a")),
    type: stateOf(put("a", "1", "t")),
    revision: stateOf(null, put("a", "1")),
    later: stateOf(put("a", "1"), null),
    two: stateOf(put("a", "1"), put("b", "1")),
    exchanged: stateOf(put("b", "1"), put("a", "1")),
    time: timed,
    expiring: stateOf({ ...put("a", "1"), lifetime: { atMs: 5 } } as Mutation),
    expiringLater: stateOf({ ...put("a", "1"), lifetime: { atMs: 6 } } as Mutation),
    record: stateOf(setRecord("token", "a", "1")),
    recordBody: stateOf(setRecord("token", "a", "2")),
    recordName: stateOf(setRecord("token", "b", "1")),
    recordKind: stateOf(setRecord("policy", "a", "1")),
    recordRevision: stateOf(null, setRecord("token", "a", "1")),
    twoRecords: stateOf(setRecord("token", "a", "1"), setRecord("policy", "a", "1")),
    recordBesideItem: stateOf(put("a", "1"), setRecord("token", "a", "1")),
  };
  const digests = Object.values(states).map((state) => state.digest());
  for (const digest of digests) assert.match(digest, /^[0-9a-f]{16}$/);
  assert.equal(new Set(digests).size, digests.length);
});

Deno.test("KvState digest() and size fit the items after any commands", () => {
  fc.assert(fc.property(fc.array(unnamedCommand, { maxLength: 20 }), (commands) => {
    const state = new KvState(hash);
    for (const [at, command] of commands.entries()) state.apply(at + 1, stamped(command, at));
    const model = new Model();
    for (const [at, command] of commands.entries()) model.apply(at + 1, command, at);
    // The same items, each written once at its revision.
    const direct = new KvState(hash);
    for (let index = 1; index <= commands.length; index++) {
      const mutations = model.sorted().filter(({ item }) => item.revision === index).map(
        ({ key, item: { expiresMs, ...item } }): Mutation => ({
          kind: "put",
          key,
          value: item.value,
          contentType: item.contentType,
          ...expiresMs !== undefined && { lifetime: { atMs: expiresMs } },
        }),
      );
      for (const { kind, name, body, revision } of model.records.values()) {
        if (revision === index) mutations.push({ kind: "setRecord", of: kind, name, body });
      }
      direct.apply(index, stamped({ checks: [], mutations }, index - 1));
    }
    assert.equal(state.digest(), direct.digest());
    assert.equal(state.size, direct.size);
  }));
});

Deno.test("KvState apply() checks all before it changes anything (S3)", () => {
  const state = stateOf(put("a", "1"));
  const outcome = state.apply(
    2,
    stamped({
      checks: [
        { kind: "exists", key: utf8("a") },
        { kind: "revision", key: utf8("a"), revision: 7 },
      ],
      mutations: [put("a", "2"), put("b", "2")],
    }),
  );
  assert.deepEqual(outcome, { kind: "checkFailed", check: 1, revision: 1 });
  assert.equal(state.size, 1);
  assert.equal(state.get(utf8("a"))?.revision, 1);
  assert.equal(state.applied, 2);
});

Deno.test("KvState apply() takes the mutations of one command in their order", () => {
  const state = new KvState(hash);
  const remove: Mutation = { kind: "delete", key: utf8("a") };
  const mutations = [remove, put("a", "1"), put("a", "2"), remove, put("a", "3")];
  const outcome = state.apply(1, stamped({ checks: [], mutations }));
  const existed = [false, false, true, true, false];
  assert.deepEqual(outcome, { kind: "applied", revision: 1, existed });
  assert.deepEqual(state.get(utf8("a"))?.value, utf8("3"));
});

Deno.test("KvState time never decreases, whatever the leaders' clocks do (S4)", () => {
  const state = new KvState(hash);
  const times = [100, 50, 200, 0];
  const seen = times.map((time, at) => {
    state.apply(at + 1, stamped({ checks: [], mutations: [] }, time));
    return state.timeMs;
  });
  assert.deepEqual(seen, [100, 100, 200, 200]);
});

Deno.test("KvState does not keep the frame that a value came in", () => {
  const frame = new Uint8Array(1 << 20);
  const bytes = stamped({ checks: [], mutations: [put("a", "value")] });
  frame.set(bytes, 1_000);
  const state = new KvState(hash);
  state.apply(1, frame.subarray(1_000, 1_000 + bytes.length));
  frame.fill(0);
  const value = state.get(utf8("a"))?.value;
  assert.deepEqual(value, utf8("value"));
  assert.notEqual(value?.buffer, frame.buffer);
});

Deno.test("KvState get() gives items that later writes leave alone", () => {
  const state = new KvState(hash);
  state.apply(1, stamped({ checks: [], mutations: [put("a", "before")] }));
  const item = state.get(utf8("a"));
  state.apply(2, stamped({ checks: [], mutations: [put("a", "behind")] }));
  assert.deepEqual(item, { value: utf8("before"), contentType: "", revision: 1 });
});

Deno.test("KvState stops at a gap, a repetition and a command that it cannot read (S1, S2)", () => {
  const bytes = stamped({ checks: [], mutations: [] });
  assert.throws(() => stateOf(null).apply(1, bytes), /S2/);
  assert.throws(() => stateOf(null).apply(3, bytes), /S2/);
  assert.throws(() => stateOf(null).applyOther(3), /S2/);
  assert.throws(() => stateOf().apply(1, bytes.subarray(1)), /S1/);
});

Deno.test("KvState keeps records apart from items, and in the order of their names", () => {
  const state = stateOf(
    setRecord("token", "b", "1"),
    setRecord("token", "a", "2"),
    setRecord("policy", "b", "3"),
    put("b", "item"),
  );
  assert.equal(state.size, 1);
  assert.deepEqual(state.records("token"), [
    { kind: "token", name: "a", body: utf8("2"), revision: 2 },
    { kind: "token", name: "b", body: utf8("1"), revision: 1 },
  ]);
  assert.deepEqual(state.records("policy").map(({ revision }) => revision), [3]);
});

Deno.test("KvState recordsVersion changes with every change of a record, and with nothing else", () => {
  const remove: Mutation = { kind: "deleteRecord", of: "token", name: "a" };
  const steps = [
    put("a", "1"),
    setRecord("token", "a", "1"),
    put("a", "2"),
    setRecord("token", "a", "1"),
    remove,
    remove,
  ];
  const versions = steps.map((_, at) => stateOf(...steps.slice(0, at + 1)).recordsVersion);
  assert.deepEqual(versions, [0, 2, 2, 4, 5, 5]);
});

Deno.test("KvState apply() checks the revision of a record, 0 for none", () => {
  const state = stateOf(setRecord("token", "a", "1"));
  const check = (name: string, revision: number) =>
    state.apply(
      state.applied + 1,
      stamped({ checks: [{ kind: "record", of: "token", name, revision }], mutations: [] }),
    );
  assert.equal(check("a", 1).kind, "applied");
  assert.equal(check("b", 0).kind, "applied");
  assert.deepEqual(check("a", 0), { kind: "checkFailed", check: 0, revision: 1 });
  assert.deepEqual(check("b", 1), { kind: "checkFailed", check: 0, revision: 0 });
});

Deno.test("KvState apply() does nothing of a command that would bring too many records (S3, S8)", () => {
  const state = new KvState(hash);
  const perCommand = 100;
  for (let at = 0; at < limits.recordsMax; at += perCommand) {
    const mutations = Array.from(
      { length: perCommand },
      (_, i) => setRecord("policy", `${at + i}`, "1"),
    );
    state.apply(state.applied + 1, stamped({ checks: [], mutations }));
  }
  assert.equal(state.recordsCount, limits.recordsMax);
  const run = (...mutations: Mutation[]) =>
    state.apply(state.applied + 1, stamped({ checks: [], mutations }));
  assert.deepEqual(run(put("a", "1"), setRecord("token", "0", "1")), { kind: "recordsFull" });
  assert.equal(state.size, 0);
  assert.equal(run(setRecord("policy", "0", "2")).kind, "applied");
  assert.equal(run({ kind: "deleteRecord", of: "policy", name: "0" }).kind, "applied");
  assert.equal(run(setRecord("token", "0", "1")).kind, "applied");
});
