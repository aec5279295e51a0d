/**
 * The test of a program that keeps its data in Keva: against a real cluster, in memory.
 *
 *     deno test -A examples/test_cluster_test.ts
 */

import assert from "node:assert/strict";
import { createTestCluster, type KevaClient, KevaError } from "keva";

/** What is tested: only one program may hold a lock. */
async function takeLock(keva: KevaClient, name: string, owner: string): Promise<boolean> {
  try {
    await keva.put(`locks/${name}`, owner, { ifRevision: 0 });
    return true;
  } catch (error) {
    if (error instanceof KevaError && error.code === "conditionFailed") return false;
    throw error;
  }
}

Deno.test("a lock has one owner, also when the leader fails", async () => {
  const cluster = await createTestCluster(3);
  const keva = cluster.client();
  try {
    assert.equal(await takeLock(keva, "printer", "anna"), true);
    await cluster.stop(await cluster.leader());
    assert.equal(await takeLock(keva, "printer", "bert"), false);
  } finally {
    await keva.close();
    await cluster.close();
  }
});
