/**
 * Hostile clients and strangers at the port for nodes, while clients that behave go on. Attackers
 * come from other addresses of this machine.
 */

import assert from "node:assert/strict";
import { addressesOf, Attack, type AttackKind } from "./support/attack.ts";
import { type Cluster, clusterTest, type Node } from "./support/cluster.ts";
import { Customers } from "./support/customers.ts";
import { HttpClient } from "./support/http.ts";
import { KEYED, keysFor } from "./support/keys.ts";
import { bytesOf, get, put, textOf } from "./support/kv.ts";
import { knock, NOISE, SMUGGLING, talk } from "./support/noise.ts";
import { pause, until } from "./support/wait.ts";

/** Elsewhere a machine has one loopback address, and no /proc. */
const IS_LINUX = Deno.build.os === "linux";
const OPEN_FILES = 2_048;
/** More than the nodes can have, so that they have to see to it themselves. */
const SETTINGS = `${KEYED}[limits]\nconnections_max = 4096\n`;
const SLOW = 500;
/** Fewer where the attacker may not open so many. */
const SILENT = Math.min(10_000, openFilesCeiling() - 500);
/** An address gets 256 connections. */
const SILENT_ADDRESSES = 20;
/** What holding thousands of connections may cost; a client that is paid for by the byte costs more. */
const GROWTH_BYTES_MAX = 256 * 1024 * 1024;
/** No bound on performance: a node that serves its clients in its pauses only would show. */
const P99_MS_MAX = 5_000;
const BASELINE_MS = 8_000;

clusterTest("abuse: slow and silent connections by the thousand harm nobody else", {
  settings: SETTINGS,
  openFilesMax: OPEN_FILES,
  ignore: !IS_LINUX,
}, async ({ cluster }) => {
  await keysFor(cluster);
  await cluster.start();
  const target = await cluster.leader();
  const [other, third] = await cluster.followers() as [Node, Node];
  const { pid } = target.running;
  await target.running.line(/fewer clients than limits.connections_max.*connections=17\d\d/);
  const customers = new Customers([target, other], 6);
  const usual = rssBytes(pid);
  const show = (what: string): void => {
    const { count, p50Ms, p99Ms } = customers.latencies();
    const grown = (rssBytes(pid) - usual) / 1024 / 1024;
    console.log(
      `${what}: ${count} requests, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, ` +
        `RSS +${grown.toFixed(0)} MiB, ${openFiles(pid)} files`,
    );
    assert.ok(p99Ms < P99_MS_MAX, `${what}: p99 ${p99Ms} ms`);
    assert.ok(grown * 1024 * 1024 < GROWTH_BYTES_MAX, `${what}: RSS +${grown} MiB`);
    assert.deepEqual(customers.failures, [], what);
  };
  const attack = (kind: AttackKind, connections: number, rank: number, addresses: number) =>
    new Attack({
      kind,
      port: target.userPort,
      connections,
      addresses: addressesOf(rank, addresses),
    });
  await pause(BASELINE_MS);
  show("before");
  const before = customers.allLatencies();

  const heads = attack("slow-head", SLOW, 1, 2);
  const bodies = attack("slow-body", SLOW, 2, 2);
  await Promise.all([heads.attempted(), bodies.attempted()]);
  await bodies.until("all of them at work", ({ open }) => open === SLOW);
  await assertServes(target);
  show("500 slow heads and 500 slow bodies arrive");
  const timedOut = await heads.until("all of them turned out", ({ open }) => open === 0);
  assert.deepEqual(timedOut.statuses, { "408": SLOW });
  await Promise.all([heads.stop(), bodies.stop()]);
  show("they are there, until the heads time out");

  const silent = attack("silent", SILENT, 3, SILENT_ADDRESSES);
  const { opened, unreachable } = await silent.attempted();
  assert.equal(opened, SILENT, `${unreachable} connections were not even accepted`);
  assert.ok(openFiles(pid) < OPEN_FILES);
  show(`${SILENT} silent connections arrive`);
  await third.stop();
  third.start();
  await until("links of a node that starts meanwhile", () => linked(target, third));
  show("they are there, and a node restarts");
  await silent.until("all of them turned out", ({ open }) => open === 0);
  await silent.stop();
  const during = customers.allLatencies();
  const times = (during.p99Ms / before.p99Ms).toFixed(2);
  console.log(
    `in all: p99 ${during.p99Ms.toFixed(1)} ms of ${during.count} requests, ${times} of before`,
  );
  await assertServes(target);
  await cluster.ready();
  await customers.stop();
  show("afterwards");
  assert.equal(target.running.pid, pid);
  assert.ok(target.isRunning);
});

