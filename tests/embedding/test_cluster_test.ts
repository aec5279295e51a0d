/** Clusters in memory, as the tests of other programs use them. */

import assert from "node:assert/strict";
import { createTestCluster, KevaError, type WatchEvent } from "../../src/mod.ts";

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

Deno.test("createTestCluster() is a cluster: what one node took, every node gives", async () => {
  const cluster = await createTestCluster(3);
  try {
    const [n1, n2, n3] = cluster.names.map((name) => cluster.node(name).client());
    const { revision } = await n1!.put("k", "v");
    for (const client of [n1, n2, n3]) {
      const item = await client!.get("k");
      assert.deepEqual([text(item?.value), item?.revision], ["v", revision]);
    }
    const binary = Uint8Array.from({ length: 256 }, (_, i) => i);
    await n2!.put(binary, binary);
    assert.deepEqual((await n3!.get(binary))?.value, binary);
    for (const key of ["..", "a//b", "a b?c#d", "%2e"]) {
      await n1!.put(key, key);
      assert.equal(text((await n2!.get(key))?.value), key);
    }
    const refused = n3!.put("k", "w", { ifRevision: 0 });
    await assert.rejects(refused, { code: "conditionFailed", effect: "none", revision });
    assert.equal((await n1!.status()).members.length, 3);
  } finally {
    await cluster.close();
  }
});

Deno.test("TestCluster.client() goes on when the leader stops, and so does its watch", async () => {
  const cluster = await createTestCluster(3);
  const keva = cluster.client();
  try {
    const events = keva.watch({ prefix: "a/", initial: true });
    assert.equal((await next(events)).kind, "synced");
    await keva.put("a/1", "one");
    const before = await cluster.leader();
    await cluster.stop(before);
    await keva.put("a/2", "two");
    assert.notEqual(await cluster.leader(), before);
    const told = [await next(events), await next(events)];
    assert.deepEqual(told.map((event) => "value" in event && text(event.value)), ["one", "two"]);

    await cluster.start(before);
    const back = cluster.node(before).client();
    assert.equal(text((await back.get("a/2"))?.value), "two");
    await events.return();
  } finally {
    await keva.close();
    await cluster.close();
  }
});

Deno.test("a test cluster without a majority refuses, and a node that stopped is not there", async () => {
  const cluster = await createTestCluster(3);
  try {
    const leader = await cluster.leader();
    const [first, second] = cluster.names.filter((name) => name !== leader) as [string, string];
    const client = cluster.node(first).client();
    await cluster.stop(first);
    await assert.rejects(client.get("k"), { code: "unreachable", effect: "none" });
    await cluster.stop(second);
    const alone = cluster.node(leader).client();
    const late = await alone.put("k", "v", { timeoutMs: 300 }).then(() => null, (error) => error);
    assert.ok(late instanceof KevaError);
    assert.throws(() => cluster.node(first), /does not run/);
    await assert.rejects(cluster.start("n9"), /is no node here/);
    await assert.rejects(cluster.start(leader), /runs already/);
  } finally {
    await cluster.close();
  }
});

async function next(events: AsyncGenerator<WatchEvent>): Promise<WatchEvent> {
  while (true) {
    const { value } = await events.next();
    assert.ok(value, "the watch has ended");
    if (value.kind !== "progress") return value;
  }
}
