/** A follower that missed more than the log still holds comes back by snapshot, and equal. */

import assert from "node:assert/strict";
import { writeMany } from "./support/bulk.ts";
import { type ClusterTest, clusterTest, type Node } from "./support/cluster.ts";
import { get } from "./support/kv.ts";
import { Ledger } from "./support/ledger.ts";
import { until } from "./support/wait.ts";

const SEGMENT_BYTES = 256 * 1024;
const SETTINGS = `
[storage]
snapshot_entries = 5000
segment_bytes = ${SEGMENT_BYTES}
`;

/** What the log may still hold: two snapshots' worth of entries, and the segment being written. */
const LOG_BYTES_MAX = 4 * 1024 * 1024;

/** A transfer that was begun while the follower was away must not hold the next one up. */
const RECEIVED_WITHIN_MS = 2_500;

clusterTest(
  "snapshot: a follower stopped during 50,000 writes comes back equal",
  { settings: SETTINGS },
  (test) => missWrites(test, 50_000, async (follower) => void await follower.stop()),
);

clusterTest(
  "snapshot: a follower killed -9 during 20,000 writes comes back equal",
  { settings: SETTINGS },
  (test) => missWrites(test, 20_000, (follower) => follower.kill()),
);

async function missWrites(
  { cluster, random }: ClusterTest,
  writes: number,
  end: (follower: Node) => Promise<void>,
): Promise<void> {
  const ledger = new Ledger();
  const bulk = { ledger, random, writers: 64, keysPerWriter: 30 };
  await cluster.start();
  await writeMany({ ...bulk, nodes: cluster.nodes, writes: 1_000 });
  const [follower] = await cluster.followers() as [Node];
  const missedFrom = (await follower.status())?.lastIndex as number;
  await end(follower);
  const perSecond = await writeMany({ ...bulk, nodes: cluster.running, writes });
  const first = (await (await cluster.leader()).status())?.firstIndex as number;
  assert.ok(first > missedFrom + 1, `the log still begins at ${first}: nothing was compacted`);

  const startedAt = performance.now();
  follower.start();
  await follower.running.line(/snapshot received/, { timeoutMs: RECEIVED_WITHIN_MS });
  // Writes go on meanwhile: the snapshot is not the end of what the follower lacks.
  await writeMany({ ...bulk, nodes: cluster.running, writes: 2_000 });
  await follower.ready();
  const statuses = await cluster.settled();
  const backMs = Math.round(performance.now() - startedAt);
  assert.equal(new Set(statuses.map(({ digest }) => digest)).size, 1, "digests differ");
  assert.deepEqual(await ledger.contradictions((key) => get(follower.client, key, STALE)), []);

  const sizes = await until("old segments removed", () => {
    const sizes = cluster.nodes.map((node) => sizeOf(`${node.data}/wal`));
    return sizes.every((size) => size < LOG_BYTES_MAX) && sizes;
  });
  console.log(
    `${writes} writes at ${perSecond}/s; back by snapshot after ${backMs} ms at index ` +
      `${statuses[0]?.applied}; logs of ${sizes.map((size) => `${size >> 10} KiB`).join(", ")}`,
  );
}

/** The follower's own memory, without asking anybody. */
const STALE = "?consistency=stale";

function sizeOf(directory: string): number {
  let size = 0;
  for (const { name } of Deno.readDirSync(directory)) size += sizeIfThere(`${directory}/${name}`);
  return size;
}

/** A segment may be removed while this looks. */
function sizeIfThere(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
