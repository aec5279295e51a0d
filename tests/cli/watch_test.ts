/** keva watch against nodes that answer by script. */

import assert from "node:assert/strict";
import { run } from "../../src/cli/mod.ts";
import { fakeCluster, problem } from "../client/fake_cluster.ts";
import { eventStream, mark, put } from "../client/fake_events.ts";
import { keva, world } from "./fake_context.ts";

const EVENTS = [
  put("a\n", 3),
  mark("synced", 5),
  put("b", 6, "6.0"),
  'event: delete\nid: 7.0\ndata: {"keyBase64":"/w==","revision":7}\n\n',
  mark("progress", 8),
  mark("reset", 9),
];

/** Until the last event was printed, then Ctrl-C. */
async function watched(args: string[], last: string, pieces: readonly string[] = EVENTS) {
  const cluster = fakeCluster(eventStream(pieces), "hang");
  const given = world({ args: ["watch", ...args], cluster });
  const ended = run(given.context);
  await given.untilWritten(last);
  given.raise("SIGINT");
  return { exit: await ended, stdout: given.stdout(), calls: cluster.calls };
}

Deno.test("watch prints a line for each change, with nothing in it that drives a terminal", async () => {
  const { exit, stdout, calls } = await watched(["a/", "--initial"], "reset");
  assert.equal(exit, 0);
  assert.equal(
    stdout,
    ["3 put a\\x0a v3", "5 synced", "6 put b v6", "7 delete \\xff", "9 reset", ""].join("\n"),
  );
  assert.equal(calls[0]?.url, "http://localhost:380/v1/storage/watch?prefix64=YS8&initial=true");
});

Deno.test("watch --json prints everything", async () => {
  const { stdout } = await watched(["--json"], "reset");
  assert.deepEqual(stdout.trim().split("\n").map((line) => JSON.parse(line)), [
    { kind: "put", key: "YQo=", value: "djM=", contentType: "text/plain", revision: 3 },
    { kind: "synced", revision: 5, id: "5" },
    { kind: "put", key: "Yg==", value: "djY=", contentType: "text/plain", revision: 6, id: "6.0" },
    { kind: "delete", key: "/w==", revision: 7, id: "7.0" },
    { kind: "progress", revision: 8, id: "8" },
    { kind: "reset", revision: 9, id: "9" },
  ]);
});

Deno.test("watch begins where it is told to", async () => {
  for (const [args, id] of [[["--from", "7"], "6"], [["--after", "6.0"], "6.0"]] as const) {
    const { calls } = await watched([...args], "b", [put("b", 8, "8.0")]);
    assert.equal(calls[0]?.headers.get("last-event-id"), id);
  }
  for (const args of [["--from", "0"], ["--from", "x"], ["--from", "1", "--after", "1"]]) {
    assert.equal((await keva(["watch", ...args])).exit, 2);
  }
});

Deno.test("watch ends with the reason when a node refuses it", async () => {
  const cluster = fakeCluster(problem(403, { code: "denied", detail: "No.", next: "Ask." }));
  const { exit, stderr } = await keva(["watch"], { cluster });
  assert.deepEqual([exit, stderr], [1, "keva: No. Ask.\n"]);
});

Deno.test("watch ends when nobody reads it any more", async () => {
  const cluster = fakeCluster(eventStream(EVENTS));
  const stdout = { isTerminal: false, colour: false, closed: true, write: () => {} };
  assert.equal((await keva(["watch"], { cluster, overrides: { stdout } })).exit, 0);
});