for (const keyed of [true, false]) {
  const kind = keyed ? "keyed" : "plain";
  clusterTest(`abuse: noise at the port for nodes, ${kind}, and smuggled requests`, {
    settings: keyed ? KEYED : "",
    openFilesMax: OPEN_FILES,
    ignore: !IS_LINUX,
  }, async ({ cluster }) => {
    if (keyed) await keysFor(cluster);
    await cluster.start();
    const target = await cluster.leader();
    const [other, third] = await cluster.followers() as [Node, Node];
    const { pid } = target.running;
    const customers = new Customers([target, other], 3);
    const usual = rssBytes(pid);
    const before = await refusedLinks(target);
    const port = target.peerPort;
    const knocks = Object.entries(NOISE).map(([what, bytes], i) =>
      knock({ port, bytes, from: `127.0.9.${i + 1}`, tls: keyed }).then((ended) =>
        assert.ok(ended, `${what}: the node holds the connection`)
      )
    );
    const crowd = Array.from(
      { length: 100 },
      () => knock({ port, bytes: new Uint8Array(0), from: "127.0.9.200", tls: false }),
    );
    for (const [what, bytes] of Object.entries(SMUGGLING)) {
      const answer = await talk(target.userPort, bytes);
      assert.deepEqual(answer.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 400"], `${what}:\n${answer}`);
    }
    await Promise.all([...knocks, ...crowd]);
    assert.ok(await refusedLinks(target) - before >= Object.keys(NOISE).length);
    await third.stop();
    third.start();
    await until("links of a node that starts afterwards", () => linked(target, third));
    await assertServes(target);
    await cluster.ready();
    await customers.stop();
    assert.deepEqual(customers.failures, []);
    assert.equal(target.running.pid, pid);
    const grown = rssBytes(pid) - usual;
    console.log(`RSS +${(grown / 1024 / 1024).toFixed(0)} MiB`);
    assert.ok(grown < GROWTH_BYTES_MAX);
    assertFewLines(cluster);
  });
}

/** A client that comes only now is let in and served. */
async function assertServes({ userPort, address }: Node): Promise<void> {
  const client = new HttpClient(userPort, address);
  const key = bytesOf("newcomer");
  const { effect, why } = await put(client, key, bytesOf("here"));
  assert.equal(effect, "done", why);
  assert.equal(textOf(await get(client, key) as Uint8Array), "here");
  client.close();
}

async function metric({ client }: Node, pattern: RegExp): Promise<number> {
  const text = textOf((await client.request("GET", "/metrics")).body);
  return Number(pattern.exec(text)?.[1] ?? NaN);
}

async function linked(node: Node, peer: Node): Promise<boolean> {
  const up = new RegExp(`^keva_peer_link_up\\{peer="${peer.name}"\\} (\\d)$`, "m");
  return await metric(node, up) === 1 &&
    await metric(peer, new RegExp(up.source.replace(peer.name, node.name), "m")).catch(() => 0) ===
      1;
}

function refusedLinks(node: Node): Promise<number> {
  return metric(node, /^keva_peer_links_refused_total (\d+)$/m);
}

/** As far as this process and its children may raise their limit. */
function openFilesCeiling(): number {
  if (!IS_LINUX) return 0;
  const limits = Deno.readTextFileSync("/proc/self/limits");
  return Number(/^Max open files +\d+ +(\d+)/m.exec(limits)?.[1]);
}

function rssBytes(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

function openFiles(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** Strangers cannot fill the log. */
function assertFewLines(cluster: Cluster): void {
  for (const { name, running } of cluster.nodes) {
    assert.ok(running.lines.length < 300, `${name} has logged ${running.lines.length} lines`);
  }
}
