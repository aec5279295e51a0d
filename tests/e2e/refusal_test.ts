/** What a node refuses to start on: one sentence, exit code 1, and nothing changed. */

import assert from "node:assert/strict";
import { BINARY, type Cluster, clusterTest, freePorts, type Node } from "./support/cluster.ts";
import { bytesOf, get, put, textOf } from "./support/kv.ts";
import { output } from "./support/process.ts";
import { isRoot, withTmpfs } from "./support/tmpfs.ts";

for (const which of ["userPort", "peerPort"] as const) {
  clusterTest(`serve: refuses a ${which} in use`, {}, async ({ cluster }) => {
    const [node] = cluster.nodes as [Node];
    const listener = Deno.listen({ hostname: "127.0.0.1", port: node[which] });
    try {
      await assertRefused(node, new RegExp(`127\\.0\\.0\\.1:${node[which]}: in use`));
    } finally {
      listener.close();
    }
    await cluster.start(); // it had given everything up again
  });
}

clusterTest("serve: refuses the directory of another cluster", {}, async ({ cluster }) => {
  const [node] = await runOnce(cluster);
  const other = await reconfigured(cluster, (text) => `[cluster]\nname = "other"\n\n${text}`);
  await assertCommandRefused(serve(cluster, node.name, node.data, other), /other cluster/);
  await assertStillGood(cluster);
});

clusterTest("serve: refuses the directory of another node", {}, async ({ cluster }) => {
  const [first, second] = await runOnce(cluster);
  await assertCommandRefused(serve(cluster, second.name, first.data), /belongs to .*n1/);
  await assertStillGood(cluster);
});

clusterTest("serve: refuses a directory in use", {}, async ({ cluster }) => {
  await cluster.start();
  const [node] = cluster.nodes as [Node];
  const ports = freePorts(2);
  const elsewhere = await reconfigured(
    cluster,
    (text) =>
      text.replace(String(node.userPort), String(ports[0]))
        .replace(String(node.peerPort), String(ports[1])),
  );
  await assertCommandRefused(
    serve(cluster, node.name, node.data, elsewhere),
    /in use by another process/,
  );
  assert.equal((await put(node.client, bytesOf("k"), bytesOf("v"))).effect, "done");
});

clusterTest("serve: refuses a file in place of a directory", {}, async ({ cluster }) => {
  const [node] = cluster.nodes as [Node];
  Deno.writeTextFileSync(node.data, "not a directory");
  await assertRefused(node, /n1.*: /);
  assert.equal(Deno.readTextFileSync(node.data), "not a directory");
});

clusterTest(
  "serve: refuses a read-only file system",
  { ignore: !isRoot() },
  async ({ cluster }) => {
    await withTmpfs("size=1m,ro", async (path) => {
      const refused = serve(cluster, "n1", `${path}/n1`);
      await assertCommandRefused(refused, /read-only|read and write access/i);
    });
  },
);

clusterTest("serve: refuses a configuration of other nodes", {}, async ({ cluster }) => {
  const [node] = await runOnce(cluster);
  const smaller = await reconfigured(cluster, (text) => {
    const tables = text.split("[[node]]");
    return tables.slice(0, -1).join("[[node]]");
  });
  await assertCommandRefused(
    serve(cluster, node.name, node.data, smaller),
    /lists the nodes n1, n2, but .* n1, n2, n3/,
  );
  await assertStillGood(cluster);
});

clusterTest("keva: says that no node answers", {}, async ({ cluster }) => {
  for (const args of [["get", "k"], ["put", "k", "v"], ["delete", "k"], ["status"]]) {
    const { code, stdout, stderr } = await cluster.keva(args);
    assert.equal(code, 1);
    assert.equal(stdout.length, 0);
    assert.match(stderr, /^keva: no node answers at 127\.0\.0\.1:\d+ or .*\n$/);
    for (const { userPort } of cluster.nodes) assert.ok(stderr.includes(String(userPort)));
  }
});

const KEY = bytesOf("precious");
const VALUE = bytesOf("data");

/** A cluster that has run, holds one key, and is stopped. */
async function runOnce(cluster: Cluster): Promise<[Node, Node, Node]> {
  await cluster.start();
  const [node] = cluster.nodes as [Node];
  const { effect, why } = await put(node.client, KEY, VALUE);
  assert.equal(effect, "done", why);
  await cluster.settled();
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  return cluster.nodes as unknown as [Node, Node, Node];
}

/** The refusal changed nothing: the nodes start as before, and hold what they held. */
async function assertStillGood(cluster: Cluster): Promise<void> {
  await cluster.start();
  for (const node of cluster.nodes) assert.deepEqual(await get(node.client, KEY), VALUE);
}

async function reconfigured(cluster: Cluster, change: (text: string) => string): Promise<string> {
  const path = `${cluster.directory}/other.toml`;
  await Deno.writeTextFile(path, change(await Deno.readTextFile(cluster.configFile)));
  return path;
}

function serve(
  cluster: Cluster,
  name: string,
  data: string,
  configFile = cluster.configFile,
): ReturnType<typeof output> {
  const args = ["serve", "-c", configFile, "-i", name, "-w", data];
  return output(BINARY, { args, cwd: cluster.directory });
}

async function assertCommandRefused(run: ReturnType<typeof output>, says: RegExp): Promise<void> {
  const { code, stdout, stderr } = await run;
  assert.equal(code, 1, stderr);
  assert.equal(textOf(stdout), "", "nothing is ready");
  assertOneSentence(stderr.split("\n"), says);
}

async function assertRefused(node: Node, says: RegExp): Promise<void> {
  const { code } = await node.start().end();
  assert.equal(code, 1);
  assertOneSentence(node.running.lines, says);
}

/** The last line is for the person at the terminal; those before it are the log. */
function assertOneSentence(lines: readonly string[], says: RegExp): void {
  const spoken = lines.filter((line) => line.startsWith("keva: "));
  assert.equal(spoken.length, 1, lines.join("\n"));
  assert.match(spoken[0] as string, says);
  assert.doesNotMatch(lines.join("\n"), /\n\s+at |Error:/, "no stack trace");
  console.log(spoken[0]);
}
