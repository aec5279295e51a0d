/** The bench runs, and what it writes can be read by machines. Nothing here depends on speed. */

import assert from "node:assert/strict";
import type { Report } from "../../bench/report.ts";
import { ROOT } from "../../tools/paths.ts";
import { output } from "./support/process.ts";

function bench(...args: string[]): ReturnType<typeof output> {
  return output(Deno.execPath(), { args: ["run", "-A", `${ROOT}/bench/main.ts`, ...args] });
}

Deno.test("bench: tiny rounds give a table and JSON, and leave nothing behind", async () => {
  const directory = await Deno.makeTempDir({ prefix: "keva-bench-" });
  const json = `${directory}/report.json`;
  const tiny = ["--quick", "--rounds", "1", "--seconds", "0.1", "--keys", "200"];
  try {
    const { code, stdout, stderr } = await bench(...tiny, "--json", json, "--dir", directory);
    assert.equal(code, 0, stderr);
    assert.match(new TextDecoder().decode(stdout), /^keva reads, 256 clients +[\d,]+ /m);
    check(JSON.parse(await Deno.readTextFile(json)));
    assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["report.json"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

function check(report: Report): void {
  const workloads = [1, 64, 256].flatMap((clients) =>
    ["write", "read"].map((operation) => ({ operation, clients }))
  );
  assert.deepEqual(report.rows.map(({ workload }) => workload), workloads);
  assert.deepEqual(report.targets.map(({ name }) => name), ["keva"]);
  assert.equal(report.samples.length, workloads.length);
  assert.ok(report.machine.syncMs > 0 && report.machine.cores > 0);
  assert.equal(report.plan.data.keys, 200);
  for (const row of report.rows) {
    const name = JSON.stringify(row.workload);
    assert.deepEqual(row.errors, {}, name);
    assert.ok(row.perSecond.median > 0 && row.p50Ms.median <= row.p99Ms.median, name);
    assert.deepEqual(row.nodes.map(({ name }) => name), ["n1", "n2", "n3"]);
    assert.ok(row.nodes.every(({ rssBytesMax }) => rssBytesMax > 0), name);
  }
  for (const { nodes } of report.samples) {
    assert.equal(nodes.filter(({ leads }) => leads).length, 1);
  }
}

Deno.test("bench: wrong use is refused in one sentence", async () => {
  const { code, stderr } = await bench("--rounds", "none");
  assert.equal(code, 1);
  assert.equal(stderr, 'bench: --rounds is "none"; allowed: numbers above 0\n');
});
