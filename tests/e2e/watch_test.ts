/** A thousand watchers over snapshots and the death of a leader: nothing missing, nothing twice. */

import assert from "node:assert/strict";
import { type Cluster, clusterTest, type Node } from "./support/cluster.ts";
import { bytesOf, textOf } from "./support/kv.ts";
import { until } from "./support/wait.ts";

const WATCHERS = 1_000;
const WRITES = 500;
/** Many at once, so that a watcher which is behind has several events to take in one turn. */
const WRITERS = 10;

clusterTest(
  "watch: a thousand watchers miss nothing over snapshots and a killed leader",
  {
    settings: "[storage]\nsnapshot_entries = 100\n" +
      "[limits]\nconnections_max = 2000\n",
  },
  async ({ cluster }) => {
    await cluster.start();
    const ending = new AbortController();
    const watchers = Array.from({ length: WATCHERS }, (_, i) => new Watcher(cluster, i));
    const ends = watchers.map((watcher) => watcher.run(ending.signal));
    await until("all watch", () => watchers.every(({ isOpen }) => isOpen), 60_000);

    const acknowledged: number[] = [];
    await writeAll(cluster, 0, WRITES / 2, acknowledged);
    await (await cluster.leader()).kill();
    await writeAll(cluster, WRITES / 2, WRITES, acknowledged);

    const last = Math.max(...acknowledged);
    await until(
      "all have seen everything",
      () => watchers.every(({ seen }) => (seen.at(-1)?.revision ?? 0) >= last),
      120_000,
    );
    ending.abort();
    await Promise.all(ends);
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

  constructor(cluster: Cluster, rank: number) {
    this.#cluster = cluster;
    this.#rank = rank;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { running } = this.#cluster;
      const node = running[(this.#rank + this.connections) % running.length] as Node;
      try {
        await this.#watch(node, signal);
      } catch {
        // Cut off, or turned away: somewhere else then.
      }
    }
  }

  async #watch(node: Node, signal: AbortSignal): Promise<void> {
    const headers = this.#lastId === null ? [] : [["Last-Event-ID", this.#lastId]];
    const url = `http://${node.address}:${node.userPort}/v1/storage/watch?prefix=w/`;
    const response = await fetch(url, { headers: headers as [string, string][], signal });
    if (response.status !== 200 || response.body === null) {
      await response.body?.cancel();
      return;
    }
    this.connections++;
    this.isOpen = true;
    let rest = "";
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const events = (rest + text).split("\n\n");
      rest = events.pop() as string; // an event counts once it is whole
      for (const event of events) this.#take(event);
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
