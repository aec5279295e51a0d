/**
 * Whole nodes on simulated ports: writes and reads through every node, and what becomes of them
 * when nodes, links and disks fail.
 */

import assert from "node:assert/strict";
import { countOf, limits, utf8 } from "../../src/base/mod.ts";
import { ELECTION_TIMEOUT_MS, SimCluster } from "../support/sim_cluster.ts";

Deno.test("cluster: a write at any node is read at every node at once", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  for (const [position, writer] of cluster.ids.entries()) {
    const value = `value ${position}`;
    assert.equal((await cluster.put(writer, "key", value)).ok, true);
    for (const reader of cluster.ids) assert.equal(await cluster.get(reader, "key"), value);
  }
});

Deno.test("cluster: one node alone waits for its own disk before it answers", async () => {
  const cluster = await SimCluster.started({ nodes: 1 });
  cluster.disk("n1").holdSyncs();
  const offered = cluster.offer("n1", "key", "value");
  let answered = false;
  void offered.then(() => answered = true);
  await cluster.clock.advance(500);
  assert.equal(answered, false);
  assert.equal(cluster.peek("n1", "key"), undefined);
  cluster.disk("n1").releaseSyncs();
  assert.equal((await cluster.wait(offered)).ok, true);
});

Deno.test("cluster: no write is acknowledged before a majority has synced it", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const leader = await cluster.leader();
  const followers = cluster.ids.filter((id) => id !== leader);
  for (const id of followers) cluster.disk(id).holdSyncs();
  const offered = cluster.offer(leader, "key", "value");
  let answered = false;
  void offered.then(() => answered = true);
  await cluster.clock.advance(500);
  assert.equal(answered, false, "the leader's own sync is no majority");
  cluster.disk(followers[0] as string).releaseSyncs();
  assert.equal((await cluster.wait(offered)).ok, true);
});

Deno.test("cluster: writes at a follower leave together with what it acknowledges next", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const [leader, follower] = [await cluster.leader(), await cluster.follower()];
  const forwarded = () => cluster.node(follower).metrics().writes.forwardCommands;
  cluster.disk(follower).holdSyncs();
  await cluster.wait(cluster.offer(leader, "a", "1"));
  const puts = [cluster.offer(follower, "b", "2")];
  await cluster.clock.advance(limits.forwardGatherMsMax / 2);
  puts.push(cluster.offer(follower, "c", "3"));
  assert.equal(forwarded().sum, 0);
  cluster.disk(follower).releaseSyncs();
  await cluster.wait(Promise.all(puts));
  assert.deepEqual([countOf(forwarded()), forwarded().sum], [1, 2]);
});

Deno.test("cluster: a follower's disk that hangs holds up nobody's writes", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const [leader, follower] = [await cluster.leader(), await cluster.follower()];
  cluster.disk(follower).holdSyncs();
  await cluster.wait(cluster.offer(leader, "a", "1"));
  const startedAt = cluster.clock.now();
  for (const key of ["b", "c"]) {
    assert.equal((await cluster.wait(cluster.offer(follower, key, "2"))).ok, true);
  }
  const tookMs = cluster.clock.now() - startedAt;
  assert.ok(tookMs < ELECTION_TIMEOUT_MS / 4, `${tookMs} ms`);
});

Deno.test("cluster: a leader's crash loses nothing and stops writes for less than two timeouts", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const leader = await cluster.leader();
  const survivor = await cluster.follower();
  assert.equal((await cluster.put(survivor, "before", "1")).ok, true);
  const crashedAt = cluster.clock.now();
  cluster.crash(leader);
  await putUntilDone(cluster, survivor, "after", "2");
  const gapMs = cluster.clock.now() - crashedAt;
  assert.ok(gapMs < 2 * ELECTION_TIMEOUT_MS, `${gapMs} ms`);
  await cluster.start(leader);
  for (const id of cluster.ids) {
    assert.equal(await cluster.get(id, "before"), "1");
    assert.equal(await cluster.get(id, "after"), "2");
  }
});

