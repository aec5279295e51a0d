/** What /metrics tells: in the exact format, under known names, and never a key. */

import assert from "node:assert/strict";
import { type HttpServer, routes, serveHttp } from "../../src/api/mod.ts";
import { counter, exposition, gauge } from "../../src/api/metrics/mod.ts";
import { Service } from "../../src/service/mod.ts";
import { parseExposition, type Scrape } from "../support/exposition.ts";
import { golden } from "../support/golden.ts";
import { MemoryLog } from "../support/memory_log.ts";
import { SimCluster } from "../support/sim_cluster.ts";
import { Client, Harness, request } from "./support.ts";

const SCRAPE = request("GET /metrics");

// The first scrape loads a library, which takes real time that no virtual clock waits for.
await exposition([]);

function bodyOf(answer: string): string {
  return answer.slice(answer.indexOf("\r\n\r\n") + 4);
}

Deno.test("GET /metrics is the whole list, each with what it means", async () => {
  const harness = await Harness.start();
  await harness.exchange(request("PUT /v1/storage/key/a", [], "value"));
  await harness.exchange(request("GET /v1/storage/key/a") + request("HEAD /v1/storage/key/b"));
  await harness.exchange(request("GET /nowhere"));
  await harness.exchange("GET\r\n\r\n");
  const client = await harness.connect();
  const answer = await client.exchange(SCRAPE);
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(answer, /\r\nContent-Type: text\/plain; version=0\.0\.4; charset=utf-8\r\n/);
  parseExposition(bodyOf(answer));
  golden(import.meta.url, "metrics.txt", bodyOf(answer));
  client.close();
  await harness.stop();
});

Deno.test("GET /metrics names routes, never what a client sent", async () => {
  const harness = await Harness.start();
  for (let i = 0; i < 200; i++) {
    await harness.exchange(
      request(`GET /v1/storage/key/secret${i}`) + request(`GET /secret${i}`) +
        request(`SECRET${i} /livez`) + request(`GET /livez?secret${i}`),
    );
  }
  const text = bodyOf(await harness.exchange(SCRAPE));
  assert.doesNotMatch(text, /secret/i);
  const { values, labels } = parseExposition(text);
  const known = new Set([...routes.map(({ path }) => path), "other"]);
  assert.deepEqual([...labels.get("route") as Set<string>].filter((it) => !known.has(it)), []);
  assert.equal(
    values.get('keva_http_requests_total{method="GET",route="/v1/storage/key/{key}",status="204"}'),
    200,
  );
  const other = 'keva_http_requests_total{method="other",route="other",status=';
  assert.equal(values.get(`${other}"404"}`), 200);
  assert.equal(values.get(`${other}"405"}`), 200);
  assert.equal(values.get(`${other}"400"}`), 200);
  await harness.stop();
});

/** A node that is real but for its ports, with the HTTP front on it. */
async function frontedNode(): Promise<{ cluster: SimCluster; client: Client; server: HttpServer }> {
  const cluster = await SimCluster.started({ nodes: 1 });
  const { clock, network } = cluster;
  const server = await serveHttp({
    hosts: ["n1"],
    door: network.on("front"),
    clock,
    log: new MemoryLog(),
    service: new Service({ replica: cluster.node("n1"), clock }),
    address: { host: "front", port: 380 },
  });
  const dialed = network.on("client").dial({ host: "front", port: 380 }, 1_000);
  return { cluster, client: new Client(await cluster.wait(dialed), clock), server };
}

/** What `act` adds to each series, after a check that no counter has gone back. */
async function moved(
  client: Client,
  act: () => Promise<unknown>,
): Promise<(name: string) => number> {
  const scrape = async (): Promise<Scrape> =>
    parseExposition(bodyOf(await client.exchange(SCRAPE)));
  const before = await scrape();
  await act();
  const after = await scrape();
  for (const [series, value] of before.values) {
    const family = series.replace(/\{.*/, "").replace(/_(?:bucket|sum|count)$/, "");
    if (after.types.get(family) === "gauge") continue;
    assert.ok(after.values.get(series) as number >= value, series);
  }
  return (name) => (after.values.get(name) ?? 0) - (before.values.get(name) ?? 0);
}

Deno.test("GET /metrics of a node: a write moves what it should, and nothing goes back", async () => {
  const { cluster, client, server } = await frontedNode();
  const put = request("PUT /v1/storage/key/a", [], "value");
  const added = await moved(client, () => client.exchange(put));
  const ofPut = 'method="PUT",route="/v1/storage/key/{key}"';
  assert.equal(added(`keva_http_requests_total{${ofPut},status="200"}`), 1);
  assert.equal(added(`keva_http_request_duration_seconds_count{${ofPut}}`), 1);
  assert.equal(added("keva_wal_fsync_duration_seconds_count"), added("keva_wal_frames_total"));
  assert.ok(added("keva_wal_frames_total") >= 1);
  assert.ok(added("keva_wal_written_bytes_total") > "value".length);
  assert.equal(added("keva_wal_frame_entries_sum"), 1);
  assert.equal(added("keva_proposals_total"), 1);
  assert.equal(added("keva_raft_commit_index"), 1);
  assert.equal(added("keva_raft_applied_index"), 1);
  assert.equal(added("keva_items"), 1);
  server.close();
  client.close();
  await cluster.stop("n1");
});

Deno.test("GET /metrics of a node: reads that are pipelined share a batch", async () => {
  const { cluster, client, server } = await frontedNode();
  const read = request("GET /v1/storage/key/a");
  const added = await moved(client, () => client.exchange(read.repeat(10)));
  assert.equal(added("keva_read_batch_reads_sum"), 10);
  assert.equal(added("keva_read_batch_reads_count"), 1);
  assert.equal(added("keva_read_rounds_total"), 1);
  assert.equal(added("keva_wal_frames_total"), 0);
  server.close();
  client.close();
  await cluster.stop("n1");
});

Deno.test("exposition() keeps what a label holds from ending it", async () => {
  const { text } = await exposition([
    gauge("a", "One\nline.", [{ labels: { b: 'a"b\\c\nd' }, value: 1 }]),
    counter("c_total", "None.", undefined),
  ]);
  assert.equal(
    text,
    '# HELP a One\\nline.\n# TYPE a gauge\na{b="a\\"b\\\\c\\nd"} 1\n\n' +
      "# HELP c_total None.\n# TYPE c_total counter\n",
  );
  parseExposition(text);
});
