/** What was written through one node is read at once through every other: nothing stale, nothing wrong. */

import assert from "node:assert/strict";
import { clusterTest, type Node } from "./support/cluster.ts";
import { get, put, textOf } from "./support/kv.ts";
import { equal } from "./support/ledger.ts";

const KEYS = 1_000;
const KEYS_BY_COMMAND = 6;
const PARALLEL = 8;

clusterTest("reads: on every node show each write at once", {}, async ({ cluster, random }) => {
  await cluster.start();
  const found = { right: 0, stale: 0, wrong: 0 };
  const worker = async (first: number): Promise<void> => {
    for (let number = first; number < KEYS; number += PARALLEL) {
      const [writer, ...readers] = rotated(cluster.nodes, number);
      const key = random.bytes(random.between(1, 64));
      // The number makes keys and values differ even where the random part is short.
      const value = new Uint8Array([
        number >> 8,
        number & 255,
        ...random.bytes(random.below(2000)),
      ]);
      const unique = new Uint8Array([...key, number >> 8, number & 255]);
      const { effect, why } = await put((writer as Node).client, unique, value);
      assert.equal(effect, "done", why);
      const reads = await Promise.all(readers.map((reader) => get(reader.client, unique)));
      for (const read of reads) {
        if (read === null) found.stale++;
        else if (equal(read, value)) found.right++;
        else found.wrong++;
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, (_, first) => worker(first)));
  console.log(`${KEYS} keys: ${found.right} right, ${found.stale} stale, ${found.wrong} wrong`);
  assert.deepEqual(found, { right: KEYS * 2, stale: 0, wrong: 0 });
});

clusterTest("keva put and get: pass bytes through any node", {}, async ({ cluster, random }) => {
  await cluster.start();
  for (let number = 0; number < KEYS_BY_COMMAND; number++) {
    const [writer, ...readers] = rotated(cluster.nodes, number);
    const hex = [...random.bytes(12)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const value = random.bytes(random.between(0, 5_000));
    const at = (node: Node): string[] => ["--key-hex", "--endpoints", `127.0.0.1:${node.userPort}`];
    const stored = await cluster.keva(["put", hex, ...at(writer as Node)], value);
    assert.equal(stored.code, 0, stored.stderr);
    assert.match(textOf(stored.stdout), /^stored at revision \d+\n$/);
    for (const reader of readers) {
      const read = await cluster.keva(["get", hex, ...at(reader)]);
      assert.equal(read.code, 0, read.stderr);
      assert.ok(equal(read.stdout, value), `${reader.name} gives other bytes`);
    }
  }
});

function rotated(nodes: readonly Node[], by: number): readonly Node[] {
  const start = by % nodes.length;
  return [...nodes.slice(start), ...nodes.slice(0, start)];
}
