/** What callers may do, where its rules come from, and how they change. */

import assert from "node:assert/strict";
import { err, limits, ok, type Result, utf8 } from "../../src/base/mod.ts";
import { parsePolicy, type SourcedRule } from "../../src/access/mod.ts";
import type { MemberStatus } from "../../src/node/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";
import {
  Authentication,
  type Caller,
  GuardedAccess,
  makeOperatorToken,
  nobody,
  Policies,
  PolicyInForce,
  type ServiceError,
  Tokens,
} from "../../src/service/mod.ts";
import { FakeReplica } from "../support/fake_replica.ts";
import { MemoryLog } from "../support/memory_log.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

const ANN: Caller = { name: "ann", roles: [] };
const LATER = 5_000;
const hash = nativeHash();

type Options = { readonly required?: boolean; readonly file?: string };

async function setUp({ required = true, file }: Options = {}) {
  const replica = new FakeReplica();
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const random = new SeededRandom(1);
  const given = { next: read(file ?? "") };
  const files = file === undefined ? undefined : () => given.next;
  const policy = valueOf(await PolicyInForce.open({ replica, log, files }));
  const operator = makeOperatorToken({ random, hash });
  const authentication = new Authentication({ replica, hash, required, operator });
  const access = new GuardedAccess(authentication, policy);
  return {
    replica,
    clock,
    log,
    given,
    policy,
    access,
    policies: new Policies({ replica, clock, hash, log, policy, required }),
    tokens: new Tokens({ replica, clock, hash, random, log }),
    operator: operator.text.reveal(),
    may: (caller: Caller, demand: "read" | "write", key: string) =>
      access.refuse(caller, demand, utf8(key))?.code ?? "yes",
    /** Until Casbin is there. */
    loaded: async () => {
      while (access.refuse(ANN, "read", utf8("k"))?.code === "policyLoading") {
        await new Promise<void>((resolve) => void policy.changes.listen(resolve));
      }
    },
  };
}

function read(text: string): Result<readonly SourcedRule[], string> {
  return parsePolicy("policy.csv", text);
}

function valueOf<T, E>(result: Result<T, E>): T {
  assert.ok(result.ok, result.ok ? "" : JSON.stringify(result.error));
  return result.value;
}

function codeOf(result: Result<unknown, ServiceError>): string {
  return result.ok ? "done" : result.error.code;
}

Deno.test("GuardedAccess lets everybody do everything while there is no policy", async () => {
  const open = await setUp({ required: false });
  assert.equal(open.may(nobody, "write", "k"), "yes");
  const { may, access } = await setUp();
  assert.equal(may(ANN, "write", "k"), "yes");
  assert.equal(access.refuse(ANN, "admin"), null);
  assert.equal(access.refuseRange(ANN, "write", { start: utf8("a"), end: null }), null);
  assert.equal(valueOf(access.readable(ANN, "read")).sees, null);
  assert.equal(may(nobody, "read", "k"), "unauthenticated");
  assert.equal(codeOf(access.readable(nobody, "read")), "unauthenticated");
});

Deno.test("GuardedAccess refuses what no rule allows, and names the permission", async () => {
  const { access, may } = await setUp({ file: "p, ann, app/, write\np, role:ops, *, admin" });
  assert.equal(may(ANN, "write", "app/x"), "yes");
  assert.equal(may(ANN, "write", "ap"), "forbidden");
  assert.equal(may(ANN, "read", "app/x"), "forbidden");
  assert.deepEqual(access.refuse(ANN, "write", utf8(`b\n${"x".repeat(99)}`)), {
    code: "forbidden",
    effect: "none",
    permission: "write",
    detail: `The policy does not give ann the permission "write" for the key ` +
      `"b\\u{a}${"x".repeat(62)}…".`,
  });
  assert.equal(access.refuse(ANN, "admin")?.permission, "admin");
  assert.equal(access.refuse({ name: "x", roles: ["ops"] }, "admin"), null);
  const range = (start: string, end: string) =>
    access.refuseRange(ANN, "write", { start: utf8(start), end: utf8(end) });
  assert.equal(range("app/", "app0"), null);
  assert.equal(range("app/", "app1")?.permission, "write");
  const { sees } = valueOf(access.readable(ANN, "read"));
  assert.equal(sees?.(utf8("app/x")), false);
  assert.deepEqual(valueOf(access.readable(ANN, "read")).ranges(), []);
  assert.equal(may(nobody, "write", "app/x"), "unauthenticated");
});

