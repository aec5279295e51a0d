/** Items that go by themselves, on whole nodes: when, through failures, and without holding up. */

import assert from "node:assert/strict";
import { limits, type Result, utf8 } from "../../src/base/mod.ts";
import type { Lifetime } from "../../src/kv/mod.ts";
import { SimCluster } from "../support/sim_cluster.ts";

/** A tick, and a command's way through the log. */
const LATE_MS_MAX = 250;

async function put(cluster: SimCluster, key: string, lifetime: Lifetime): Promise<void> {
  const put = { kind: "put", key: utf8(key), value: utf8("1"), contentType: "", lifetime } as const;
  const id = await cluster.follower();
  const outcome = cluster.node(id).execute(
    { checks: [], mutations: [put] },
    cluster.clock.now() + 5_000,
  );
  valueOf(await cluster.wait(outcome));
}

function valueOf<T>(result: Result<T, unknown>): T {
  assert.ok(result.ok);
  return result.value;
}

function present(cluster: SimCluster, key: string): boolean[] {
  return cluster.running.map((id) => cluster.peek(id, key) !== undefined);
}

Deno.test("expiry: an item goes on all nodes, soon after its time and never before", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const writtenMs = cluster.clock.now();
  await put(cluster, "a", { afterMs: 10_000 });
  await cluster.converged();
  await cluster.clock.advance(writtenMs + 9_999 - cluster.clock.now());
  assert.deepEqual(present(cluster, "a"), [true, true, true]);
  await cluster.clock.until(() => !present(cluster, "a").includes(true));
  assert.ok(cluster.clock.now() - writtenMs < 10_000 + LATE_MS_MAX);
  await cluster.converged();
  assert.equal(new Set(cluster.digests()).size, 1);
});

Deno.test("expiry: what is left of a lifetime survives the leader that took the write", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const writtenMs = cluster.clock.now();
  await put(cluster, "a", { afterMs: 10_000 });
  await cluster.converged();
  await cluster.clock.advance(5_000);
  cluster.crash(await cluster.leader());
  await cluster.clock.advance(writtenMs + 9_999 - cluster.clock.now());
  assert.deepEqual(present(cluster, "a"), [true, true]);
  await cluster.clock.until(() => !present(cluster, "a").includes(true));
  assert.ok(cluster.clock.now() - writtenMs < 10_000 + LATE_MS_MAX);
});

Deno.test("expiry: while all nodes are down time goes on", async () => {
  const cluster = await SimCluster.started({ nodes: 3, snapshotEntries: 3 });
  await put(cluster, "short", { afterMs: 60_000 });
  await put(cluster, "long", { afterMs: 3_600_000 });
  for (let i = 0; i < 10; i++) valueOf(await cluster.put("n1", "other", `${i}`));
  await cluster.converged();
  for (const id of cluster.ids) cluster.crash(id);
  await cluster.clock.advance(120_000);
  for (const id of cluster.ids) valueOf(await cluster.start(id));
  await cluster.ready();
  await cluster.clock.until(() => !present(cluster, "short").includes(true));
  assert.deepEqual(present(cluster, "long"), [true, true, true]);
});

Deno.test("expiry: a leader whose clock is behind takes no time away, only later", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const leader = await cluster.leader();
  for (const id of cluster.ids) if (id !== leader) cluster.host(id).wallOffsetMs = -30_000;
  await put(cluster, "a", { afterMs: 10_000 });
  await cluster.converged();
  cluster.crash(leader);
  await cluster.clock.advance(30_000);
  assert.deepEqual(present(cluster, "a"), [true, true]);
  await cluster.clock.advance(11_000);
  assert.deepEqual(present(cluster, "a"), [false, false]);
});

Deno.test("expiry: many that are due at once go in batches, with writes in between", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const id = await cluster.leader();
  const batch = limits.operationsPerCommandMax;
  const many = 4 * limits.expiriesPerCommandMax;
  const lifetime = { atMs: cluster.host(id).clock.wallTime() + 60_000 };
  for (let at = 0; at < many; at += batch) {
    const mutations = Array.from({ length: Math.min(batch, many - at) }, (_, i) => (
      { kind: "put", key: utf8(`k${at + i}`), value: utf8("1"), contentType: "", lifetime } as const
    ));
    const written = cluster.node(id).execute(
      { checks: [], mutations },
      cluster.clock.now() + 5_000,
    );
    valueOf(await cluster.wait(written));
  }
  const { state } = cluster.node(id);
  assert.equal(state.size, many);
  const revision = state.applied;
  await cluster.clock.until(() => state.size < many);
  assert.equal(state.size, many - limits.expiriesPerCommandMax);
  assert.equal((await cluster.put(id, "other", "1")).ok, true);
  await cluster.clock.until(() => state.size === 1);
  assert.equal(state.applied, revision + 4 + 1);
  await cluster.converged();
  await cluster.clock.advance(10_000);
  assert.equal(state.applied, revision + 4 + 1, "nothing is due, so nothing is said");
});
