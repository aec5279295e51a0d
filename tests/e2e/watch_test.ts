/** A thousand watchers over snapshots and the death of a leader: nothing missing, nothing twice. */

import assert from "node:assert/strict";
import { type Cluster, clusterTest, type Node } from "./support/cluster.ts";
import { bytesOf, textOf } from "./support/kv.ts";
import { pause, until } from "./support/wait.ts";

const WATCHERS = 1_000;
const WRITES = 300;
/** Many at once, so that a watcher which is behind has several events to take in one turn. */
const WRITERS = 10;

clusterTest(
  "watch: a thousand watchers miss nothing over snapshots and a killed leader",
  {
    settings: "[storage]\nsnapshot_entries = 100\n" +
      "[limits]\nconnections_max = 2000\nconnections_per_address_max = 2000\n",
  },
  async ({ cluster }) => {
    await cluster.start();
    const watchers = Array.from({ length: WATCHERS }, (_, i) => new Watcher(cluster, i));
    const ends = watchers.map((watcher) => watcher.run());
    const acknowledged: number[] = [];
    try {
      await until("all watch", () => watchers.every(({ isOpen }) => isOpen), 60_000);

      await writeAll(cluster, 0, WRITES / 2, acknowledged);
      await (await cluster.leader()).kill();
      await writeAll(cluster, WRITES / 2, WRITES, acknowledged);

      const last = Math.max(...acknowledged);
      await until(
        "all have seen everything",
        () => watchers.every(({ seen }) => (seen.at(-1)?.revision ?? 0) >= last),
        120_000,
      );
    } finally {
      for (const watcher of watchers) watcher.end();
      await Promise.all(ends);
    }
    const [first] = watchers as [Watcher];
    const told = new Set(first.seen.map(({ revision }) => revision));
    assert.deepEqual(acknowledged.filter((revision) => !told.has(revision)), [], "gaps");
    for (const { seen, resets } of watchers) {
      assert.equal(resets, 0);
      assert.deepEqual(seen, first.seen);
    }
    const snapshots = cluster.running.map(async (node) => (await node.status())?.snapshotIndex);
    assert.ok((await Promise.all(snapshots)).every((index) => (index ?? 0) > 100), "no snapshots");
    const again = watchers.reduce((sum, { connections }) => sum + connections - 1, 0);
    console.log(`${WATCHERS} watchers, ${first.seen.length} changes each, ${again} came back`);
  },
);

/** A client that keeps watching, wherever it can, from where it was. */
class Watcher {
  readonly seen: { readonly revision: number; readonly key: string }[] = [];
  resets = 0;
  connections = 0;
  isOpen = false;
  readonly #cluster: Cluster;
  readonly #rank: number;
  #lastId: string | null = null;
  #connection: Deno.TcpConn | null = null;
  #ended = false;

  constructor(cluster: Cluster, rank: number) {
    this.#cluster = cluster;
    this.#rank = rank;
  }

  async run(): Promise<void> {
    for (let attempt = this.#rank; !this.#ended; attempt++) {
      const { running } = this.#cluster;
      const node = running[attempt % running.length] as Node;
      try {
        await this.#watch(node);
      } catch {
        await pause(50); // cut off, or turned away: somewhere else then
      }
    }
  }

  end(): void {
    this.#ended = true;
    this.#connection?.close();
  }

  /** HTTP/1.0, where the stream is the rest of the connection: cheap enough for a thousand. */
  async #watch(node: Node): Promise<void> {
    using connection = await Deno.connect({ hostname: node.address, port: node.userPort });
    this.#connection = connection;
    const resumes = this.#lastId === null ? "" : `Last-Event-ID: ${this.#lastId}\r\n`;
    const head = `GET /v1/storage/watch?prefix=w/ HTTP/1.0\r\nHost: ${node.address}\r\n`;
    await connection.write(bytesOf(`${head}${resumes}\r\n`));
    const buffer = new Uint8Array(16 * 1024);
    let text = await readHead(connection, buffer);
    this.connections++;
    this.isOpen = true;
    while (true) {
      const events = text.split("\n\n");
      for (const event of events.slice(0, -1)) this.#take(event);
      const count = await connection.read(buffer);
      if (count === null) return;
      // An event counts once it is whole.
      text = events.at(-1) + textOf(buffer.subarray(0, count));
    }
  }

  #take(event: string): void {
    const [, kind] = /^event: (.*)$/m.exec(event) ?? [];
    const [, id] = /^id: (.*)$/m.exec(event) ?? [];
    if (id !== undefined) this.#lastId = id;
    if (kind === "reset") this.resets++;
    if (kind !== "put") return;
    const [, key, revision] = /"key":"(.*?)","revision":(\d+)/.exec(event) as RegExpExecArray;
    this.seen.push({ revision: Number(revision), key: key as string });
  }
}

/** Throws unless the answer is a 200; returns what came behind its head. */
async function readHead(connection: Deno.TcpConn, buffer: Uint8Array): Promise<string> {
  let text = "";
  while (!text.includes("\r\n\r\n")) {
    const count = await connection.read(buffer);
    if (count === null) throw new Error("no answer");
    text += textOf(buffer.subarray(0, count));
  }
  if (!text.startsWith("HTTP/1.1 200 ")) throw new Error(text);
  return text.slice(text.indexOf("\r\n\r\n") + 4);
}

/** Writes keys `from` to `to`, each until it is acknowledged, and notes all revisions told. */
async function writeAll(
  cluster: Cluster,
  from: number,
  to: number,
  acknowledged: number[],
): Promise<void> {
  let next = from;
  const write = async (rank: number): Promise<void> => {
    for (let key = next++; key < to; key = next++) {
      for (let attempt = 0;; attempt++) {
        const { running } = cluster;
        const { client } = running[(rank + attempt) % running.length] as Node;
        const target = `/v1/storage/key/w/${key}`;
        const answer = await client.request("PUT", target, { body: bytesOf("v") }).catch(() =>
          null
        );
        if (answer?.status !== 200) continue;
        acknowledged.push(JSON.parse(textOf(answer.body)).revision);
        break;
      }
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, rank) => write(rank)));
}
