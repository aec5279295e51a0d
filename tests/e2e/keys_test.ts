/** Nodes that know each other by keys: who gets in, who does not, and how keys change. */

import assert from "node:assert/strict";
import { type Cluster, clusterTest, type Node } from "./support/cluster.ts";
import { authorise, KEYED, keygen, keysFor } from "./support/keys.ts";
import { bytesOf, get, put, textOf } from "./support/kv.ts";
import { Ledger } from "./support/ledger.ts";
import { Load } from "./support/load.ts";
import { until } from "./support/wait.ts";

/** Within which the links of a revoked key must have closed. */
const REVOKED_MS = 1_000;
/** A link that cannot come about is tried once a second at least. */
const TRIES_MS = 4_000;

type KeysView = {
  readonly authorised: { readonly node: string; readonly state: string }[];
  readonly links: { readonly node: string; readonly up: boolean; readonly trouble: string }[];
  readonly refused: { readonly reason: string; readonly count: number }[];
};

async function keysOf({ client }: Node): Promise<KeysView> {
  return JSON.parse(textOf((await client.request("GET", "/v1/cluster/keys")).body));
}

/** Messages of `peer` that `node` has taken in. */
async function receivedFrom({ client }: Node, peer: string): Promise<number> {
  const metrics = textOf((await client.request("GET", "/metrics")).body);
  const line = new RegExp(`^keva_peer_messages_received_total\\{peer="${peer}"\\} (\\d+)$`, "m");
  return Number(line.exec(metrics)?.[1] ?? 0);
}

clusterTest("keys: three nodes on three addresses, and nobody else", {
  settings: KEYED,
  addresses: ["127.0.0.1", "127.0.0.2", "127.0.0.3"],
}, async ({ cluster }) => {
  const keys = await keysFor(cluster);
  await cluster.start();
  const [n1, n2, n3] = cluster.nodes as [Node, Node, Node];
  const key = bytesOf("key");
  assert.equal((await put(n1.client, key, bytesOf("value"))).effect, "done");
  assert.equal(textOf(await get(n3.client, key) as Uint8Array), "value");
  const listed = await cluster.keva(["keys", "list", "--endpoints", cluster.endpoints]);
  assert.equal(listed.code, 0, listed.stderr);
  const states = textOf(listed.stdout).match(/ (in use|own) /g) ?? [];
  assert.deepEqual(states.sort(), [...Array(6).fill(" in use "), ...Array(3).fill(" own ")]);

  // From here on n3 is somebody else each time.
  await n3.stop();
  const before = [await receivedFrom(n1, "n3"), await receivedFrom(n2, "n3")];
  const own = Deno.readTextFileSync(`${n3.data}/node.key`);
  const impostors: [what: string, become: () => Promise<void>][] = [
    ["an unlisted key", async () => {
      Deno.removeSync(`${n3.data}/node.key`);
      await keygen(cluster, n3.data, "n3");
    }],
    ["the key of another node", () => {
      Deno.copyFileSync(`${n2.data}/node.key`, `${n3.data}/node.key`);
      return Promise.resolve();
    }],
    ["another cluster", () => {
      Deno.writeTextFileSync(`${n3.data}/node.key`, own);
      return Promise.resolve();
    }],
  ];
  for (const [what, become] of impostors) {
    await become();
    // Its own data directory would betray it before its links could.
    const data = `${cluster.directory}/impostor`;
    Deno.mkdirSync(data, { recursive: true, mode: 0o700 });
    Deno.copyFileSync(`${n3.data}/node.key`, `${data}/node.key`);
    const set = what === "another cluster" ? ["--set", "cluster.name=other"] : [];
    const impostor = n3.startElsewhere(data, set);
    await impostor.line(/serves/);
    const seen = await until(`${what} to be noticed`, async () => {
      const [view, theirs] = [await keysOf(n1), await keysOf(n3)];
      const refused = view.refused[0]?.reason;
      const trouble = theirs.links.find(({ node }) => node === "n1")?.trouble;
      return refused !== undefined && typeof trouble === "string" && { refused, trouble };
    });
    console.log(`${what}: n1 says: ${seen.refused}; n3 says: ${seen.trouble}`);
    await until("some tries", async () => {
      const { refused } = await keysOf(n1);
      return refused.reduce((sum, { count }) => sum + count, 0) >= 3;
    }, 2 * TRIES_MS);
    const list = await cluster.keva(["keys", "list", "--endpoints", cluster.endpoints]);
    assert.equal(list.code, 1);
    assert.match(list.stderr, /n1 knows n3 by no key that is in use/);
    assert.match(list.stderr, /n3 knows n1 by no key that is in use/);
    await impostor.kill();
    Deno.removeSync(data, { recursive: true });
    assert.deepEqual([await receivedFrom(n1, "n3"), await receivedFrom(n2, "n3")], before, what);
  }
  Deno.writeTextFileSync(`${n3.data}/node.key`, own);
  assert.equal(keys.size, 3);
  await cluster.start();
  assert.equal(textOf(await get(n3.client, key) as Uint8Array), "value");
});

