/** KevaClient.list() and txn(): what is asked, and what is made of the answers. */

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/mod.ts";
import { KevaClient, type ListOptions } from "../../src/client/mod.ts";
import { done, fakeCluster, problem, type Step } from "./fake_cluster.ts";

function client(...steps: Step[]) {
  const cluster = fakeCluster(...steps);
  const keva = new KevaClient({ endpoints: ["h"], fetch: cluster.fetch, discover: false });
  const targets = () =>
    cluster.calls.map(({ url }) => url.replace(/^http:\/\/h:380|&timeout=.*$|\?timeout=.*$/g, ""));
  return { keva, targets, calls: cluster.calls };
}

function page(keys: readonly string[], next64?: string): Response {
  const items = keys.map((key) => ({ key, revision: 3, contentType: "t", bytes: 5 }));
  return Response.json({ revision: 9, consistency: "linearizable", items, next64 });
}

async function keysOf(keva: KevaClient, options: ListOptions): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of keva.list(options)) keys.push(new TextDecoder().decode(key));
  return keys;
}

Deno.test("KevaClient.list() goes on where the page before ended, and ends where none follows", async () => {
  const { keva, targets } = client(page(["a/1", "a/2"], "YS8y"), page([], "YS85"), page(["a/ä"]));
  assert.deepEqual(await keysOf(keva, { prefix: "a/", after: "a/0" }), ["a/1", "a/2", "a/ä"]);
  assert.deepEqual(targets(), [
    "/v1/storage/keys?prefix=a%2F&after=a%2F0&limit=1000",
    "/v1/storage/keys?prefix=a%2F&after64=YS8y&limit=1000",
    "/v1/storage/keys?prefix=a%2F&after64=YS85&limit=1000",
  ]);
});

Deno.test("KevaClient.list() asks for no more than is wanted, and for no page that nobody reads", async () => {
  const limited = client(page(["a", "b"], "Yg"), page(["c"], "Yw"));
  assert.deepEqual(await keysOf(limited.keva, { limit: 3, pageItems: 2 }), ["a", "b", "c"]);
  assert.deepEqual(limited.targets(), [
    "/v1/storage/keys?limit=2",
    "/v1/storage/keys?after64=Yg&limit=1",
  ]);
  const left = client(page(["a", "b"], "Yg"));
  for await (const { key } of left.keva.list()) {
    assert.deepEqual(key, utf8("a"));
    break;
  }
  assert.equal(left.calls.length, 1);
});

Deno.test("KevaClient.list() gives bytes as they are, with values where they are wanted", async () => {
  const item = {
    keyBase64: "AP8=",
    revision: 7,
    contentType: "",
    expiresMs: 99,
    bytes: 1,
    valueBase64: "/w==",
  };
  const { keva, targets } = client(Response.json({ revision: 9, items: [item] }));
  const start = Uint8Array.of(0, 255);
  const listed = [];
  const options = { start, end: "", reverse: true, values: true, consistency: "stale" } as const;
  for await (const one of keva.list(options)) listed.push(one);
  assert.deepEqual(listed, [
    {
      key: start,
      revision: 7,
      contentType: "",
      expiresMs: 99,
      bytes: 1,
      value: Uint8Array.of(255),
    },
  ]);
  assert.deepEqual(targets(), [
    "/v1/storage/keys?start64=AP8&end=&reverse=true&values=true&consistency=stale&limit=1000",
  ]);
});

Deno.test("KevaClient.txn() writes bytes and numbers so that nothing of them is lost", async () => {
  const results = [
    { found: true, revision: 3, contentType: "t", expiresMs: 99, value: "x" },
    { found: false },
    { existed: true },
    { deleted: 2 },
    { value: "-9223372036854775808" },
    { bytes: 4 },
  ];
  const { keva, calls } = client(done({ revision: 12, branch: "else", failedCheck: 1, results }));
  const answer = await keva.txn({
    checks: [{ check: "value", key: "ä", value: Uint8Array.of(255) }],
    then: [{ op: "sum", key: "n", value: -(2n ** 63n) }, { op: "max", key: "n", value: 7 }],
    else: [{ op: "delete-range", prefix: Uint8Array.of(0) }],
  });
  assert.deepEqual(JSON.parse(new TextDecoder().decode(calls[0]?.body ?? undefined)), {
    checks: [{ check: "value", key: "ä", valueBase64: "/w==" }],
    then: [
      { op: "sum", key: "n", value: "-9223372036854775808" },
      { op: "max", key: "n", value: 7 },
    ],
    else: [{ op: "delete-range", prefixBase64: "AA==" }],
  });
  assert.deepEqual(answer, {
    revision: 12,
    branch: "else",
    failedCheck: 1,
    results: [
      {
        kind: "got",
        item: { value: utf8("x"), contentType: "t", expiresMs: 99, revision: 3 },
      },
      { kind: "got", item: null },
      { kind: "changed", existed: true },
      { kind: "deleted", count: 2 },
      { kind: "number", value: -(2n ** 63n) },
      { kind: "appended", bytes: 4 },
    ],
  });
});

Deno.test("KevaClient.txn() is sent again under its key alone, and not at all without one", async () => {
  const answer = () => done({ revision: 3, branch: "then", results: [] });
  const named = client("reset", answer());
  assert.equal((await named.keva.txn({})).revision, 3);
  const keys = named.calls.map(({ headers }) => headers.get("idempotency-key"));
  assert.ok(keys[0] !== null && keys[0] === keys[1]);
  const { keva, calls } = client("reset");
  await assert.rejects(keva.txn({}, { idempotencyKey: null }), { effect: "unknown" });
  assert.equal(calls.length, 1);
  const refused = client(problem(409, { code: "stepFailed", effect: "none", detail: "then[0]" }));
  await assert.rejects(refused.keva.txn({}), { code: "stepFailed", effect: "none" });
});
