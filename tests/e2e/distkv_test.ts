/** The curl lines of distkv's example, as its origin prints them, on a cluster of Keva. */

import assert from "node:assert/strict";
import { clusterTest } from "./support/cluster.ts";
import { textOf } from "./support/kv.ts";
import { output } from "./support/process.ts";

clusterTest("distkv: the curl lines of its example work on any node", {}, async ({ cluster }) => {
  await cluster.start();
  const [a, b, c] = cluster.endpoints.split(",") as [string, string, string];
  const lines: [command: string, prints: string][] = [
    [`curl -XPOST ${a}/key -d '{"user1": "batman", "user2": "robin"}'`, ""],
    [`curl -XGET ${b}/key/user1`, '{"user1":"batman"}'],
    [`curl -XGET ${c}/key/user2`, '{"user2":"robin"}'],
    [`curl -XDELETE ${b}/key/user2`, ""],
    [`curl -XGET ${c}/key/user2`, '{"user2":""}'],
  ];
  for (const [command, prints] of lines) {
    const { code, stdout, stderr } = await output("sh", { args: ["-c", command] });
    assert.equal(code, 0, stderr);
    assert.equal(textOf(stdout), prints, command);
  }
});