Deno.test("cluster: all nodes crash at once and come back with every acknowledged write", async () => {
  const cluster = await SimCluster.started({ nodes: 3, seed: 7 });
  for (let round = 0; round < 5; round++) {
    for (const id of cluster.ids) {
      assert.equal((await cluster.put(id, `${id}/${round}`, `${round}`)).ok, true);
    }
    for (const id of cluster.ids) cluster.crash(id, "random");
    for (const id of cluster.ids) assert.equal((await cluster.start(id)).ok, true);
    await cluster.ready();
    for (const id of cluster.ids) {
      for (let written = 0; written <= round; written++) {
        assert.equal(await cluster.get("n1", `${id}/${written}`), `${written}`);
      }
    }
  }
});

Deno.test("cluster: a minority refuses reads, and writes that waited there had no effect", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const leader = await cluster.leader();
  const others = cluster.ids.filter((id) => id !== leader);
  cluster.network.partition([leader], others);
  const offered = cluster.offer(leader, "key", "minority", 3_000);
  await cluster.clock.advance(2_500); // long enough for the old leader to notice
  const late = await cluster.put(leader, "key", "late", 500);
  assert.ok(!late.ok && late.error.code === "noLeader" && late.error.effect === "none");
  const read = await cluster.get(leader, "key", 500);
  assert.ok(typeof read === "object" && read.code === "noLeader");
  const lost = await cluster.wait(offered);
  assert.ok(!lost.ok && lost.error.effect === "unknown", "it may sit in the old leader's log");
  assert.equal((await cluster.put(others[0] as string, "key", "majority")).ok, true);
  cluster.network.heal();
  await cluster.ready();
  assert.equal(await cluster.get(leader, "key"), "majority");
});

Deno.test("cluster: a deposed leader's pending write ends as overwritten, with effect none", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const leader = await cluster.leader();
  const others = cluster.ids.filter((id) => id !== leader);
  cluster.network.partition([leader], others);
  const offered = cluster.offer(leader, "key", "minority", 20_000);
  await cluster.clock.advance(3_000);
  assert.equal((await cluster.put(others[0] as string, "key", "majority")).ok, true);
  cluster.network.heal();
  const outcome = await cluster.wait(offered);
  assert.ok(!outcome.ok && outcome.error.code === "leaderChanged");
  assert.equal(outcome.error.effect, "none");
  assert.equal(await cluster.get(leader, "key"), "majority");
});

Deno.test("cluster: of a deposed leader's pending writes none waits for its deadline", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const leader = await cluster.leader();
  const others = cluster.ids.filter((id) => id !== leader);
  cluster.network.partition([leader], others);
  const offered = [1, 2, 3, 4, 5].map((n) => cluster.offer(leader, `key ${n}`, "lost", 60_000));
  await cluster.clock.until(() => others.some((id) => cluster.node(id).status().role === "leader"));
  const healedAt = cluster.clock.now();
  cluster.network.heal();
  // The new leader has one entry to put in the place of five, and nobody writes any more.
  for (const outcome of await cluster.wait(Promise.all(offered))) {
    assert.ok(!outcome.ok && outcome.error.effect === "none");
  }
  assert.ok(cluster.clock.now() - healedAt < 5 * ELECTION_TIMEOUT_MS);
});

Deno.test("cluster: whose links break, and come back one by one, leaves no write waiting", async () => {
  const cluster = await SimCluster.started({ nodes: 3, conditions: { delayMsMax: 20 } });
  const leader = await cluster.leader();
  const origin = await cluster.follower();
  for (let round = 0; round < 10; round++) {
    cluster.network.reset(leader, origin);
    const offered = [];
    for (let n = 0; n < 200; n++) {
      offered.push(cluster.offer(origin, `key ${n}`, `${round}`, 60_000));
      await cluster.clock.advance(1);
    }
    const startedAt = cluster.clock.now();
    await cluster.wait(Promise.all(offered));
    assert.ok(cluster.clock.now() - startedAt < 5 * ELECTION_TIMEOUT_MS, `round ${round}`);
  }
});

