/** What a transaction must be, and what it takes to be allowed one. */

import assert from "node:assert/strict";
import { EMPTY, limits, utf8 } from "../../src/base/mod.ts";
import {
  type Access,
  nobody,
  refusal,
  Service,
  type TransactRequest,
  type WantedStep,
} from "../../src/service/mod.ts";
import { openAccess } from "../../src/service/access.ts";
import { FakeReplica } from "../support/fake_replica.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

const KEY = utf8("k");
const VALUE = utf8("1");
const STEPS: Readonly<Record<string, WantedStep>> = {
  get: { kind: "get", key: KEY },
  put: { kind: "put", key: KEY, value: VALUE, contentType: "" },
  delete: { kind: "delete", key: KEY },
  deleteRange: { kind: "deleteRange", prefix: utf8("p"), end: utf8("pq") },
  sum: { kind: "sum", key: KEY, operand: 1n },
  min: { kind: "min", key: KEY, operand: 1n },
  max: { kind: "max", key: KEY, operand: 1n },
  append: { kind: "append", key: KEY, value: VALUE },
};

function setUp(access?: Access) {
  const replica = new FakeReplica();
  const service = new Service({ replica, clock: new VirtualClock(), access, valueBytesMax: 100 });
  const transact = async (request: Partial<TransactRequest>): Promise<string> => {
    const whole = { checks: [], steps: [], elseSteps: [], ...request };
    const answer = await service.transact(nobody, whole);
    return answer.ok ? "ok" : `${answer.error.code}: ${answer.error.detail}`;
  };
  return { replica, transact };
}

/** Writes down what it is asked, and refuses what is not `allowed`. */
function access(allowed: readonly string[], asked: string[] = []): Access {
  const answer = (demand: string) => {
    asked.push(demand);
    return allowed.includes(demand) ? null : refusal("unauthenticated", `No ${demand}.`);
  };
  return {
    ...openAccess,
    guarded: true,
    refuse: (_caller, demand) => answer(demand),
    refuseRange: (_caller, demand, { start, end }) => {
      const text = (bytes: Uint8Array | null) => bytes && new TextDecoder().decode(bytes);
      return answer(`${demand} ${text(start)}-${text(end)}`);
    },
    readable: () => assert.fail("a transaction is not filtered"),
  };
}

Deno.test("Service.transact() takes of each step the permission of its own, in both branches", async () => {
  const needs: Record<string, string[]> = {};
  for (const [name, step] of Object.entries(STEPS)) {
    const asked: string[] = [];
    const { transact } = setUp(access(["read", "write", "write p-pq"], asked));
    assert.equal(await transact({ elseSteps: [step] }), "ok");
    needs[name] = [...new Set(asked)];
  }
  assert.deepEqual(needs, {
    get: ["read"],
    put: ["write"],
    delete: ["write"],
    deleteRange: ["write p-pq"],
    sum: ["read", "write"],
    min: ["read", "write"],
    max: ["read", "write"],
    append: ["write"],
  });
});

Deno.test("Service.transact() names the operation that is not allowed, and does nothing", async () => {
  const { transact, replica } = setUp(access(["write"]));
  const { put, get } = STEPS as { put: WantedStep; get: WantedStep };
  assert.equal(await transact({ steps: [put, get] }), "unauthenticated: then[1]: No read.");
  assert.equal(await transact({ elseSteps: [get] }), "unauthenticated: else[0]: No read.");
  const value = { kind: "value", key: KEY, value: VALUE } as const;
  assert.equal(await transact({ checks: [value] }), "unauthenticated: checks[0]: No read.");
  assert.equal(replica.commands.length, 0);
  const exists = { kind: "exists", key: KEY } as const;
  assert.equal(await transact({ checks: [exists] }), "ok", "who may write may use If-Match too");
  assert.equal(await setUp(access(["read"])).transact({ checks: [exists] }), "ok");
  assert.match(await setUp(access([])).transact({ checks: [exists] }), /^unauth/);
});

Deno.test("Service.transact() holds to the limits of single writes, and to its own", async () => {
  const { transact, replica } = setUp();
  const long = new Uint8Array(limits.keyBytesMax + 1).fill(97);
  const large = new Uint8Array(101);
  const refused = async (step: WantedStep) => (await transact({ steps: [step] })).split(":")[0];
  assert.equal(await refused({ kind: "get", key: EMPTY }), "keyEmpty");
  assert.equal(await refused({ kind: "delete", key: long }), "keyTooLong");
  assert.equal(await refused({ kind: "deleteRange", prefix: long }), "keyTooLong");
  assert.equal(await refused({ kind: "deleteRange", prefix: EMPTY, end: long }), "keyTooLong");
  assert.equal(await refused({ kind: "append", key: KEY, value: large }), "valueTooLarge");
  const put = { kind: "put", key: KEY, value: VALUE } as const;
  assert.equal(await refused({ ...put, value: large, contentType: "" }), "valueTooLarge");
  assert.equal(await refused({ ...put, contentType: "a\nb" }), "contentTypeInvalid");
  const many = (count: number) => new Array<WantedStep>(count).fill({ kind: "get", key: KEY });
  const { operationsPerCommandMax } = limits;
  assert.equal(
    await transact({ steps: many(1), elseSteps: many(operationsPerCommandMax - 1) }),
    "ok",
  );
  const over = await transact({ steps: many(1), elseSteps: many(operationsPerCommandMax) });
  assert.match(over, /^bodyInvalid: .* has 129/);
  assert.equal(replica.commands.length, 1);
});

Deno.test("Service.transact() tells which step could not be done, and why", async () => {
  const { transact, replica } = setUp();
  replica.store("k", utf8("seven"));
  replica.store("full", new Uint8Array(100));
  const sum = { kind: "sum", key: KEY, operand: 1n } as const;
  const append = { kind: "append", key: utf8("full"), value: VALUE } as const;
  assert.equal(
    await transact({ steps: [{ kind: "get", key: KEY }, sum] }),
    "stepFailed: then[1] (sum): The value that is there is no signed 64-bit number in decimal.",
  );
  const absent = { kind: "revision", key: KEY, revision: 0 } as const;
  assert.equal(
    await transact({ checks: [absent], elseSteps: [append] }),
    "stepFailed: else[0] (append): The value would have more than 100 bytes.",
  );
});