Deno.test("GuardedAccess lets the operator of the node do everything, and nobody who is called so", async () => {
  const { access, operator, may } = await setUp({ file: "" });
  const caller = valueOf(access.identify({ authorization: `Bearer ${operator}` }));
  assert.equal(may(caller, "write", "k"), "yes");
  assert.equal(access.refuse(caller, "admin"), null);
  assert.equal(valueOf(access.readable(caller, "watch")).sees, null);
  assert.equal(may({ name: "operator", roles: [] }, "write", "k"), "forbidden");
});

Deno.test("Policies.add() and remove() hold at once, and are logged with who did it", async () => {
  const { policies, may, access, log, loaded, replica } = await setUp();
  const before = access.version;
  const added = valueOf(await policies.add(ANN, "p, ann,app/,write", LATER));
  assert.deepEqual(added, { rule: "p, ann, app/, write", revision: 1, pending: [] });
  assert.ok(access.version > before);
  await loaded();
  assert.equal(may(ANN, "write", "app/x"), "yes");
  assert.equal(may(ANN, "write", "other"), "forbidden");
  valueOf(await policies.add(ANN, "p, ann, other, write", LATER));
  assert.equal(may(ANN, "write", "other"), "yes", "with no turn between");
  assert.equal(codeOf(await policies.add(ANN, "p, ann, other, write", LATER)), "policyExists");
  assert.equal(codeOf(await policies.add(ANN, "p, ann, other, writ", LATER)), "policyInvalid");
  valueOf(await policies.remove({ name: "bob", roles: [] }, "p, ann, other, write", LATER));
  assert.equal(may(ANN, "write", "other"), "forbidden");
  assert.equal(codeOf(await policies.remove(ANN, "p, ann, other, write", LATER)), "policyMissing");
  assert.deepEqual(log.of("policy rule removed").map(({ fields }) => fields), [
    { rule: "p, ann, other, write", by: "bob", revision: 4 },
  ]);
  assert.equal(log.of("policy rule added").length, 2);
  valueOf(await policies.remove(ANN, "p, ann, app/, write", LATER));
  assert.equal(may(ANN, "write", "other"), "yes", "there is no policy any more");
  replica.recordsFull = true;
  assert.equal(codeOf(await policies.add(ANN, "p, ann, *, read", LATER)), "recordsFull");
});

Deno.test("Policies.add() refuses where it would shut everybody out, and what nobody needs", async () => {
  const open = await setUp({ required: false });
  assert.equal(codeOf(await open.policies.add(nobody, "p, ann, *, read", LATER)), "policyInvalid");
  const { replica, policies } = await setUp();
  for (let i = 0; i < limits.policyRulesMax; i++) {
    const body = utf8(`p, ann, k${i}, read`);
    replica.change({ kind: "setRecord", of: "policy", name: `r${i}`, body });
  }
  assert.equal(codeOf(await policies.add(ANN, "p, ann, *, read", LATER)), "recordsFull");
});

Deno.test("Policies.add() waits for the members that can be reached", async () => {
  const { policies, replica, clock } = await setUp();
  const member = (id: string, applied: number | null): MemberStatus => ({
    id,
    peerAddress: "",
    clientAddress: "",
    reachable: applied !== null,
    ...applied !== null && { status: { ...replica.status(), applied } },
  });
  replica.members = [member("n1", 1), member("n2", 0), member("n3", null)];
  let done = false;
  const adding = policies.add(ANN, "p, ann, *, read", LATER).finally(() => done = true);
  await clock.advance(100);
  assert.equal(done, false, "n2 can still catch up");
  replica.members = [member("n1", 1), member("n2", 1), member("n3", null)];
  await clock.advance(100);
  assert.deepEqual(valueOf(await adding).pending, ["n3"]);
});

