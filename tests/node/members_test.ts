/** Members are nodes on their data directories: what becomes of those that come with another one. */

import assert from "node:assert/strict";
import { limits } from "../../src/base/mod.ts";
import { refuseMember } from "../../src/node/members.ts";
import { SimCluster } from "../support/sim_cluster.ts";

/** Long enough for every election, reconnection and complaint. */
const LONG_MS = 90_000;

Deno.test("members: an acknowledged write survives the loss of one disk among sleepers", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  cluster.crash("n3");
  await cluster.ready();
  assert.equal((await cluster.put("n1", "key", "value")).ok, true);
  for (const id of ["n1", "n2"]) cluster.crash(id);
  cluster.wipe("n1");
  for (const id of ["n1", "n3"]) assert.equal((await cluster.start(id)).ok, true);
  for (let time = 0; time < LONG_MS; time += 5_000) {
    await cluster.clock.advance(5_000);
    for (const id of ["n1", "n3"]) {
      assert.equal(cluster.node(id).status().leader, null, `${id} follows somebody`);
    }
  }
  const read = await cluster.get("n3", "key", 500);
  assert.ok(typeof read === "object" && read.code === "noLeader");
  // The third disk, which has it all, makes the majority that n1 cannot.
  await cluster.start("n2");
  await cluster.clock.until(() => cluster.node("n3").status().leader !== null);
  for (const id of ["n2", "n3"]) assert.equal(await cluster.get(id, "key"), "value");
  assert.equal(cluster.node("n1").status().leader, null);
});

