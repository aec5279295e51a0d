/**
 * The proof that acknowledged means durable: at the moment of each acknowledgement the devices
 * themselves are looked at, and what they would still hold if the power failed just then.
 */

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/mod.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { SimCluster } from "../support/sim_cluster.ts";
import type { SimDisk } from "../support/sim_disk.ts";

const WRITES = 300;
const SYNC_MS_MAX = 20;
/** Of a write that could never be acknowledged; longer than several elections. */
const PATIENCE_MS = 10_000;

for (const nodes of [1, 3, 5]) {
  const majority = Math.floor(nodes / 2) + 1;

  Deno.test(`durability: ${majority} of ${nodes} disks hold each write before its answer`, async () => {
    const random = new SeededRandom(nodes);
    const cluster = await SimCluster.started({ nodes, seed: nodes });
    for (const id of cluster.ids) slowSyncs(cluster, cluster.disk(id), random.fork());
    const seen = { least: nodes, syncsLeast: Infinity };
    const open = Array.from({ length: WRITES }, async (_, number) => {
      await untilTime(cluster, random.below(2_000));
      const value = `the value of write ${number}.`;
      const writer = cluster.ids[number % nodes] as string;
      const before = cluster.ids.map((id) => cluster.disk(id).syncCount);
      const outcome = await cluster.node(writer).execute(
        { checks: [], mutations: [put(`key ${number}`, value)] },
        cluster.clock.now() + 60_000,
      );
      assert.ok(outcome.ok);
      const synced = cluster.ids.filter((id, i) => cluster.disk(id).syncCount > (before[i] ?? 0));
      const holding = cluster.ids.filter((id) => survivesPowerLoss(cluster.disk(id), value));
      seen.least = Math.min(seen.least, holding.length);
      seen.syncsLeast = Math.min(seen.syncsLeast, synced.length);
    });
    await cluster.wait(Promise.all(open));
    assert.ok(seen.least >= majority, `a write was on ${seen.least} disks when it was answered`);
    assert.ok(seen.syncsLeast >= majority, `only ${seen.syncsLeast} disks had synced`);
  });

  Deno.test(`durability: nothing is acknowledged while ${majority} of ${nodes} disks hang`, async () => {
    const cluster = await SimCluster.started({ nodes, seed: nodes });
    // Whichever node leads or comes to lead, it never sees a majority of syncs.
    const hanging = cluster.ids.slice(0, nodes - majority + 1);
    for (const id of hanging) cluster.disk(id).holdSyncs();
    const open = Array.from(
      { length: 20 },
      (_, number) =>
        cluster.offer(cluster.ids[number % nodes] as string, `key ${number}`, "value", PATIENCE_MS),
    );
    for (const outcome of await cluster.wait(Promise.all(open))) assert.equal(outcome.ok, false);
    for (const id of cluster.running) assert.equal(cluster.peek(id, "key 0"), undefined);
  });
}

Deno.test("durability: the check tells a device from its cache", async () => {
  const cluster = await SimCluster.started({ nodes: 1 });
  assert.ok((await cluster.put("n1", "key", "a value on the disk")).ok);
  const disk = cluster.disk("n1");
  assert.equal(survivesPowerLoss(disk, "a value on the disk"), true);
  assert.equal(survivesPowerLoss(disk, "a value never written"), false);
  disk.holdSyncs();
  void cluster.offer("n1", "key", "a value in the cache");
  await cluster.clock.advance(100);
  assert.equal(survivesPowerLoss(disk, "a value in the cache"), false);
});

/** Each sync takes its time, another one on each disk, so that no two disks are in step. */
function slowSyncs(cluster: SimCluster, disk: SimDisk, random: SeededRandom): void {
  disk.schedule = (complete) => void cluster.clock.after(1 + random.below(SYNC_MS_MAX), complete);
}

function untilTime(cluster: SimCluster, delayMs: number): Promise<void> {
  return new Promise((resolve) => void cluster.clock.after(delayMs, resolve));
}

function put(key: string, value: string) {
  return { kind: "put", key: utf8(key), value: utf8(value), contentType: "" } as const;
}

/** Whether the log holds `value` after a crash that forgets everything that was not synced. */
function survivesPowerLoss(disk: SimDisk, value: string): boolean {
  const survivor = disk.afterCrash("drop");
  return survivor.list("data/wal").some((name) => {
    const bytes = survivor.read(`data/wal/${name}`, 64 * 1024 * 1024);
    return indexOf(bytes, utf8(value)) >= 0;
  });
}

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  const first = part[0] as number;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (part.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}