Deno.test("cluster: a follower that missed a compaction comes back by snapshot", async () => {
  const cluster = await SimCluster.started({
    nodes: 3,
    snapshotEntries: 1_000,
    segmentBytes: 65_536,
  });
  const absent = await cluster.follower();
  cluster.crash(absent);
  const writer = cluster.running[0] as string;
  const value = "x".repeat(64);
  for (let n = 0; n < 60; n++) {
    const offered = Array.from({ length: 100 }, (_, i) => {
      return cluster.offer(writer, `key ${n * 100 + i}`, value);
    });
    const outcomes = await cluster.wait(Promise.all(offered));
    assert.ok(outcomes.every((outcome) => outcome.ok));
  }
  const { firstIndex } = cluster.node(await cluster.leader()).status();
  assert.ok(firstIndex > 1, "the log was compacted");
  await cluster.start(absent);
  await cluster.converged();
  assert.equal(new Set(cluster.digests()).size, 1);
  assert.ok(cluster.node(absent).status().snapshotIndex > 1);
  assert.equal(await cluster.get(absent, "key 5999"), value);
  cluster.crash(absent, "random");
  assert.equal((await cluster.start(absent)).ok, true);
  await cluster.converged();
  assert.equal(new Set(cluster.digests()).size, 1, "and restarts from the snapshot it received");
});

Deno.test("cluster: nodes take their snapshots in turn", async () => {
  const cluster = await SimCluster.started({ nodes: 3, snapshotEntries: 300 });
  const taken = new Map<string, Set<number>>(cluster.ids.map((id) => [id, new Set()]));
  for (let n = 0; n < 60; n++) {
    const offered = Array.from({ length: 20 }, (_, i) => cluster.offer("n1", `${i}`, `${n}`));
    await cluster.wait(Promise.all(offered));
    await cluster.converged();
    for (const [id, indexes] of taken) indexes.add(cluster.node(id).status().snapshotIndex);
  }
  const phases = cluster.ids.map((id) =>
    [...taken.get(id) as Set<number>].filter((index) => index > 0).map((index) => index % 300)
  );
  for (const [rank, offset] of [0, 200, 100].entries()) {
    assert.ok((phases[rank] as number[]).length >= 3);
    for (const phase of phases[rank] as number[]) {
      assert.ok(phase >= offset && phase < offset + 50, `n${rank + 1} at ${phase}`);
    }
  }
});

Deno.test("cluster: the larger the state, the more of the log a snapshot waits for", async () => {
  const cluster = await SimCluster.started({ nodes: 1, snapshotBytes: 64 * 1024 });
  const value = "x".repeat(4096);
  const snapshotsDuring = async (keys: number, writes: number): Promise<number> => {
    const taken = new Set<number>();
    for (let n = 0; n < writes; n++) {
      await cluster.put("n1", `key ${n % keys}`, value);
      await cluster.clock.advance(50); // enough to write one
      taken.add(cluster.node("n1").status().snapshotIndex);
    }
    return taken.size - 1;
  };
  // A state of 64 KiB, then one of 1 MiB: some 15 entries for each snapshot, then four times as many.
  const small = await snapshotsDuring(8, 256);
  await snapshotsDuring(256, 256);
  const large = await snapshotsDuring(256, 256);
  assert.ok(small >= 14 && small <= 16, `${small}`);
  assert.ok(large >= 2 && large <= 4, `${large}`);
});

