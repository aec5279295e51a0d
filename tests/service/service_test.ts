import assert from "node:assert/strict";
import { Bell, limits, ok, type Result, utf8 } from "../../src/base/mod.ts";
import type { Failure, NodeStatus } from "../../src/node/mod.ts";
import {
  type Access,
  type Caller,
  nobody,
  operations,
  refusal,
  Service,
  type ServiceError,
} from "../../src/service/mod.ts";
import { FakeReplica } from "../support/fake_replica.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

const KEY = Uint8Array.of(1, 2, 3);
const VALUE = Uint8Array.of(9);

function setUp(
  options: { valueBytesMax?: number; requestTimeoutMs?: number; access?: Access } = {},
) {
  const replica = new FakeReplica();
  const clock = new VirtualClock();
  return { replica, clock, service: new Service({ replica, clock, ...options }) };
}

function failure(code: Failure["code"], effect: Failure["effect"]): Failure {
  return { code, effect, reason: "because", leader: "n2" };
}

Deno.test("Service.put() then read() gives the item back, with its revision", async () => {
  const { service } = setUp();
  const put = await service.put(nobody, { key: KEY, value: VALUE, contentType: "text/plain" });
  assert.deepEqual(put, { ok: true, value: { revision: 1, created: true } });
  const again = await service.put(nobody, { key: KEY, value: VALUE, contentType: "" });
  assert.deepEqual(again, { ok: true, value: { revision: 2, created: false } });
  const read = await service.read(nobody, KEY, { consistency: "linearizable" });
  assert.ok(read.ok);
  assert.deepEqual(read.value.item?.value, VALUE);
  assert.equal(read.value.item?.revision, 2);
  assert.equal(read.value.consistency, "linearizable");
});

Deno.test("Service.delete() says whether there was an item", async () => {
  const { service, replica } = setUp();
  replica.store("\x01\x02\x03", VALUE);
  assert.deepEqual(await service.delete(nobody, KEY), {
    ok: true,
    value: { revision: 2, existed: true },
  });
  assert.deepEqual(await service.delete(nobody, KEY), {
    ok: true,
    value: { revision: 3, existed: false },
  });
});

Deno.test("Service.read() asks for a read round only when it is linearizable", async () => {
  const { service, replica } = setUp();
  replica.failure = failure("noLeader", "none");
  const stale = await service.read(nobody, KEY, { consistency: "stale" });
  assert.deepEqual(stale, { ok: true, value: { item: null, consistency: "stale" } });
  assert.equal(replica.linearizeCalls, 0);
  const linearizable = await service.read(nobody, KEY, { consistency: "linearizable" });
  assert.equal(linearizable.ok, false);
  assert.equal(replica.linearizeCalls, 1);
});

Deno.test("Service.put() holds to the limits of keys, values and content types", async () => {
  const { service, replica } = setUp({ valueBytesMax: 10 });
  const codeOf = async (keyBytes: number, valueBytes: number, contentType: string) => {
    const key = new Uint8Array(keyBytes);
    const put = await service.put(nobody, { key, value: new Uint8Array(valueBytes), contentType });
    return put.ok ? "ok" : put.error.code;
  };
  const { keyBytesMax, contentTypeBytesMax } = limits;
  assert.equal(await codeOf(0, 1, ""), "keyEmpty");
  assert.equal(await codeOf(1, 1, ""), "ok");
  assert.equal(await codeOf(keyBytesMax - 1, 1, ""), "ok");
  assert.equal(await codeOf(keyBytesMax, 1, ""), "ok");
  assert.equal(await codeOf(keyBytesMax + 1, 1, ""), "keyTooLong");
  assert.equal(await codeOf(1, 9, ""), "ok");
  assert.equal(await codeOf(1, 10, ""), "ok");
  assert.equal(await codeOf(1, 11, ""), "valueTooLarge");
  assert.equal(await codeOf(1, 1, "x".repeat(contentTypeBytesMax - 1)), "ok");
  assert.equal(await codeOf(1, 1, "x".repeat(contentTypeBytesMax)), "ok");
  assert.equal(await codeOf(1, 1, "x".repeat(contentTypeBytesMax + 1)), "contentTypeInvalid");
  assert.equal(replica.commands.length, 7, "what was refused never reached the replica");
});

