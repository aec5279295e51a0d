/** The keys of nodes while they are in use: reloaded, shown, and written into the log. */

import assert from "node:assert/strict";
import { err, ok, type Result } from "../../src/base/mod.ts";
import { fingerprint, publicKeyLine } from "../../src/keys/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";
import {
  KeyRing,
  type KeysView,
  nobody,
  type NodeKey,
  type OwnKey,
  Service,
} from "../../src/service/mod.ts";
import { FakeReplica } from "../support/fake_replica.ts";
import { MemoryLog } from "../support/memory_log.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

const hash = nativeHash();

function nodeKey(node: string, seed: number): NodeKey {
  return { node, key: { bytes: new Uint8Array(32).fill(seed), comment: node } };
}

const [OWN, N2, N2B, N9] = [
  nodeKey("n1", 1),
  nodeKey("n2", 2),
  nodeKey("n2", 22),
  nodeKey("n9", 9),
] as [NodeKey, NodeKey, NodeKey, NodeKey];

function print({ key }: NodeKey): string {
  return fingerprint(hash, key);
}

function setUp(authorised: readonly NodeKey[]) {
  const replica = new FakeReplica();
  const log = new MemoryLog();
  const used: string[] = [];
  const given: { next: Result<readonly NodeKey[], string>; own: Result<OwnKey, string> } = {
    next: ok(authorised),
    own: ok({ privateKeyPem: "old", own: OWN.key }),
  };
  const ring = new KeyRing({
    replica,
    hash,
    log,
    own: OWN.key,
    ownSource: () => given.own,
    source: () => given.next,
    endpoint: {
      use(privateKeyPem) {
        used.push(privateKeyPem);
        return Promise.resolve();
      },
    },
    authorised,
  });
  const service = new Service({ replica, clock: new VirtualClock(), keyRing: ring });
  return { replica, log, given, service, used };
}

function viewOf(service: Service): KeysView {
  const keys = service.keys(nobody);
  assert.ok(keys.ok);
  return keys.value;
}

Deno.test("KeyRing reload() puts the new keys into effect, and audits what has changed", () => {
  const { replica, log, given, service } = setUp([OWN, N2]);
  given.next = ok([OWN, N2B]);
  assert.ok(service.reloadKeys(nobody).ok);
  assert.deepEqual(
    replica.authorised,
    new Map([["n1", [OWN.key.bytes]], ["n2", [N2B.key.bytes]]]),
  );
  assert.deepEqual(log.lines, [
    { level: "info", event: "key authorised", fields: { peer: "n2", key: print(N2B) } },
    { level: "info", event: "key revoked", fields: { peer: "n2", key: print(N2) } },
  ]);
});

Deno.test("KeyRing reload() leaves everything as it was when the keys cannot be read", () => {
  const { replica, log, given, service } = setUp([OWN, N2]);
  given.next = err("keys:3: nonsense");
  const reloaded = service.reloadKeys(nobody);
  assert.ok(!reloaded.ok);
  assert.deepEqual([reloaded.error.code, reloaded.error.effect], ["keysInvalid", "none"]);
  assert.equal(reloaded.error.detail, "keys:3: nonsense; what it is about stays as it was.");
  assert.equal(replica.authorised, undefined);
  assert.equal(log.of("keys not reloaded").length, 1);
  assert.equal(viewOf(service).authorised?.length, 2);
});

Deno.test("KeyRing reload() changes this node's own key, then moves its links", async () => {
  const next = nodeKey("n1", 11);
  const { replica, log, given, service, used } = setUp([OWN, N2]);
  given.next = ok([OWN, next, N2]);
  given.own = ok({ privateKeyPem: "new", own: next.key });
  assert.ok(service.reloadKeys(nobody).ok);
  await Promise.resolve();
  assert.deepEqual([used, replica.renewals], [["new"], 1]);
  assert.equal(viewOf(service).own, publicKeyLine(next.key));
  assert.equal(log.of("own key changed").length, 1);
  assert.ok(service.reloadKeys(nobody).ok);
  await Promise.resolve();
  assert.deepEqual([used, replica.renewals], [["new"], 1], "once");
});

Deno.test("KeyRing reload() keeps the old key of its own while the new one is no good", async () => {
  const next = nodeKey("n1", 11);
  const bad: Result<OwnKey, string>[] = [
    ok({ privateKeyPem: "new", own: next.key }),
    err("node.key has mode 0644"),
  ];
  for (const own of bad) {
    const { replica, given, service, used } = setUp([OWN, N2]);
    given.next = ok([OWN, N2B]);
    given.own = own;
    const reloaded = service.reloadKeys(nobody);
    assert.ok(!reloaded.ok && reloaded.error.code === "keysInvalid");
    await Promise.resolve();
    assert.deepEqual([used, replica.renewals], [[], 0]);
    assert.equal(viewOf(service).own, publicKeyLine(OWN.key));
    assert.deepEqual(replica.authorised?.get("n2"), [N2B.key.bytes], "what was revoked is");
  }
});

Deno.test("KeyRing view() says which key is whose, and which is in use", () => {
  const { replica, service } = setUp([OWN, N2, N2B, N9]);
  replica.linkPeers = [{
    id: "n2",
    proven: N2B.key.bytes,
    dialed: null,
    isUp: false,
    trouble: "no answer",
  }];
  const view = viewOf(service);
  assert.deepEqual(
    view.authorised?.map(({ node, fingerprint, state }) => [node, fingerprint, state]),
    [
      ["n1", print(OWN), "own"],
      ["n2", print(N2), "absent"],
      ["n2", print(N2B), "proven"],
      ["n9", print(N9), "unknown"],
    ],
  );
  assert.deepEqual(view.links, [{ node: "n2", up: false, trouble: "no answer" }]);
  assert.equal(view.own, publicKeyLine(OWN.key));
});

Deno.test("KeyRing view() shows a key in use for as long as one link rests on it", () => {
  const { replica, service } = setUp([OWN, N2, N2B]);
  const [proven, dialed] = [N2B.key.bytes, N2.key.bytes];
  replica.linkPeers = [{ id: "n2", proven, dialed, isUp: true, trouble: null }];
  const states = viewOf(service).authorised?.map(({ state }) => state);
  assert.deepEqual(states, ["own", "proven", "proven"]);
});

Deno.test("KeyRing warns when this node's own key is missing, since the others would shut it out", () => {
  const { log } = setUp([N2]);
  assert.equal(log.of("this node's own key is not among the authorised ones").length, 1);
});

Deno.test("Service without keys says so, and has none to reload", () => {
  const service = new Service({ replica: new FakeReplica(), clock: new VirtualClock() });
  assert.deepEqual(viewOf(service), { node: "n1", keyed: false });
  const reloaded = service.reloadKeys(nobody);
  assert.ok(!reloaded.ok);
  assert.equal(reloaded.error.code, "keysAbsent");
});
