/** The bench runs, and what it writes can be read by machines. Nothing here depends on speed. */

import assert from "node:assert/strict";
import type { Report } from "../../bench/report.ts";
import { workloadName } from "../../bench/workload.ts";
import { ROOT } from "../../tools/paths.ts";
import { output } from "./support/process.ts";

/** One of each kind. */
const NAMES = [
  "writes, 1 client",
  "reads, 256 clients",
  "reads and writes 90/10, 64 clients",
  "writes at 1,000/s",
];
const ONLY = `^(${NAMES.join("|")})$`;

function bench(...args: string[]): ReturnType<typeof output> {
  return output(Deno.execPath(), { args: ["run", "-A", `${ROOT}/bench/main.ts`, ...args] });
}

Deno.test("bench: tiny rounds give a table and JSON, and leave nothing behind", async () => {
  const directory = await Deno.makeTempDir({ prefix: "keva-bench-" });
  const json = `${directory}/report.json`;
  const tiny = `--targets keva --rounds 1 --seconds 0.1 --keys 200`;
  try {
    const { code, stdout, stderr } = await bench(
      ...tiny.split(" "),
      ...["--only", ONLY, "--json", json, "--dir", directory],
    );
    assert.equal(code, 0, stderr);
    const text = new TextDecoder().decode(stdout);
    for (const name of NAMES) assert.match(text, new RegExp(`^keva ${name} +[\\d,.]+ `, "m"));
    assert.match(text, /^left out: .*reads of 16 KiB/m);
    check(JSON.parse(await Deno.readTextFile(json)));
    assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["report.json"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

function check(report: Report): void {
  assert.deepEqual(report.details.map(({ workload }) => workloadName(workload)), NAMES);
  assert.deepEqual(report.targets.map(({ name }) => name), ["keva"]);
  assert.equal(report.samples.length, NAMES.length);
  assert.ok(report.machine.syncMs > 0 && report.machine.cores > 0);
  assert.ok(report.plan.rows.every(({ workload }) => workload.data.keys === 200));
  for (const { workload, errors, perSecond, p50Ms, p99Ms, nodes } of report.details) {
    const name = workloadName(workload);
    assert.deepEqual(errors, {}, name);
    assert.ok(perSecond.median > 0 && p50Ms.median <= p99Ms.median, name);
    assert.deepEqual(nodes.map(({ name }) => name), ["n1", "n2", "n3"]);
    assert.ok(nodes.every(({ rssBytesMax }) => rssBytesMax > 0), name);
  }
  for (const { name, figures, ratio } of report.rows) {
    assert.ok((figures["keva"]?.median ?? 0) > 0, name);
    assert.equal(ratio, null, "there is nothing to compare with");
  }
  assert.match(report.rows.at(-1)?.name as string, /^memory per node, 200 keys/);
  for (const { nodes } of report.samples) {
    assert.equal(nodes.filter(({ leads }) => leads).length, 1);
  }
}

Deno.test("bench: wrong use is refused in one sentence", async () => {
  const { code, stderr } = await bench("--rounds", "none");
  assert.equal(code, 1);
  assert.equal(stderr, 'bench: --rounds is "none"; allowed: numbers above 0\n');
});
