/** Disks that lie or are full: what a node does, and that the others go on. */

import assert from "node:assert/strict";
import { writeMany } from "./support/bulk.ts";
import { type ClusterTest, clusterTest, type Node, withCluster } from "./support/cluster.ts";
import { bytesOf, get, keyTarget, problemOf, put, textOf } from "./support/kv.ts";
import { Ledger } from "./support/ledger.ts";
import { isRoot, withTmpfs } from "./support/tmpfs.ts";
import { until } from "./support/wait.ts";

clusterTest(
  "damaged log: the node refuses with file and offset, the others go on",
  {},
  async (test) => {
    const { cluster } = test;
    const { follower, ledger, others } = await withStoppedFollower(test);
    const path = onlySegment(follower);
    const before = Deno.readFileSync(path);
    const offset = await logEnd(test, path) >> 1;
    const damaged = before.slice();
    damaged[offset] = (damaged[offset] as number) ^ 0x10;
    Deno.writeFileSync(path, damaged);

    const { code } = await follower.start().end();
    const said = follower.running.lines.find((line) => line.startsWith("keva: ")) ?? "";
    console.log(said);
    assert.equal(code, 1);
    assert.ok(said.startsWith(`keva: ${path} at byte `), said);
    const frameAt = Number(/ at byte (\d+): /.exec(said)?.[1]);
    assert.ok(frameAt <= offset && frameAt > 0, `byte ${offset} was changed`);
    assert.match(said, /Restore this node from its peers/);
    assert.deepEqual(Deno.readFileSync(path), damaged, "a refusal changes nothing");

    await writeMany({ nodes: others, ledger, random: test.random, ...SOME_WRITES });
    for (const node of others) {
      assert.deepEqual(await ledger.contradictions((key) => get(node.client, key)), []);
    }
    // With the byte as it was, the node is trusted again and catches up.
    Deno.writeFileSync(path, before);
    await cluster.start();
    await assertAllEqual(test, ledger);
  },
);

clusterTest("torn log: the node cuts the end off, says so, and catches up", {}, async (test) => {
  const { cluster, random } = test;
  await cluster.start();
  const ledger = new Ledger();
  await writeMany({ nodes: cluster.nodes, ledger, random, ...SOME_WRITES });
  await cluster.settled();
  const leader = await cluster.leader();
  const others = cluster.nodes.filter((node) => node !== leader);
  const path = onlySegment(leader);
  const size = await logEnd(test, path);
  // Its disk alone has this write, and nobody was told of it.
  for (const node of others) node.freeze();
  const key = bytesOf("torn");
  const value = random.bytes(500);
  const write = put(leader.client, key, value);
  await until("the frame", async () => await logEnd(test, path) > size + 500);
  await leader.kill();
  // Frozen, the others may still find it in their sockets.
  ledger.record(key, value, await write);
  Deno.truncateSync(path, await logEnd(test, path) - 5);

  leader.start();
  await assertSaysTorn(leader, path, size);
  for (const node of others) node.thaw();
  await assertAllEqual(test, ledger);
});

clusterTest("torn log: half a frame behind the last one is cut off", {}, async (test) => {
  const { follower, ledger } = await withStoppedFollower(test);
  const path = onlySegment(follower);
  const bytes = Deno.readFileSync(path).subarray(0, await logEnd(test, path));
  Deno.truncateSync(path, bytes.length);
  Deno.writeFileSync(path, bytes.subarray(-40, -10), { append: true });
  follower.start();
  await assertSaysTorn(follower, path, bytes.length);
  await test.cluster.ready();
  await assertAllEqual(test, ledger);
});

clusterTest(
  "shortened log: a node that lost what it had acknowledged ends itself",
  {},
  async (test) => {
    const { follower, others, ledger } = await withStoppedFollower(test);
    const path = onlySegment(follower);
    // To the node it looks like a torn end, but the leader knows what it had acknowledged.
    Deno.truncateSync(path, Math.floor(await logEnd(test, path) * 0.8));
    const { code } = await follower.start().end();
    assert.equal(code, 1);
    assert.match(follower.running.text, /keva: .*acknowledged entries were lost/);
    await writeMany({ nodes: others, ledger, random: test.random, ...SOME_WRITES });
  },
);

Deno.test({
  name: "full disk: the leader hands over, reads go on, and writes resume with the space",
  ignore: !isRoot(),
  fn: () =>
    withTmpfs(
      `size=${DISK_BYTES}`,
      (path) => withCluster({ dataOf: { n1: `${path}/n1` } }, (test) => fillUp(test, path)),
    ),
});

const DISK_BYTES = 2 * 1024 * 1024;
const SOME_WRITES = { writes: 300, writers: 6, keysPerWriter: 20 };

