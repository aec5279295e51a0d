/**
 * Values as large as Keva takes them, all the way: log, snapshot, restart, a follower far behind.
 */

import assert from "node:assert/strict";
import { limits, utf8 } from "../../src/base/mod.ts";
import { SimCluster } from "../support/sim_cluster.ts";

Deno.test("node: the largest values go through snapshots, restarts and transfers", async () => {
  const cluster = await SimCluster.started({ nodes: 3, snapshotEntries: 4 });
  const away = await cluster.follower();
  await cluster.stop(away);
  // More than the log keeps for slow followers.
  const count = limits.logTailBytesMax / limits.valueBytesMax + 4;
  const writer = await cluster.leader();
  for (let number = 0; number < count; number++) {
    const value = "x".repeat(number === 1 ? limits.valueBytesCeiling : limits.valueBytesMax);
    assert.ok((await cluster.put(writer, `key ${number}`, value)).ok);
  }
  await cluster.clock.advance(1_000);
  assert.ok(cluster.node(writer).status().snapshotIndex > 0, "snapshots were taken");
  await cluster.start(away);
  await cluster.ready();
  await cluster.converged();
  assert.ok(cluster.logged.get(away)?.some((line) => line.startsWith("snapshot received")));
  assert.ok(cluster.node(away).metrics().snapshots.received > 0);
  cluster.crash(writer);
  await cluster.start(writer);
  await cluster.ready();
  for (const id of cluster.ids) {
    const item = cluster.node(id).state.get(utf8("key 1"));
    assert.equal(item?.value.length, limits.valueBytesCeiling);
  }
});
