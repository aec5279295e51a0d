/** Clients that have to say who they are: the first token, its life on every node, its end. */

import assert from "node:assert/strict";
import { type Cluster, clusterTest, type Node } from "./support/cluster.ts";
import { keysFor } from "./support/keys.ts";
import { textOf } from "./support/kv.ts";
import { until } from "./support/wait.ts";

/** No client of the tests that waits for readiness knows a token, and probes need none. */
const SETTINGS =
  '[access]\nclients = "authenticated"\n[keys]\nauthorized_keys = "authorized.keys"\n';

async function started(cluster: Cluster): Promise<void> {
  for (const node of cluster.nodes) node.start();
  await cluster.ready();
}

async function statusOf({ client }: Node, token?: string): Promise<number> {
  const headers: Record<string, string> = token === undefined
    ? {}
    : { authorization: `Bearer ${token}` };
  return (await client.request("GET", "/v1/storage/key/a", { headers })).status;
}

function statuses(cluster: Cluster, token?: string): Promise<number[]> {
  return Promise.all(cluster.nodes.map((node) => statusOf(node, token)));
}

function endpointOf({ address, userPort }: Node): string {
  return `${address}:${userPort}`;
}

/** As the operator on the machine of `node`. */
async function asOperator(cluster: Cluster, node: Node, args: string[]): Promise<string> {
  const flags = ["--token-file", `${node.data}/operator.token`, "--endpoints", endpointOf(node)];
  const { code, stdout, stderr } = await cluster.keva([...args, ...flags]);
  assert.equal(code, 0, stderr);
  return textOf(stdout);
}

clusterTest("tokens: made on one node, good on all at once, and revoked on all at once", {
  settings: SETTINGS,
}, async ({ cluster }) => {
  await keysFor(cluster);
  await started(cluster);
  const [n1, n2, n3] = cluster.nodes as [Node, Node, Node];
  const file = `${n1.data}/operator.token`;
  assert.equal((Deno.statSync(file).mode ?? 0) & 0o777, 0o600);
  assert.deepEqual(await statuses(cluster), [401, 401, 401]);

  const token = (await asOperator(cluster, n1, ["token", "create", "ci", "--role", "deploy"]))
    .trim();
  assert.deepEqual(await statuses(cluster, token), [204, 204, 204]);
  assert.deepEqual(await statuses(cluster, `${token.slice(0, -2)}xx`), [401, 401, 401]);
  const operator = Deno.readTextFileSync(file).trim();
  assert.deepEqual(await statuses(cluster, operator), [204, 401, 401]);

  Deno.writeTextFileSync(`${cluster.directory}/ci.token`, token);
  const put = await cluster.keva(
    ["put", "a", "1", "--token-file", "ci.token", "--endpoints", endpointOf(n3)],
  );
  assert.equal(put.code, 0, put.stderr);
  const without = await cluster.keva(["get", "a", "--endpoints", endpointOf(n2)]);
  assert.equal(without.code, 1);
  assert.match(without.stderr, /does not say who sends it\. Send a token/);

  // Every node has it from its own disk, the operator's of before is worth nothing any more.
  for (const node of cluster.nodes) await node.stop();
  await started(cluster);
  assert.deepEqual(await statuses(cluster, token), [200, 200, 200]);
  assert.equal(await statusOf(n1, operator), 401);
  assert.match(
    await asOperator(cluster, n2, ["token", "list"]),
    /^ci +[0-9a-f]{12} +deploy +new$/m,
  );

  await asOperator(cluster, n2, ["token", "revoke", "ci"]);
  assert.deepEqual(await statuses(cluster, token), [401, 401, 401]);

  // Nothing of any secret is in a log or in what inspection shows.
  const secrets = [token.slice(-43), operator.slice(-43)];
  const [segment] = [...Deno.readDirSync(`${n1.data}/wal`)].map(({ name }) => name).sort();
  const inspected = await cluster.keva(["inspect", "wal", `${n1.data}/wal/${segment}`]);
  const said = cluster.logs() + textOf(inspected.stdout);
  for (const secret of secrets) assert.ok(!said.includes(secret));
  assert.match(said, /token created.*ci/);
  assert.match(said, /set token ci \(\d+ bytes\)/);
});

clusterTest("tokens: a revocation names the node that it could not reach, which refuses later", {
  settings: SETTINGS,
}, async ({ cluster }) => {
  await keysFor(cluster);
  await started(cluster);
  const [n1, , n3] = cluster.nodes as [Node, Node, Node];
  const token = (await asOperator(cluster, n1, ["token", "create", "ci"])).trim();
  await n3.kill();
  const flags = ["--token-file", `${n1.data}/operator.token`, "--endpoints", endpointOf(n1)];
  const revoked = await cluster.keva(["token", "revoke", "ci", ...flags]);
  assert.equal(revoked.code, 0);
  assert.match(revoked.stderr, /n3 did not say that it knows/);
  n3.start();
  await n3.ready();
  await until("n3 to refuse it", async () => await statusOf(n3, token) === 401);
});

clusterTest(
  "tokens: a node that others can reach starts with keys and tokens, or insecure = true",
  {
    nodes: 1,
    addresses: ["0.0.0.0"],
    settings: '[keys]\nauthorized_keys = "authorized.keys"\n',
  },
  async ({ cluster }) => {
    await keysFor(cluster);
    const [n1] = cluster.nodes as [Node];
    const refused = n1.start();
    const { code } = await refused.end();
    assert.equal(code, 1);
    assert.match(refused.text, /everybody who reaches .* set access\.clients = "authenticated", /);

    const insecure = n1.startElsewhere(n1.data, ["--set", "insecure=true"]);
    await n1.ready();
    assert.match(insecure.text, /insecure = true: everybody who reaches 0\.0\.0\.0:\d+ can read/);
    assert.equal(await statusOf(n1), 204);
    await n1.stop();

    const closed = n1.startElsewhere(n1.data, ["--set", "access.clients=authenticated"]);
    await n1.ready();
    assert.match(closed.text, /clients send their tokens to 0\.0\.0\.0:\d+ in clear/);
    assert.equal(await statusOf(n1), 401);
  },
);
