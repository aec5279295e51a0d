import assert from "node:assert/strict";
import { systemProcess } from "../../src/platform/mod.ts";

Deno.test("systemProcess.usage() tells memory that is there and time that passes", () => {
  const before = systemProcess.usage();
  assert.ok(before.heapBytes > 1e6 && before.residentBytes > before.heapBytes);
  while (systemProcess.usage().cpuSeconds === before.cpuSeconds);
  assert.ok(systemProcess.usage().cpuSeconds > before.cpuSeconds);
});

Deno.test({
  name: "systemProcess.usage() counts what is open",
  ignore: Deno.build.os !== "linux",
  fn() {
    const open = () => systemProcess.usage().openFiles as number;
    const before = open();
    const file = Deno.openSync(Deno.execPath());
    assert.equal(open(), before + 1);
    file.close();
    assert.equal(open(), before);
  },
});

Deno.test({
  name: "systemProcess.spareFiles() counts up to the limit of the process, and opens nothing",
  ignore: Deno.build.os !== "linux",
  fn() {
    const before = systemProcess.usage().openFiles as number;
    assert.equal(systemProcess.spareFiles(10), 10);
    const limits = Deno.readTextFileSync("/proc/self/limits");
    const limit = Number(/^Max open files +(\d+)/m.exec(limits)?.[1]);
    const spare = systemProcess.spareFiles(30_000);
    // What earlier tests of this process left open is closed whenever it is collected.
    assert.ok(
      spare <= limit && spare >= Math.min(30_000, limit - before) - 1,
      `${spare} of ${limit}`,
    );
    assert.ok((systemProcess.usage().openFiles as number) <= before);
  },
});