Deno.test("members: an emptied node says why it takes no part, and so do the others", async () => {
  const cluster = await SimCluster.started({ nodes: 3 });
  for (const id of cluster.ids) cluster.crash(id);
  cluster.wipe("n1");
  for (const id of cluster.ids) await cluster.start(id);
  await cluster.clock.advance(LONG_MS);
  const { trouble, term, leader } = cluster.node("n1").status();
  assert.match(trouble ?? "", /other nodes turn n1 away \(n2: refused: n1 is bound to data dir/);
  assert.match(trouble ?? "", /its data was lost.*"A node lost its data" in docs\/runbooks\.md/);
  assert.deepEqual({ term, leader }, { term: 0, leader: null });
  const complaints = said(cluster, "n1", /^this node takes no part .*is bound to data directory/);
  assert.ok(complaints >= 1 && complaints <= 2, `${complaints} complaints`);
  for (const id of ["n2", "n3"]) {
    assert.ok(said(cluster, id, /^identity refused .*n1 is bound to data directory/) >= 1);
    assert.equal(cluster.node(id).status().trouble, undefined);
    assert.equal((await cluster.put(id, "key", id)).ok, true);
  }
  const read = await cluster.get("n1", "key", limits.readyTimeoutMs);
  assert.ok(typeof read === "object" && /turn n1 away/.test(read.reason));
});

Deno.test("members: a new cluster serves nothing before all of its nodes were there", async () => {
  const cluster = new SimCluster({ nodes: 3 });
  for (const id of ["n1", "n2"]) await cluster.start(id);
  await cluster.clock.advance(LONG_MS);
  const { trouble, leader } = cluster.node("n1").status();
  assert.equal(leader, null);
  assert.match(trouble ?? "", /is new and needs all of its nodes once: n3 cannot be reached/);
  const written = await cluster.put("n2", "key", "value", 500);
  assert.ok(!written.ok && written.error.effect === "none");
  await cluster.start("n3");
  await cluster.ready();
  for (const id of cluster.ids) assert.equal(cluster.node(id).status().trouble, undefined);
});

Deno.test("members: who was there before the founding is nobody's stand-in after it", async () => {
  // n3 votes and goes before the binding reaches it; n1's disk is lost later.
  const cluster = new SimCluster({ nodes: 3 });
  for (const id of cluster.ids) await cluster.start(id);
  await cluster.clock.until(() => cluster.running.some((id) => isBound(cluster, id)));
  const binder = cluster.running.find((id) => isBound(cluster, id)) as string;
  const [lost, late] = cluster.ids.filter((id) => id !== binder) as [string, string];
  assert.equal(isBound(cluster, late), false);
  cluster.crash(late);
  await cluster.clock.until(() => !cluster.node(lost).consensus.isFounding);
  assert.equal((await cluster.put(binder, "key", "value")).ok, true);
  for (const id of [binder, lost]) cluster.crash(id);
  cluster.wipe(lost);
  for (const id of [lost, late]) await cluster.start(id);
  await cluster.clock.advance(LONG_MS);
  for (const id of [lost, late]) assert.equal(cluster.node(id).status().leader, null);
  await cluster.start(binder);
  assert.equal(await cluster.get(late, "key", 30_000), "value");
});

Deno.test("members: a crash at any moment of the founding delays it and nothing else", async () => {
  for (let moment = 0; moment < 60; moment++) {
    const cluster = new SimCluster({ nodes: 3, seed: 100 + moment });
    for (const id of cluster.ids) await cluster.start(id);
    await cluster.clock.advance(moment * 10);
    const victim = cluster.ids[moment % 3] as string;
    cluster.crash(victim, "random");
    await cluster.clock.advance(500);
    assert.equal((await cluster.start(victim)).ok, true);
    await cluster.ready();
    for (const id of cluster.ids) assert.equal((await cluster.put(id, "key", id)).ok, true);
    const bindings = cluster.ids.map((id) => JSON.stringify(cluster.node(id).membership));
    assert.equal(new Set(bindings).size, 1, `after ${moment * 10} ms`);
  }
});

Deno.test("members: the binding outlives compaction, snapshots and restarts", async () => {
  const cluster = await SimCluster.started({ nodes: 3, snapshotEntries: 50, segmentBytes: 65_536 });
  const before = cluster.node("n1").membership;
  for (let n = 0; n < 20; n++) {
    const offered = Array.from({ length: 600 }, (_, i) => cluster.offer("n1", `k${i}`, `${n}`));
    await cluster.wait(Promise.all(offered));
  }
  await cluster.clock.until(() => cluster.node("n2").status().firstIndex > 3);
  for (let round = 0; round < 2; round++) {
    for (const id of cluster.ids) cluster.crash(id, "random");
    for (const id of cluster.ids) assert.equal((await cluster.start(id)).ok, true);
    await cluster.ready();
  }
  for (const id of cluster.ids) assert.deepEqual(cluster.node(id).membership, before);
  for (const id of cluster.ids) cluster.crash(id);
  cluster.wipe("n2");
  for (const id of cluster.ids) await cluster.start(id);
  await cluster.clock.advance(LONG_MS);
  assert.match(cluster.node("n2").status().trouble ?? "", /turn n2 away/);
  assert.equal(await cluster.get("n3", "k0"), "19");
});

Deno.test("refuseMember() admits members on their directories, and the unbound on any", () => {
  const membership = {
    voters: [{ id: "n1", directory: "aa" }, { id: "n2", directory: "" }],
    learners: [{ id: "n3", directory: "cc" }],
  };
  assert.equal(refuseMember(membership, "n1", "aa"), null);
  assert.equal(refuseMember(membership, "n2", "bb"), null);
  assert.equal(refuseMember(membership, "n3", "cc"), null);
  assert.match(refuseMember(membership, "n1", "bb") ?? "", /n1 is bound to data directory aa, not/);
  assert.match(refuseMember(membership, "n4", "dd") ?? "", /n4 is no member/);
});

function isBound(cluster: SimCluster, id: string): boolean {
  return cluster.node(id).membership.voters.every(({ directory }) => directory !== "");
}

function said(cluster: SimCluster, id: string, what: RegExp): number {
  return (cluster.logged.get(id) ?? []).filter((line) => what.test(line)).length;
}
