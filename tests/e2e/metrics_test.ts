/** What the binary tells about itself, where the numbers come from a real disk, loop and system. */

import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { parseExposition } from "../support/exposition.ts";
import { clusterTest } from "./support/cluster.ts";
import { put, textOf } from "./support/kv.ts";

clusterTest("metrics: are there on every node, and keva status shows the best of them", {}, async (
  { cluster },
) => {
  await cluster.start();
  for (const { client, name } of cluster.nodes) {
    assert.equal((await put(client, new Uint8Array([1]), new Uint8Array([2]))).effect, "done");
    const { values } = parseExposition(textOf((await client.request("GET", "/metrics")).body));
    const value = (series: string): number => values.get(series) as number;
    assert.equal(value(`keva_node_info{node="${name}",version="${manifest.version}"}`), 1);
    for (
      const series of [
        "keva_wal_fsync_duration_seconds_sum",
        "keva_event_loop_delay_seconds_count",
        'keva_http_request_duration_seconds_sum{method="PUT",route="/v1/storage/key/{key}"}',
        "process_cpu_seconds_total",
      ]
    ) {
      assert.ok(value(series) > 0, `${series} of ${name} is ${value(series)}`);
    }
    assert.ok(value("process_resident_memory_bytes") > value("process_heap_bytes"));
    if (Deno.build.os === "linux") assert.ok(value("process_open_fds") > 5);
    const ageSeconds = Date.now() / 1000 - value("process_start_time_seconds");
    assert.ok(ageSeconds > 0 && ageSeconds < 300, `${ageSeconds} s`);
  }
  const { code, stdout, stderr } = await cluster.keva(["status"]);
  assert.equal(code, 0, stderr);
  assert.equal(textOf(stdout).match(/ \d+\.\d ms +\d+\.\d ms /g)?.length, cluster.nodes.length);
});
