/** keva watch, a process of its own, while the leader is killed and comes back. */

import assert from "node:assert/strict";
import { BINARY, clusterTest, type Node } from "./support/cluster.ts";
import { bytesOf } from "./support/kv.ts";
import { RunningProcess } from "./support/process.ts";

const WRITES = 60;

clusterTest(
  "keva watch misses nothing and repeats nothing over a killed leader",
  {},
  async (test) => {
    const { cluster } = test;
    await cluster.start();
    const put = async (key: string): Promise<void> => {
      for (let attempt = 0;; attempt++) {
        const { client } = cluster.running[attempt % cluster.running.length] as Node;
        const target = `/v1/storage/key/${key}`;
        const answer = await client.request("PUT", target, { body: bytesOf(key) }).catch(() =>
          null
        );
        if (answer?.status === 200) return;
      }
    };
    await put("w/before");
    await put("other");
    // It begins at the leader, so that its connection breaks.
    const leader = await cluster.leader();
    const endpoints = [leader, ...cluster.nodes.filter((node) => node !== leader)]
      .map(({ address, userPort }) => `${address}:${userPort}`).join(",");
    const args = ["watch", "w/", "--initial", "--endpoints", endpoints];
    const watch = new RunningProcess(BINARY, { args, cwd: cluster.directory });
    try {
      await watch.line(/^\d+ synced$/);
      for (let i = 0; i < WRITES; i++) {
        if (i === WRITES / 3) await leader.kill();
        if (i === 2 * WRITES / 3) await cluster.start();
        await put(`w/${i}`);
      }
      await put("w/last");
      await watch.line(/ put w\/last /);
      watch.signal("SIGINT");
      assert.equal((await watch.end()).code, 0);
    } finally {
      await watch.kill();
    }
    const told = watch.lines.map((line) => /^(\d+) put (\S+) (\S+)$/.exec(line));
    const changes = told.filter((parts) => parts !== null);
    // A write that was repeated after an unknown outcome may be there twice, at two revisions.
    const revisions = changes.slice(1).map(([, revision]) => Number(revision));
    assert.deepEqual(revisions, [...new Set(revisions)].sort((a, b) => a - b));
    const keys = [...new Set(changes.map(([, , key]) => key))];
    const expected = ["w/before", ...Array.from({ length: WRITES }, (_, i) => `w/${i}`), "w/last"];
    assert.deepEqual(keys, expected);
    assert.ok(changes.every(([, , key, value]) => key === value));
    assert.ok(!watch.text.includes("reset"), watch.text);
  },
);
