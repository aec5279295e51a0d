/** What a node counts, and what its status makes of it. */

import assert from "node:assert/strict";
import { countOf } from "../../src/base/mod.ts";
import { SimCluster } from "../support/sim_cluster.ts";

Deno.test("Node.metrics() of the leader tells how far behind each follower is", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const leader = cluster.node(await cluster.leader());
  const [lagging, other] = cluster.ids.filter((id) => id !== leader.id) as [string, string];
  await cluster.converged();
  cluster.disk(lagging).holdSyncs();
  for (let i = 0; i < 5; i++) await cluster.put(leader.id, `key ${i}`, "value");
  await cluster.clock.advance(100);
  const { status, raft } = leader.metrics();
  assert.equal(raft.matched.get(other), status.lastIndex);
  assert.equal(raft.matched.get(lagging), status.lastIndex - 5);
  assert.equal(cluster.node(other).metrics().raft.matched.size, 0, "a follower does not know");
  cluster.disk(lagging).releaseSyncs();
});

Deno.test("Node.metrics() counts forwards where they start and proposals where they end", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const leader = cluster.node(await cluster.leader());
  const follower = cluster.node(await cluster.follower());
  const before = leader.metrics().writes.proposals;
  const puts = ["a", "b", "c"].map((key) => cluster.offer(follower.id, key, "value"));
  await cluster.wait(Promise.all(puts));
  const { forwardCommands } = follower.metrics().writes;
  assert.deepEqual([countOf(forwardCommands), forwardCommands.sum], [1, 3]);
  assert.equal(leader.metrics().writes.proposals - before, 3);
  const { appendEntries } = leader.metrics().raft;
  assert.ok(appendEntries.sum >= 6, "three to each of two followers");
  assert.equal(countOf(follower.metrics().raft.appendEntries), 0);
});

Deno.test("Node.metrics() counts elections and changes of leader", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const leader = await cluster.leader();
  const elected = cluster.ids.map((id) => cluster.node(id).metrics().raft);
  assert.equal(elected.reduce((sum, { elections }) => sum + elections, 0), 1);
  assert.deepEqual(elected.map(({ leaderChanges }) => leaderChanges), [1, 1, 1]);
  cluster.crash(leader);
  await cluster.leader();
  await cluster.ready();
  for (const id of cluster.running) {
    assert.equal(cluster.node(id).metrics().raft.leaderChanges, 2, id);
  }
});

Deno.test("Node.metrics() knows which links are up", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  assert.deepEqual(cluster.node("n1").metrics().links.up, new Map([["n2", true], ["n3", true]]));
  cluster.kill("n3");
  await cluster.clock.advance(100);
  assert.deepEqual(cluster.node("n1").metrics().links.up, new Map([["n2", true], ["n3", false]]));
});

Deno.test("Node.metrics() counts snapshots", async () => {
  const cluster = await SimCluster.started({ nodes: 1, snapshotEntries: 20 });
  const snapshots = () => cluster.node("n1").metrics().snapshots;
  assert.deepEqual([countOf(snapshots().durationMs), snapshots().lastBytes], [0, undefined]);
  for (let i = 0; i < 50; i++) await cluster.put("n1", `key ${i}`, "value");
  await cluster.clock.until(() => countOf(snapshots().durationMs) === 2);
  assert.ok(snapshots().lastBytes as number > 0);
  assert.deepEqual([snapshots().failed, snapshots().received], [0, 0]);
});

Deno.test("Node.metrics() shows how late the process got to its work", async () => {
  const cluster = await SimCluster.started({ nodes: 1 });
  const late = () => {
    const { counts, bounds } = cluster.node("n1").metrics().loopDelayMs;
    return counts.reduce((sum, count, at) => (bounds[at - 1] ?? 0) >= 200 ? sum + count : sum, 0);
  };
  await cluster.clock.advance(1_000);
  assert.equal(late(), 0);
  cluster.host("n1").pause();
  await cluster.clock.advance(400);
  cluster.host("n1").resume();
  await cluster.clock.advance(1_000);
  assert.equal(late(), 1, "one stall, one late tick");
});

Deno.test("Node.status() tells of the disk and the loop as they have been lately", async () => {
  const cluster = await SimCluster.started({ nodes: 1 });
  const { clock } = cluster;
  const status = () => cluster.node("n1").status();
  cluster.disk("n1").holdSyncs();
  const put = cluster.offer("n1", "key", "value");
  await clock.advance(300);
  cluster.disk("n1").releaseSyncs();
  await cluster.wait(put);
  assert.ok(status().fsyncP99Ms as number > 200);
  assert.ok(status().loopDelayP99Ms as number < 1);
  await clock.advance(150_000);
  assert.equal(status().fsyncP99Ms, undefined, "nothing was written for two minutes");
});
