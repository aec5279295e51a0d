/** The floor does what it is compared for: writes on a majority's disks, and right reads anywhere. */

import assert from "node:assert/strict";
import { floorKind } from "../../bench/floor/target.ts";
import { fill } from "../../bench/measure.ts";
import { optionsOf } from "../../bench/options.ts";
import { keysOf } from "../../bench/workload.ts";
import { workload } from "./support.ts";

const DATA = { keys: 300, valueBytes: 256 };
/** As many as clients send at once make a frame of more than a megabyte. */
const LARGE = { keys: 300, valueBytes: 16 * 1024 };
const MAJORITY = 2;

function occurrences(text: string, keys: readonly string[]): number {
  return keys.filter((key) => text.includes(key)).length;
}

Deno.test("floor: every acknowledged key is in the logs of a majority, every read finds it", async () => {
  const directory = await Deno.makeTempDir();
  const target = floorKind.make(directory);
  try {
    await target.start();
    await fill(target, DATA);
    const text = new TextDecoder().decode(keysOf(DATA));
    const keys = text.match(/.{16}/g) as string[];
    const logs = ["n1", "n2", "n3"].map((name) =>
      new TextDecoder("latin1").decode(Deno.readFileSync(`${directory}/floor-${name}/log`))
    );
    const copies = logs.reduce((sum, log) => sum + occurrences(log, keys), 0);
    assert.ok(copies >= MAJORITY * DATA.keys, `${copies} copies`);
    await fill(target, LARGE);
    const reads = workload({ data: DATA, clients: 12, readShare: 0.5 });
    const { errors, operations } = await target.load(
      { kind: "round", workload: reads, warmupMs: 50, measureMs: 200 },
      () => {},
    );
    assert.deepEqual(errors, {});
    assert.ok(operations > 0);
  } finally {
    await target.stop();
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("floor: it is measured only when it is named, and in rows only", () => {
  assert.deepEqual(optionsOf([])?.targets, ["keva", "etcd"]);
  assert.deepEqual(optionsOf(["--targets", "keva,floor"])?.targets, ["keva", "floor"]);
  const args = ["--targets", "keva,floor", "--only", "leader killed"];
  assert.throws(() => optionsOf(args), /floor has rows, but not "leader killed"; narrow --only/);
});