async function fillUp(test: ClusterTest, disk: string): Promise<void> {
  const { cluster, random } = test;
  await cluster.start();
  const full = cluster.node("n1");
  const others = cluster.nodes.filter((node) => node !== full);
  await makeLeader(test, full);
  const ledger = new Ledger();
  const key = bytesOf("before");
  ledger.record(key, key, await put(full.client, key, key));

  // Fills the file system: by the log itself, and then to the last byte, so that nothing fits.
  const ballast = `${disk}/ballast`;
  fill(ballast);
  const refusals = new Set<string>();
  await until("the leader's disk is full", async () => {
    const value = random.bytes(20_000);
    const filler = bytesOf(`filler/${ledger.size}`);
    const outcome = await put(full.client, filler, value);
    ledger.record(filler, value, outcome);
    if (outcome.effect !== "done") refusals.add(outcome.why);
    return (await full.status())?.diskFull === true;
  });
  const leader = await until("another leader", async () => {
    const leader = await cluster.leader();
    return leader !== full && leader;
  });
  console.log(`${leader.name} leads; refused meanwhile: ${[...refusals].join(", ") || "nothing"}`);

  assert.deepEqual(await get(full.client, key), key, "reads go on where the disk is full");
  assert.ok(full.isRunning);
  await writeMany({ nodes: cluster.nodes, ledger, random, ...SOME_WRITES });
  const status = await cluster.keva(["status", "--endpoints", cluster.endpoints]);
  assert.equal(status.code, 1);
  assert.match(status.stderr, /the disk of n1 is full/);

  // Without a second healthy node, nothing can be stored on a majority: an honest answer, in time.
  const [gone] = others.filter((node) => node !== leader) as [Node];
  await gone.kill();
  const refused = await leader.client.request("PUT", `${keyTarget(key)}?timeout=1`, {
    body: bytesOf("too much"),
  });
  assert.ok([503, 504, 507].includes(refused.status), `${refused.status} ${textOf(refused.body)}`);
  if (problemOf(refused).effect === "unknown") {
    ledger.record(key, bytesOf("too much"), { effect: "unknown", why: "" });
  }

  await Deno.remove(ballast);
  await full.running.line(/disk has space again/);
  await until("a write with the space back", async () => {
    const outcome = await put(full.client, bytesOf("after"), bytesOf("v"));
    return outcome.effect === "done";
  });
  await cluster.start();
  await assertAllEqual(test, ledger);
}

/** The line about the cut names the file, and the byte from which nothing was kept. */
async function assertSaysTorn(node: Node, path: string, offset: number): Promise<void> {
  const [said] = await node.running.line(/WARN +recovery.*/);
  console.log(said);
  assert.ok(said.includes(`path=${path} offset=${offset} `), said);
  assert.match(said, /torn tail/);
}

/** Restarts whichever other node leads, until it is `node`'s turn. */
async function makeLeader({ cluster }: ClusterTest, node: Node): Promise<void> {
  await until(`${node.name} leads`, async () => {
    const leader = await cluster.leader();
    if (leader === node) return true;
    await leader.stop();
    await cluster.leader();
    await cluster.start();
    return false;
  }, 30_000);
}

/** Takes all of the space but a little, which the log then takes. */
function fill(path: string): void {
  const block = new Uint8Array(16 * 1024);
  const file = Deno.openSync(path, { write: true, create: true });
  try {
    while (file.writeSync(block) === block.length);
  } catch {
    // Full, as wanted. A node has to find that out by itself.
  } finally {
    const size = file.statSync().size;
    file.truncateSync(Math.max(0, size - 100 * 1024));
    file.close();
  }
}

/** A running cluster with something in it, of which one follower was killed -9. */
async function withStoppedFollower(
  { cluster, random }: ClusterTest,
): Promise<{ follower: Node; others: Node[]; ledger: Ledger }> {
  await cluster.start();
  const ledger = new Ledger();
  await writeMany({ nodes: cluster.nodes, ledger, random, ...SOME_WRITES });
  await cluster.settled();
  const [follower] = await cluster.followers() as [Node];
  await follower.kill();
  return { follower, others: cluster.running, ledger };
}

async function assertAllEqual({ cluster }: ClusterTest, ledger: Ledger): Promise<void> {
  await cluster.ready();
  const statuses = await cluster.settled();
  assert.equal(statuses.length, cluster.nodes.length);
  assert.equal(new Set(statuses.map(({ digest }) => digest)).size, 1, "digests differ");
  for (const node of cluster.nodes) {
    assert.deepEqual(await ledger.contradictions((key) => get(node.client, key)), [], node.name);
  }
}

function onlySegment(node: Node): string {
  const segments = [...Deno.readDirSync(`${node.data}/wal`)].map(({ name }) => name);
  assert.equal(segments.length, 1, segments.join());
  return `${node.data}/wal/${segments[0]}`;
}

/** Where the last frame of a segment ends: what stands behind it is room for the next ones. */
async function logEnd({ cluster }: ClusterTest, path: string): Promise<number> {
  const { stdout } = await cluster.keva(["inspect", "wal", path]);
  const [, end] = / at (\d+): end of the segment/.exec(new TextDecoder().decode(stdout)) ?? [];
  assert.ok(end !== undefined, `keva inspect wal ${path} names the end`);
  return Number(end);
}