Deno.test("Service.put() refuses content types that could split an answer", async () => {
  const { service } = setUp();
  const bad = [
    "a\r\nb",
    "a\nb",
    "\r",
    "a\0",
    "\x7f",
    "é",
    " a",
    "a ",
    "a\tb",
    "\u2028",
    "\u{1f600}",
  ];
  for (const contentType of bad) {
    const put = await service.put(nobody, { key: KEY, value: VALUE, contentType });
    assert.equal(put.ok ? "ok" : put.error.code, "contentTypeInvalid", JSON.stringify(contentType));
  }
  const good = await service.put(nobody, {
    key: KEY,
    value: VALUE,
    contentType: "text/plain; charset=utf-8",
  });
  assert.ok(good.ok);
});

Deno.test("Service.read() and delete() refuse impossible keys", async () => {
  const { service } = setUp();
  const long = new Uint8Array(limits.keyBytesMax + 1);
  for (const [key, code] of [[new Uint8Array(), "keyEmpty"], [long, "keyTooLong"]] as const) {
    const read = await service.read(nobody, key, { consistency: "stale" });
    const deleted = await service.delete(nobody, key);
    assert.equal(read.ok ? "" : read.error.code, code);
    assert.equal(deleted.ok ? "" : deleted.error.code, code);
  }
});

Deno.test("Service sets the deadline of each operation on the clock's scale", async () => {
  const { service, replica, clock } = setUp({ requestTimeoutMs: 700 });
  await clock.advance(1000);
  const put = { key: KEY, value: VALUE, contentType: "" };
  await service.put(nobody, put);
  await service.put(nobody, put, { timeoutMs: 50 });
  await service.put(nobody, put, { timeoutMs: 1e9 });
  await service.delete(nobody, KEY, { timeoutMs: 60 });
  await service.read(nobody, KEY, { consistency: "linearizable", timeoutMs: 70 });
  await service.ready();
  const max = limits.requestTimeoutMsMax;
  const waits = [700, 50, max, 60, 70, limits.readyTimeoutMs];
  assert.deepEqual(replica.deadlinesMs, waits.map((wait) => 1000 + wait));
});

Deno.test("Service.requestTimeoutMsMax is never below the configured time", () => {
  const configured = limits.requestTimeoutMsMax + 1;
  assert.equal(setUp({ requestTimeoutMs: configured }).service.requestTimeoutMsMax, configured);
  assert.equal(setUp().service.requestTimeoutMsMax, limits.requestTimeoutMsMax);
});

Deno.test("Service turns conditions into checks", async () => {
  const { service, replica } = setUp();
  const put = { key: KEY, value: VALUE, contentType: "" };
  const conditions = [{}, { revision: 7 }, { exists: true }, { exists: false }];
  for (const condition of conditions) await service.put(nobody, put, { conditions: condition });
  assert.deepEqual(replica.commands.map(({ checks }) => checks), [
    [],
    [{ kind: "revision", key: KEY, revision: 7 }],
    [{ kind: "exists", key: KEY }],
    [{ kind: "revision", key: KEY, revision: 0 }],
  ]);
});

Deno.test("Service.put() and delete() report a failed condition with the present revision", async () => {
  const { service, replica } = setUp();
  const put = { key: KEY, value: VALUE, contentType: "" };
  const absent = await service.put(nobody, put, { conditions: { exists: true } });
  assert.equal(absent.ok ? "" : absent.error.code, "conditionFailed");
  assert.equal(absent.ok ? -1 : absent.error.revision, 0);
  const revision = replica.store("\x01\x02\x03", VALUE);
  for (
    const answer of [
      await service.put(nobody, put, { conditions: { exists: false } }),
      await service.delete(nobody, KEY, { conditions: { revision: revision + 1 } }),
    ]
  ) {
    assert.ok(!answer.ok);
    assert.deepEqual(answer.error, {
      code: "conditionFailed",
      effect: "none",
      detail: `The item under this key has revision ${revision}.`,
      revision,
    });
  }
});

