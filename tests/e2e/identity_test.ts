/** Nodes that are not who they seem: emptied, set back to an old copy, or there twice. */

import assert from "node:assert/strict";
import { writeMany } from "./support/bulk.ts";
import { BINARY, type ClusterTest, clusterTest, freePorts, type Node } from "./support/cluster.ts";
import { bytesOf, get, keyTarget, problemOf, put, textOf } from "./support/kv.ts";
import { Ledger } from "./support/ledger.ts";
import { output, RunningProcess } from "./support/process.ts";
import { until } from "./support/wait.ts";

clusterTest("a lost data directory: the emptied node takes no part", {}, async (test) => {
  const { node, ledger } = await withKilledFollower(test);
  Deno.removeSync(node.data, { recursive: true });
  node.start();
  await assertTakesNoPart(test, node);
  await assertIntact(test, ledger);
});

clusterTest("a lost data directory, found when nobody remembers it", {}, async (test) => {
  const { cluster } = test;
  await cluster.start();
  const [n1, n2, n3] = cluster.nodes as [Node, Node, Node];
  await n3.kill();
  await until("two of three", async () => await n1.isReady() && await n2.isReady());
  const key = bytesOf("key");
  const written = await put(n1.client, key, bytesOf("acknowledged"));
  assert.equal(written.effect, "done", written.why);
  await Promise.all([n1.kill(), n2.kill()]);
  Deno.removeSync(n1.data, { recursive: true });
  n1.start();
  n3.start();
  const [said] = await n1.running.line(
    /ERROR.*this node takes no part.*is bound to data directory/,
  );
  console.log(said);
  await n3.running.line(/ERROR.*identity refused.*A node lost its data/);
  for (const node of [n1, n3]) {
    assert.equal(await node.isReady(), false);
    const read = await node.client.request("GET", `${keyTarget(key)}?timeout=1`);
    assert.equal(read.status, 503, "an acknowledged key must not read as missing");
  }
  const unready = await n1.client.request("GET", "/readyz");
  assert.match(problemOf(unready).detail ?? "", /turn n1 away/);
  n2.start();
  for (const node of [n2, n3]) {
    await node.ready();
    assert.equal(textOf(await get(node.client, key) as Uint8Array), "acknowledged");
  }
  assert.equal(await n1.isReady(), false);
});

clusterTest("an old copy of a data directory: the node takes no part", {}, async (test) => {
  const { node, ledger, write } = await withKilledFollower(test);
  await copy(node.data, `${node.data}.old`);
  node.start();
  await test.cluster.ready();
  await write();
  await test.cluster.settled();
  await node.kill();
  Deno.removeSync(node.data, { recursive: true });
  Deno.renameSync(`${node.data}.old`, node.data);
  node.start();
  await assertTakesNoPart(test, node);
  await assertIntact(test, ledger);
});

clusterTest("a second process with the same identity: the first goes on", {}, async (test) => {
  const { cluster, random } = test;
  await cluster.start();
  const ledger = new Ledger();
  const [node] = await cluster.followers() as [Node];
  // Its own directory, and ports that nobody expects: only what it says of itself is the same.
  const config = `${cluster.directory}/twin.toml`;
  const text = await Deno.readTextFile(cluster.configFile);
  const [userPort, peerPort] = freePorts(2);
  const moved = text.replace(String(node.userPort), String(userPort))
    .replace(String(node.peerPort), String(peerPort));
  await Deno.writeTextFile(config, moved);
  const args = ["serve", "-c", config, "-i", node.name, "-w", `${cluster.directory}/twin`];
  const twin = new RunningProcess(BINARY, { args, cwd: cluster.directory });
  try {
    const [said] = await twin.line(/link down .*refused: .*/);
    console.log(said);
    for (const other of cluster.nodes.filter((one) => one !== node)) {
      await other.running.line(/ERROR.*identity refused/);
    }
    await writeMany({ nodes: cluster.nodes, ledger, random, ...SOME_WRITES });
    for (const node of cluster.nodes) {
      assert.deepEqual(await ledger.contradictions((key) => get(node.client, key)), []);
    }
  } finally {
    await twin.kill();
  }
});

const SOME_WRITES = { writes: 300, writers: 6, keysPerWriter: 20 };

type Prepared = {
  readonly node: Node;
  readonly ledger: Ledger;
  write(): Promise<unknown>;
};

async function withKilledFollower({ cluster, random }: ClusterTest): Promise<Prepared> {
  await cluster.start();
  const ledger = new Ledger();
  const write = (): Promise<number> =>
    writeMany({ nodes: cluster.running, ledger, random, ...SOME_WRITES });
  await write();
  await cluster.settled();
  const [node] = await cluster.followers() as [Node];
  await node.kill();
  return { node, ledger, write };
}

/** It ends, or stands there unready; and says why. */
async function assertTakesNoPart({ cluster }: ClusterTest, node: Node): Promise<void> {
  const said = await until(
    "an explanation",
    () => node.running.lines.find((line) => /lost|refused|earlier|older|another|forgot/.test(line)),
  );
  console.log(said);
  assert.equal(await node.isReady(), false);
  // With one more node gone there is no majority of trusted nodes, and nobody may pretend one.
  const leader = await cluster.leader();
  const [other] = cluster.running.filter((one) => one !== node && one !== leader) as [Node];
  await leader.kill();
  await until("no majority", async () => !await other.isReady());
  leader.start();
  await leader.ready();
  await other.ready();
}

async function assertIntact({ cluster }: ClusterTest, ledger: Ledger): Promise<void> {
  const trusted: Node[] = [];
  for (const node of cluster.running) if (await node.isReady()) trusted.push(node);
  assert.ok(trusted.length >= 2);
  for (const node of trusted) {
    assert.deepEqual(await ledger.contradictions((key) => get(node.client, key)), []);
  }
}

async function copy(from: string, to: string): Promise<void> {
  const { code, stderr } = await output("cp", { args: ["-a", from, to] });
  assert.equal(code, 0, stderr);
}
