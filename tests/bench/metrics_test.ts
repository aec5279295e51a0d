/** Counters of nodes, and of the system. */

import assert from "node:assert/strict";
import { growthOf, parseMetrics } from "../../bench/metrics.ts";
import { diskBytesOf, flushesOf, usageOf } from "../../bench/usage.ts";

Deno.test("parseMetrics() reads series with and without labels", () => {
  const text = '# HELP a b.\n# TYPE a counter\na_total 12\nb{le="0.1",x="y z"} 1.5e3\n';
  assert.deepEqual([...parseMetrics(text)], [["a_total", 12], ['b{le="0.1",x="y z"}', 1500]]);
});

Deno.test("growthOf() compares node by node, and says what a node does not tell", () => {
  const before = [parseMetrics("a 1\n"), parseMetrics("a 5\n")];
  const after = [parseMetrics("a 4\n"), parseMetrics("a 5\n")];
  assert.deepEqual(growthOf("a", before, after), [3, 0]);
  assert.throws(() => growthOf("b", before, after), /a node tells no b/);
});

Deno.test({
  name: "what a process uses is read from /proc",
  ignore: Deno.build.os !== "linux",
  fn: () => {
    const { cpuSeconds, rssBytes, anonymousBytes } = usageOf(Deno.pid);
    assert.ok(cpuSeconds > 0 && rssBytes > anonymousBytes && anonymousBytes > 2 ** 20);
    assert.ok(diskBytesOf(Deno.pid) >= 0);
    const flushes = flushesOf(".");
    assert.ok(Number.isNaN(flushes) || flushes >= 0, "not every file system has a device");
  },
});