Deno.test("Service reports the effect of a failed write exactly as the replica does", async () => {
  const { service, replica } = setUp();
  const codes = ["noLeader", "overloaded", "timeout", "leaderChanged", "diskFull", "stopping"];
  for (const code of codes as Failure["code"][]) {
    for (const effect of ["none", "unknown"] as const) {
      replica.failure = failure(code, effect);
      const expected = { code, effect, detail: "because", leader: "n2" };
      const put = await service.put(nobody, { key: KEY, value: VALUE, contentType: "" });
      const deleted = await service.delete(nobody, KEY);
      const read = await service.read(nobody, KEY, { consistency: "linearizable" });
      assert.deepEqual(put.ok ? null : put.error, expected);
      assert.deepEqual(deleted.ok ? null : deleted.error, expected);
      assert.deepEqual(read.ok ? null : read.error, { ...expected, effect: "none" });
    }
  }
});

Deno.test("Service.ready() shares one read round between all probes", async () => {
  const { service, replica } = setUp();
  let open = (): void => {};
  replica.gate = new Promise((resolve) => open = resolve);
  const probes = Array.from({ length: 100 }, () => service.ready());
  assert.equal(replica.linearizeCalls, 1);
  open();
  for (const probe of probes) assert.deepEqual((await probe).ok, true);
  replica.failure = failure("noLeader", "none");
  const next = await service.ready();
  assert.equal(next.ok ? "" : next.error.code, "noLeader", "a later probe asks anew");
  assert.equal(replica.linearizeCalls, 2);
});

Deno.test("Service.clusterStatus() adds each member's lag and shares the question", async () => {
  const { service, replica } = setUp();
  const address = { peerAddress: "h:1", clientAddress: "h:2" };
  const status = (id: string, commit: number, applied: number): NodeStatus => ({
    ...replica.status(),
    id,
    commit,
    applied,
  });
  replica.members = [
    { id: "n1", ...address, reachable: true, status: status("n1", 10, 10) },
    { id: "n2", ...address, reachable: true, status: status("n2", 8, 7) },
    { id: "n3", ...address, reachable: false },
  ];
  const [one, other] = await Promise.all([
    service.clusterStatus(nobody),
    service.clusterStatus(nobody),
  ]);
  assert.ok(one.ok && other.ok);
  assert.deepEqual(one.value.members.map(({ lag }) => lag), [0, 3, null]);
  assert.equal(one.value, other.value);
  assert.equal(replica.clusterStatusCalls, 1);
  await service.clusterStatus(nobody);
  assert.equal(replica.clusterStatusCalls, 2);
});

/** What asks about each key that it would tell; their own tests show it. */
const FILTERED = ["list", "watch"];
/** What is no operation, but tells who asks for one. */
const ASKING = ["constructor", "identify", "guarded"];

Deno.test("operations names every method of Service", () => {
  const methods = Object.getOwnPropertyNames(Service.prototype)
    .filter((name) => !ASKING.includes(name));
  for (const method of methods) assert.ok(method in operations, `${method} has no permission`);
});

Deno.test("Service does a write once for each idempotency key of its caller", async () => {
  const { service } = setUp();
  const put = (name: string | null, value: string) => {
    const request = { key: KEY, value: utf8(value), contentType: "" };
    return service.put({ name, roles: [] }, request, { idempotencyKey: "k1" });
  };
  assert.deepEqual(await put("ann", "1"), ok({ revision: 1, created: true }));
  assert.deepEqual(await put("ann", "1"), ok({ revision: 1, created: true, replayed: true }));
  const reused = await put("ann", "2");
  assert.equal(reused.ok ? "" : reused.error.code, "idempotencyKeyReused");
  assert.equal(reused.ok ? "" : reused.error.effect, "none");
  assert.equal((await put("bob", "2")).ok, true);

  const view = (name: string) => service.request({ name, roles: [] }, "k1");
  assert.deepEqual(await view("ann"), ok({ state: "done", atMs: 0, revision: 1 }));
  assert.deepEqual(await view("eve"), ok({ state: "notSeen", forgottenMs: 0 }));
});