Deno.test("PolicyInForce goes by the files together with the cluster, and by what it could last read", async () => {
  const { policy, policies, given, may, log } = await setUp({ file: "p, ann, a, read" });
  valueOf(await policies.add(ANN, "p, ann, b, read", LATER));
  assert.deepEqual(["a", "b", "c"].map((key) => may(ANN, "read", key)), [
    "yes",
    "yes",
    "forbidden",
  ]);

  given.next = read("p, ann, a, read\np, ann, c, read");
  policy.reload();
  assert.equal(may(ANN, "read", "c"), "yes");
  assert.deepEqual(log.of("policy reloaded").map(({ fields }) => fields), [
    { added: 1, removed: 0, rules: 2 },
  ]);
  given.next = read("p, ann, c, reed");
  policy.reload();
  assert.equal(may(ANN, "read", "c"), "yes");
  assert.equal(log.of("policy not reloaded").length, 1);
  const view = valueOf(await policies.list(LATER));
  assert.match(view.trouble ?? "", /^policy\.csv:1: "reed" is no action/);
  assert.deepEqual(view.rules, [
    { rule: "p, ann, a, read", source: "policy.csv:1" },
    { rule: "p, ann, c, read", source: "policy.csv:2" },
    { rule: "p, ann, b, read", source: "cluster" },
  ]);
  given.next = read("");
  policy.reload();
  const emptied = valueOf(await policies.list(LATER));
  assert.deepEqual([emptied.trouble, emptied.inForce, emptied.rules.length], [null, true, 1]);
  assert.equal(may(ANN, "read", "c"), "forbidden");
});

Deno.test("PolicyInForce.open() fails with what is wrong with the files", async () => {
  const options = { replica: new FakeReplica(), log: new MemoryLog() };
  const opened = await PolicyInForce.open({ ...options, files: () => err("policy.csv:1: bad") });
  assert.deepEqual(opened, { ok: false, error: "policy.csv:1: bad" });
  const empty = valueOf(await PolicyInForce.open({ ...options, files: () => ok([]) }));
  assert.ok(empty.exists, "an empty file allows nothing");
});

Deno.test("Policies.test() tells whether and by which rule, with the roles of the token", async () => {
  const { policies, tokens } = await setUp({
    file: "p, role:ops, app/, consume\np, ci, *, read, deny",
  });
  valueOf(await tokens.create(ANN, { name: "bot", roles: ["ops"] }, LATER));
  const test = async (name: string, roles: string[], action: "read" | "watch", key: string) =>
    valueOf(await policies.test({ name, roles, action, key: utf8(key) }, LATER));
  const by = { rule: "p, role:ops, app/, consume", source: "policy.csv:1" };
  assert.deepEqual(await test("bot", [], "watch", "app/1"), {
    allowed: true,
    roles: ["ops"],
    by,
    inForce: true,
  });
  assert.deepEqual((await test("ci", ["ops"], "watch", "app/1")).by, by);
  const denied = await test("ci", ["ops"], "read", "app/1");
  assert.deepEqual([denied.allowed, denied.by?.source], [false, "policy.csv:2"]);
  assert.equal((await test("bot", [], "read", "other")).by, null);
  const open = await setUp();
  const answer = valueOf(
    await open.policies.test({ name: "x", roles: [], action: "admin" }, LATER),
  );
  assert.deepEqual([answer.allowed, answer.inForce], [true, false]);
});

Deno.test("GuardedAccess sees for a caller whose token was revoked nothing more", async () => {
  const { access, tokens } = await setUp();
  const created = valueOf(await tokens.create(ANN, { name: "bot", roles: [] }, LATER));
  const { token } = created;
  const caller = valueOf(access.identify({ authorization: `Bearer ${token.reveal()}` }));
  const { version } = access;
  let rung = 0;
  access.changes.listen(() => rung++);
  assert.equal(valueOf(access.readable(caller, "watch")).basis, "everything");
  valueOf(await tokens.revoke(ANN, "bot", LATER));
  assert.ok(access.version > version && rung > 0);
  assert.equal(codeOf(access.readable(caller, "watch")), "unauthenticated");
  valueOf(await tokens.create(ANN, { name: "bot", roles: [] }, LATER));
  assert.equal(codeOf(access.readable(caller, "watch")), "unauthenticated", "another of this name");
});