clusterTest("keys: revoked, a node is shut out within a second; authorised again, it is back", {
  settings: KEYED,
}, async ({ cluster }) => {
  const keys = await keysFor(cluster);
  await cluster.start();
  const [n1, n2, n3] = cluster.nodes as [Node, Node, Node];
  authorise(cluster, [keys.get("n1") as string, keys.get("n2") as string]);
  const reloaded = await cluster.keva(["keys", "reload", "--endpoints", cluster.endpoints]);
  const revokedAt = performance.now();
  assert.match(reloaded.stderr, /n1 knows n3 by no key that is in use/);
  await until("n3 shut out", async () => {
    const views = await Promise.all([n1, n2].map(keysOf));
    return views.every(({ links }) => links.find(({ node }) => node === "n3")?.up === false);
  });
  const tookMs = performance.now() - revokedAt;
  assert.ok(tookMs < REVOKED_MS, `closed after ${tookMs} ms`);
  await n1.running.line(/key revoked.*peer=n3/);
  const key = bytesOf("key");
  assert.equal((await put(n1.client, key, bytesOf("without n3"))).effect, "done");
  await until("n3 not ready", async () => !await n3.isReady());
  authorise(cluster, [...keys.values()]);
  await n3.ready(); // the file has changed, which is enough
  assert.equal(textOf(await get(n3.client, key) as Uint8Array), "without n3");
});

clusterTest("keys: all nodes change theirs under load, without a restart or a failed request", {
  settings: KEYED,
}, async ({ cluster, random }) => {
  const keys = await keysFor(cluster);
  await cluster.start();
  const pids = cluster.nodes.map(({ running }) => running.pid);
  const ledger = new Ledger();
  const load = new Load({ nodes: cluster.nodes, ledger, random, perSecond: 200 });
  for (const node of cluster.nodes) {
    const old = keys.get(node.name) as string;
    const next = await keygen(cluster, `${cluster.directory}/next`, node.name);
    assert.notEqual(old, next);
    authorise(cluster, [...keys.values(), next]);
    await everywhere(cluster, node.name, 2);
    Deno.renameSync(`${cluster.directory}/next/node.key`, `${node.data}/node.key`);
    await until(`links of ${node.name} on the new key`, async () => {
      const views = await Promise.all(cluster.nodes.map(keysOf));
      return views.every(({ authorised }) => {
        const states = authorised.filter((one) => one.node === node.name).map(({ state }) => state);
        return states[0] === "absent" && states[1] !== "absent";
      });
    });
    keys.set(node.name, next);
    authorise(cluster, [...keys.values()]);
    await everywhere(cluster, node.name, 1);
  }
  await load.stop();
  assert.deepEqual(load.refused.map(({ outcome }) => outcome), []);
  console.log(
    `${load.acknowledgedCount} writes, none failed, the slowest took ${load.slowestMs()} ms`,
  );
  assert.deepEqual(cluster.nodes.map(({ running }) => running.pid), pids);
  for (const { name, running } of cluster.nodes) {
    const broken = running.lines.filter((line) => /link down|standing|no leader/i.test(line));
    assert.deepEqual(broken.filter((line) => !line.includes("nothing listens")), [], name);
  }
  assert.deepEqual(await ledger.contradictions((key) => get(cluster.nodes[0]!.client, key)), []);
});

/** Waits until each running node knows `node` by so many keys. */
async function everywhere(cluster: Cluster, node: string, count: number): Promise<void> {
  await until(`${count} keys of ${node} everywhere`, async () => {
    const views = await Promise.all(cluster.running.map(keysOf));
    return views.every(({ authorised }) =>
      authorised.filter((one) => one.node === node).length === count
    );
  });
}