Deno.test("Service tells a refusal again, and refuses keys that no field could carry", async () => {
  const { service } = setUp();
  const options = { idempotencyKey: "k1", conditions: { revision: 7 } };
  const [first, again] = [
    await service.delete(nobody, KEY, options),
    await service.delete(nobody, KEY, options),
  ];
  assert.ok(!first.ok && !again.ok);
  assert.equal(first.error.code, "conditionFailed");
  assert.deepEqual(again.error, { ...first.error, replayed: true });
  assert.deepEqual(
    await service.request(nobody, "k1"),
    ok({ state: "refused", atMs: 0 }),
  );
  for (const idempotencyKey of ["", "a b", "ä", "k".repeat(129), "a\nb"]) {
    const refused = await service.delete(nobody, KEY, { idempotencyKey });
    assert.equal(refused.ok ? "" : refused.error.code, "idempotencyKeyInvalid");
  }
});

Deno.test("Service asks Access about every operation, with the permission of the table", async () => {
  const asked: unknown[][] = [];
  const access: Access = {
    guarded: true,
    identify: () => ok(nobody),
    refuse: (caller, demand, key) => {
      asked.push([caller.name, demand, key]);
      return refusal("internal", "refused");
    },
    refuseRange: () => assert.fail("no operation is about a range"),
    readable: () => assert.fail("what is filtered has tests of its own"),
    version: 0,
    changes: new Bell(),
  };
  const { service, replica } = setUp({ access });
  const caller: Caller = { name: "ann", roles: [] };
  const calls: Record<string, [Uint8Array | undefined, () => unknown]> = {
    read: [KEY, () => service.read(caller, KEY, { consistency: "stale" })],
    put: [KEY, () => service.put(caller, { key: KEY, value: VALUE, contentType: "" })],
    delete: [KEY, () => service.delete(caller, KEY)],
    transact: [KEY, () => {
      const steps = [{ kind: "delete", key: KEY } as const];
      return service.transact(caller, { checks: [], steps, elseSteps: [] });
    }],
    status: [undefined, () => service.status(caller)],
    clusterStatus: [undefined, () => service.clusterStatus(caller)],
    metrics: [undefined, () => service.metrics(caller)],
    keys: [undefined, () => service.keys(caller)],
    reloadKeys: [undefined, () => service.reloadKeys(caller)],
    listTokens: [undefined, () => service.listTokens(caller)],
    createToken: [undefined, () => service.createToken(caller, { name: "ci", roles: [] })],
    revokeToken: [undefined, () => service.revokeToken(caller, "ci")],
    listPolicy: [undefined, () => service.listPolicy(caller)],
    addPolicy: [undefined, () => service.addPolicy(caller, "p, ann, *, read")],
    removePolicy: [undefined, () => service.removePolicy(caller, "p, ann, *, read")],
    testPolicy: [
      undefined,
      () => service.testPolicy(caller, { name: "ann", roles: [], action: "admin" }),
    ],
  };
  for (const [name, { permission }] of Object.entries(operations)) {
    if (permission === "public" || permission === "own" || FILTERED.includes(name)) continue;
    const [key, call] = calls[name] ?? assert.fail(`${name} is not asked here`);
    const answer = await call() as Result<unknown, ServiceError>;
    assert.ok(!answer.ok, name);
    assert.match(answer.error.detail, /^(then\[0\]: )?refused$/);
    assert.deepEqual(asked.splice(0), [["ann", permission, key]], name);
  }
  assert.equal(replica.linearizeCalls + replica.clusterStatusCalls, 0);
});
