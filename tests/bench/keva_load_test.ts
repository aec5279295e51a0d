/** The load generator counts right answers only, and says what was wrong with the others. */

import assert from "node:assert/strict";
import { LoadProcess } from "../../bench/load/process.ts";
import type { Load, LoadJob } from "../../bench/target.ts";
import { keysOf, type Operation } from "../../bench/workload.ts";
import { workload } from "./support.ts";

const DATA = { keys: 50, valueBytes: 256 };

type Answer = (key: string, revision: number) => Response;

/** A round of one client against a server that answers as it is told to. */
function roundAgainst(operation: Operation, answer: Answer): Promise<Load> {
  const load = workload({ data: DATA, clients: 1, readShare: operation === "read" ? 1 : 0 });
  return jobAgainst({ kind: "round", workload: load, warmupMs: 50, measureMs: 200 }, answer);
}

async function jobAgainst(job: LoadJob, answer: Answer): Promise<Load> {
  let revision = 0;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      await request.arrayBuffer();
      return answer(request.url.slice(-16), ++revision);
    },
  );
  const generator = new LoadProcess(new URL("../../bench/keva/load.ts", import.meta.url).href);
  try {
    const edges: string[] = [];
    const ports = [server.addr.port];
    const load = await generator.run({ job, ports }, (edge) => edges.push(edge));
    assert.deepEqual(edges, ["begin", "end"]);
    return load;
  } finally {
    await generator.stop();
    await server.shutdown();
  }
}

function value(key: string, bytes = DATA.valueBytes): string {
  return key.padEnd(bytes, "x");
}

function found(revision: number, body: string, consistency = "linearizable"): Response {
  const headers = { "Keva-Revision": String(revision), "Keva-Consistency": consistency };
  return new Response(body, { headers });
}

Deno.test("right answers count, with their latencies", async () => {
  for (const operation of ["read", "write"] as const) {
    const load = await roundAgainst(operation, (key, revision) => found(revision, value(key)));
    assert.deepEqual(load.errors, {}, operation);
    assert.ok(load.operations > 0, operation);
    assert.ok(load.p50Ms > 0 && load.p99Ms >= load.p50Ms, operation);
  }
});

const WRONG: [fault: string, operation: Operation, answer: Answer][] = [
  ["status 204", "read", () => new Response(null, { status: 204 })],
  ["status 503", "write", () => new Response("busy", { status: 503 })],
  ["wrong: not linearizable", "read", (key, n) => found(n, value(key), "stale")],
  ["wrong: no revision", "read", (key) => found(0, value(key))],
  ["wrong: the length of the value", "read", (key, n) => found(n, value(key, 255))],
  ["wrong: the value of another key", "read", (_, n) => found(n, value("another"))],
  ["wrong: the revision does not grow", "write", () => found(0, "")],
];

for (const [fault, operation, answer] of WRONG) {
  Deno.test(`an answer that is wrong does not count: ${fault}`, async () => {
    const load = await roundAgainst(operation, answer);
    assert.equal(load.operations, 0);
    assert.deepEqual(Object.keys(load.errors), [fault]);
  });
}

Deno.test("a probe ends with the first write that is acknowledged", async () => {
  const refused = 30;
  const load = await jobAgainst(
    { kind: "probe", data: DATA },
    (key, n) => n <= refused ? new Response("busy", { status: 503 }) : found(n, value(key)),
  );
  assert.equal(load.operations, 1);
  assert.deepEqual(load.errors, { "status 503": refused });
});

Deno.test("keys are distinct, and 16 bytes long", () => {
  const keys = new TextDecoder().decode(keysOf({ keys: 5000, valueBytes: 1 }));
  assert.equal(keys.length, 5000 * 16);
  assert.equal(new Set(keys.match(/.{16}/g)).size, 5000);
  const others = new TextDecoder().decode(keysOf({ keys: 1, valueBytes: 2 }));
  assert.ok(!keys.includes(others), "sets of data share no key");
});
