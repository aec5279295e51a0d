/** Items that go by themselves, on real processes: their time outlives leaders and whole clusters. */

import assert from "node:assert/strict";
import { type Cluster, clusterTest, type Node } from "./support/cluster.ts";
import { bytesOf, get, keyTarget, put, textOf } from "./support/kv.ts";
import { until } from "./support/wait.ts";

/** A tick and a write, on a machine that has much else to do. */
const LATE_MS_MAX = 3_000;
const STALE = "?consistency=stale";
const MANY = 20_000;
const BATCH = 125;
/** Long enough to store them all. */
const MANY_SECONDS = 15;

async function store(node: Node, key: string, seconds: number): Promise<void> {
  const target = `${keyTarget(bytesOf(key))}?ttl=${seconds}`;
  const { status, body } = await node.client.request("PUT", target, { body: bytesOf("1") });
  assert.equal(status, 200, textOf(body));
}

/** When the item is gone from the memory of all nodes that run. */
async function goneAt(cluster: Cluster, key: string): Promise<number> {
  const seen = await Promise.all(
    cluster.running.map((node) =>
      until(`${key} gone from ${node.name}`, async () => {
        const value = await get(node.client, bytesOf(key), STALE);
        return value === null && Date.now();
      }, 30_000)
    ),
  );
  assert.ok(seen.length >= 2, "a majority runs");
  return Math.min(...seen);
}

clusterTest("expiry: what is left of a lifetime outlives a killed leader and a killed cluster", {
  waitTime: 1,
}, async ({ cluster }) => {
  await cluster.start();
  const leader = await cluster.leader();
  const startedMs = Date.now();
  await store(leader, "short", 4);
  await store(leader, "long", 3_600);
  await leader.kill();
  const tookMs = await goneAt(cluster, "short") - startedMs;
  assert.ok(tookMs >= 4_000 && tookMs < 4_000 + LATE_MS_MAX, `gone after ${tookMs} ms`);

  const again = Date.now();
  await store(await cluster.leader(), "over the night", 5);
  await Promise.all(cluster.running.map((node) => node.kill()));
  await cluster.start();
  const nightMs = await goneAt(cluster, "over the night") - again;
  assert.ok(nightMs >= 5_000, `gone after ${nightMs} ms`);
  console.log(`4 s over a killed leader: ${tookMs} ms; 5 s over a restart of all: ${nightMs} ms`);
  for (const { client } of cluster.nodes) {
    assert.equal(textOf(await get(client, bytesOf("long")) ?? bytesOf("none")), "1");
  }
  const statuses = await cluster.settled();
  assert.equal(new Set(statuses.map(({ digest }) => digest)).size, 1, "digests differ");
});

clusterTest("expiry: many that are due at once go while writes go on", {}, async ({ cluster }) => {
  await cluster.start();
  const { client } = await cluster.leader();
  for (let from = 0; from < MANY; from += BATCH) {
    const steps = Array.from({ length: BATCH }, (_, at) => (
      { op: "put", key: `many/${from + at}`, value: "1", ttl: MANY_SECONDS }
    ));
    const body = bytesOf(JSON.stringify({ then: steps }));
    const { status } = await client.request("POST", "/v1/storage/txn", { body });
    assert.equal(status, 200);
  }
  let slowestMs = 0;
  const itemsLeft = async () => (await (await cluster.leader()).status())?.items ?? MANY;
  assert.ok(await itemsLeft() > MANY / 2, "they were stored before they were due");
  await until("all of them gone", async () => {
    const startedMs = performance.now();
    assert.equal((await put(client, bytesOf("other"), bytesOf("1"))).effect, "done");
    slowestMs = Math.max(slowestMs, performance.now() - startedMs);
    return await itemsLeft() === 1;
  }, (MANY_SECONDS + 15) * 1_000);
  console.log(`${MANY} items went; the slowest write meanwhile took ${slowestMs.toFixed(0)} ms`);
});
