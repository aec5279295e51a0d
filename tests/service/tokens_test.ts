/** Tokens: who makes them, what is kept of them, and whom they prove. */

import assert from "node:assert/strict";
import { hex, type Result, utf8 } from "../../src/base/mod.ts";
import type { MemberStatus } from "../../src/node/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";
import {
  Authentication,
  type Caller,
  makeOperatorToken,
  nobody,
  type ServiceError,
  Tokens,
} from "../../src/service/mod.ts";
import { FakeReplica } from "../support/fake_replica.ts";
import { MemoryLog } from "../support/memory_log.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

const ANN: Caller = { name: "ann", roles: [] };
const LATER = 5_000;

function setUp({ required = true } = {}) {
  const replica = new FakeReplica();
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const hash = nativeHash();
  const random = new SeededRandom(1);
  const operator = makeOperatorToken({ random, hash });
  const tokens = new Tokens({ replica, clock, hash, random, log });
  const access = new Authentication({ replica, hash, required, operator });
  return { replica, clock, log, tokens, access, operator: operator.text.reveal() };
}

function valueOf<T>(result: Result<T, ServiceError>): T {
  assert.ok(result.ok, result.ok ? "" : result.error.detail);
  return result.value;
}

function bearer(text: string) {
  return { authorization: `Bearer ${text}` };
}

Deno.test("Tokens.create() keeps neither the text nor a part of its secret, and logs who made it", async () => {
  const { tokens, replica, log } = setUp();
  const created = valueOf(await tokens.create(ANN, { name: "ci", roles: ["deploy"] }, LATER));
  const text = created.token.reveal();
  const secret = text.slice(-43);
  const [record] = replica.state.records("token");
  const stored = hex(record?.body as Uint8Array);
  for (const form of [utf8(secret), Uint8Array.fromBase64(secret, { alphabet: "base64url" })]) {
    assert.ok(!stored.includes(hex(form)));
  }
  assert.ok(!JSON.stringify([log.lines, created]).includes(secret));
  assert.deepEqual(log.of("token created")[0]?.fields, {
    token: "ci",
    id: created.id,
    roles: "deploy",
    by: "ann",
    revision: 1,
  });
  valueOf(await tokens.revoke(ANN, created.id, LATER));
  assert.deepEqual(log.of("token revoked")[0]?.fields, {
    token: "ci",
    id: created.id,
    by: "ann",
    revision: 2,
  });
});

Deno.test("Authentication knows a token from its creation to its revocation, cached or not", async () => {
  const { tokens, access } = setUp();
  const { token } = valueOf(await tokens.create(ANN, { name: "ci", roles: ["deploy"] }, LATER));
  const shown = bearer(token.reveal());
  for (let time = 0; time < 3; time++) {
    const { name, roles } = valueOf(access.identify(shown));
    assert.deepEqual([name, roles], ["ci", ["deploy"]]);
  }
  valueOf(await tokens.revoke(ANN, "ci", LATER));
  const refused = access.identify(shown);
  assert.ok(!refused.ok && refused.error.code === "unauthenticated");
  const again = valueOf(await tokens.create(ANN, { name: "ci", roles: [] }, LATER));
  assert.ok(!access.identify(shown).ok, "the old text of the same name");
  assert.deepEqual(valueOf(access.identify(bearer(again.token.reveal()))).roles, []);
});

Deno.test("Authentication takes a token before a certificate, and no wrong token beside one", async () => {
  const { tokens, access } = setUp();
  const { token } = valueOf(await tokens.create(ANN, { name: "ci", roles: [] }, LATER));
  const named = (credentials: { certified?: string; authorization: string | null }) => {
    const identified = access.identify(credentials);
    return identified.ok ? identified.value.name : identified.error.code;
  };
  assert.equal(named({ certified: "web", authorization: null }), "web");
  assert.equal(named({ certified: "web", ...bearer(token.reveal()) }), "ci");
  assert.equal(named({ certified: "web", ...bearer("wrong") }), "unauthenticated");
  assert.equal(named({ certified: "web", authorization: "" }), "unauthenticated");
  assert.equal(named({ authorization: null }), "unauthenticated");
  // What no token can be called, no certificate can be either: above all not the operator.
  for (const certified of ["", "operator of n1", "a b", "a\nb", "-a", "ü", "a".repeat(65), "a,b"]) {
    assert.equal(named({ certified, authorization: null }), "unauthenticated", certified);
  }
});

Deno.test("Authentication turns away who shows nothing only where that is wanted", () => {
  const open = setUp({ required: false }).access;
  assert.deepEqual(open.identify({ authorization: null }), { ok: true, value: nobody });
  assert.equal(open.refuse(nobody), null);
  assert.ok(!open.identify(bearer("wrong")).ok);
  const closed = setUp().access;
  assert.equal(closed.refuse(nobody)?.code, "unauthenticated");
  assert.equal(closed.refuse(ANN), null);
});

Deno.test("Authentication knows the operator token of its own node and start only", () => {
  const { access, operator } = setUp();
  const { name, roles } = valueOf(access.identify(bearer(operator)));
  assert.deepEqual([name, roles], ["operator of n1", ["keva:operator"]]);
  const other = makeOperatorToken({ random: new SeededRandom(2), hash: nativeHash() });
  assert.ok(!access.identify(bearer(other.text.reveal())).ok);
});

Deno.test("Tokens.revoke() waits for the members that can be reached, a second at most", async () => {
  const { tokens, replica, clock } = setUp();
  valueOf(await tokens.create(ANN, { name: "ci", roles: [] }, LATER));
  const member = (id: string, applied: number | null): MemberStatus => ({
    id,
    peerAddress: "",
    clientAddress: "",
    reachable: applied !== null,
    ...applied !== null && { status: { ...replica.status(), applied } },
  });
  const ended = async (running: Promise<unknown>) => {
    let done = false;
    void running.then(() => done = true);
    await clock.advance(100);
    return done;
  };
  replica.members = [member("n1", 2), member("n2", 1), member("n3", null)];
  const revoking = tokens.revoke(ANN, "ci", LATER);
  assert.equal(await ended(revoking), false, "n2 can still catch up");
  replica.members = [member("n1", 2), member("n2", 2), member("n3", null)];
  assert.equal(await ended(revoking), true);
  assert.deepEqual(valueOf(await revoking).pending, ["n3"]);

  replica.members = [member("n1", 9), member("n2", 1)];
  const creating = tokens.create(ANN, { name: "other", roles: [] }, LATER);
  assert.equal(await ended(creating), false);
  await clock.advance(1_000);
  assert.deepEqual(valueOf(await creating).pending, ["n2"]);
});
