/** What nobody may get to see: what nodes say to each other, private keys, and values. */

import assert from "node:assert/strict";
import { Mesh } from "./chaos/mesh.ts";
import { type Cluster, clusterTest, type Node } from "./support/cluster.ts";
import { writeMany } from "./support/bulk.ts";
import { KEYED, keysFor } from "./support/keys.ts";
import { bytesOf, get, put, textOf } from "./support/kv.ts";
import { Ledger } from "./support/ledger.ts";

const SETTINGS = `
[storage]
snapshot_entries = 200
segment_bytes = 65536

[log]
level = "debug"
`;
const ROUNDS = 60;
/** More than a leader keeps in memory for those who are behind. */
const MISSED = 6_000;
const TAIL = "of which nobody else may hear";

for (const keyed of [true, false]) {
  const says = keyed ? "carry nothing that can be read" : "without keys can be read, as is told";
  const mesh = new Mesh();
  clusterTest(`secrecy: links between nodes ${says}, snapshots included`, {
    settings: `${keyed ? KEYED : ""}${SETTINGS}`,
    dialed: mesh.connect.bind(mesh),
  }, async ({ cluster, random }) => {
    const [key, value] = ["key", "value"].map((what) =>
      `planted ${what} ${random.below(2 ** 31)} ${TAIL}`
    ) as [string, string];
    const traffic = recorded(mesh, cluster);
    await mesh.listen();
    try {
      if (keyed) await keysFor(cluster);
      await cluster.start();
      await plant(cluster.nodes, key, value);
      const [follower] = await cluster.followers() as [Node];
      await follower.stop();
      await plant(cluster.running, key, value);
      await writeMany({
        nodes: cluster.running,
        ledger: new Ledger(),
        random,
        writes: MISSED,
        writers: 64,
        keysPerWriter: 10,
      });
      follower.start();
      await follower.running.line(/snapshot received/);
      await cluster.ready();
      await plant(cluster.nodes, key, value);
      const seen = traffic();
      console.log(`${seen.length} bytes between three nodes`);
      assert.ok(seen.length > 100_000);
      for (const secret of [key, value]) assert.equal(seen.includes(secret), !keyed, secret);
      if (keyed) assert.ok(!seen.includes(TAIL));
      await assertNotTold(cluster, value);
    } finally {
      mesh.close();
    }
  });
}

/** All bytes on the links so far, each direction by itself, as Latin-1. */
function recorded(mesh: Mesh, { nodes }: Cluster): () => string {
  const ways: Uint8Array[][] = [];
  for (const from of nodes) {
    for (const to of nodes) {
      if (from === to) continue;
      const way: Uint8Array[] = [];
      ways.push(way);
      mesh.route(from.name, to.name).listener = (bytes) => void way.push(bytes.slice());
    }
  }
  const decoder = new TextDecoder("latin1");
  return () => ways.map((way) => way.map((bytes) => decoder.decode(bytes)).join("")).join("\n");
}

/** Writes and reads on every node. */
async function plant(nodes: readonly Node[], key: string, value: string): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const node = nodes[round % nodes.length] as Node;
    const name = bytesOf(`${round % 10} ${key}`);
    const { effect, why } = await put(node.client, name, bytesOf(`${value} ${round}`));
    assert.equal(effect, "done", why);
    const other = nodes[(round + 1) % nodes.length] as Node;
    assert.equal(textOf(await get(other.client, name) as Uint8Array), `${value} ${round}`);
  }
}

/** Neither logs nor `keva inspect` tell values or private keys. */
async function assertNotTold(cluster: Cluster, value: string): Promise<void> {
  const told = cluster.nodes.flatMap(({ former, running }) =>
    [...former, running].map(({ text }) => text)
  );
  const secrets = [value, bytesOf(value).toBase64(), bytesOf(value).toHex()];
  for (const { data } of cluster.nodes) {
    for (const [what, path] of inspected(data)) {
      const { stdout, stderr } = await cluster.keva(["inspect", what, path]);
      told.push(textOf(stdout), stderr);
    }
    secrets.push(...privateParts(`${data}/node.key`));
  }
  const all = told.join("\n");
  assert.match(all, /planted key/, "keys are told, so this looks at the right places");
  for (const secret of secrets) assert.ok(!all.includes(secret), `told: ${secret}`);
}

function inspected(data: string): [what: string, path: string][] {
  const files = (directory: string) =>
    [...Deno.readDirSync(`${data}/${directory}`)].map(({ name }) => `${data}/${directory}/${name}`);
  return [
    ["dir", data],
    ...files("wal").map((path): [string, string] => ["wal", path]),
    ...files("snapshots").map((path): [string, string] => ["snapshot", path]),
  ];
}

/** The lines of the file, and the key itself as anybody might print it. */
function privateParts(path: string): string[] {
  let pem: string;
  try {
    pem = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return []; // nodes have no keys
    throw error;
  }
  const body = pem.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
  const seed = Uint8Array.fromBase64(body.join("")).slice(-32);
  return [...body, seed.toHex(), seed.toBase64()];
}