Deno.test("cluster: a leader that stops hands over, and no write fails meanwhile", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  for (let round = 0; round < 3; round++) {
    const leader = await cluster.leader();
    const survivor = await cluster.follower();
    const offered = [1, 2, 3].map((n) => cluster.offer(survivor, `key ${n}`, `${round}`));
    const stoppedAt = cluster.clock.now();
    await cluster.stop(leader);
    for (const one of offered) assert.equal((await cluster.wait(one)).ok, true);
    assert.equal((await cluster.put(survivor, "after", `${round}`)).ok, true);
    assert.ok(cluster.clock.now() - stoppedAt < ELECTION_TIMEOUT_MS / 2);
    assert.equal((await cluster.start(leader)).ok, true);
    await cluster.ready();
  }
});

Deno.test("cluster: a leader whose disk is full hands over, and takes writes again with space", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const full = await cluster.leader();
  cluster.disk(full).faults.capacityBytes = cluster.disk(full).usedBytes;
  // Larger than the room that the log has taken already.
  const first = await cluster.put(full, "key", "during ".repeat(50_000), 10_000);
  assert.ok(first.ok || first.error.effect !== "none" || first.error.code === "diskFull");
  await cluster.clock.until(() => cluster.node(full).status().role !== "leader");
  const other = cluster.running.find((id) => id !== full) as string;
  assert.equal((await cluster.put(other, "key", "other", 10_000)).ok, true);
  cluster.disk(full).faults.capacityBytes = Infinity;
  await cluster.clock.until(() => !cluster.node(full).status().diskFull);
  assert.equal((await cluster.put(full, "key", "after", 10_000)).ok, true);
  await cluster.converged();
  assert.equal(new Set(cluster.digests()).size, 1);
});

Deno.test("cluster: an answer to the process before settles nothing of the one after it (N7)", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const leader = await cluster.leader();
  const [origin, other] = cluster.ids.filter((id) => id !== leader) as [string, string];
  cluster.crash(other); // so that only the origin can complete the leader's majority
  cluster.disk(origin).holdSyncs();
  void cluster.offer(origin, "before", "1");
  await cluster.clock.until(() =>
    cluster.node(leader).consensus.last.index > cluster.node(leader).consensus.commit
  );
  cluster.crash(origin);
  assert.equal((await cluster.start(origin)).ok, true);
  const after = cluster.offer(origin, "after", "2");
  const outcome = await cluster.wait(after);
  assert.ok(outcome.ok && outcome.value.kind === "applied");
  await cluster.converged();
  const item = cluster.node(origin).state.get(utf8("after"));
  assert.equal(outcome.value.revision, item?.revision, "the answer is of the very write");
  assert.equal(cluster.peek(origin, "before"), "1");
});

Deno.test("cluster: a failed sync ends the node with its reason; the others go on", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  const broken = await cluster.leader();
  cluster.disk(broken).faults.failSync = () => true;
  void cluster.offer(broken, "key", "1");
  await cluster.clock.until(() => cluster.halted.has(broken));
  assert.match(cluster.halted.get(broken) as string, /sync/);
  const other = cluster.running[0] as string;
  await putUntilDone(cluster, other, "key", "2");
});

Deno.test("cluster: another cluster's or another node's directory is refused", async () => {
  const cluster = await SimCluster.started({ nodes: 1 });
  const again = await cluster.start("n1");
  assert.ok(!again.ok);
  assert.match(again.error.reason, /in use by another process/);
});

Deno.test("cluster: the same seed gives the same run", async () => {
  const run = async () => {
    const cluster = await SimCluster.started({ nodes: 3, seed: 42 });
    cluster.crash(await cluster.leader());
    await cluster.put(cluster.running[0] as string, "key", "value", 10_000);
    return [...cluster.logged.values()].flat().join("\n") + cluster.clock.now();
  };
  assert.equal(await run(), await run());
});

/** A write that was under way when the leader ended may have any fate, so it is sent again. */
async function putUntilDone(
  cluster: SimCluster,
  id: string,
  key: string,
  value: string,
): Promise<void> {
  for (let tries = 0; tries < 10; tries++) {
    const outcome = await cluster.put(id, key, value);
    if (outcome.ok) return;
    assert.equal(outcome.error.effect, "unknown");
  }
  assert.fail("no leader was found");
}
