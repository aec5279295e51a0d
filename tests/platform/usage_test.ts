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
  name: "systemProcess.openFilesMax() is the limit that the process was started with",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const { stdout } = await new Deno.Command("sh", { args: ["-c", "ulimit -n"] }).output();
    const limit = new TextDecoder().decode(stdout).trim();
    assert.equal(String(systemProcess.openFilesMax() ?? "unlimited"), limit);
  },
});
