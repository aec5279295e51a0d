import assert from "node:assert/strict";
import { nativeDisk } from "../../src/platform/mod.ts";
import { keva, world } from "./fake_context.ts";

Deno.test("inspect says where the bytes stop making sense, and leaves them as they are", async () => {
  const path = Deno.makeTempDirSync();
  try {
    const segment = `${path}/wal/0000000000000001.wal`;
    Deno.mkdirSync(`${path}/wal`);
    Deno.writeFileSync(segment, new Uint8Array(100).fill(7));
    const ports = { ...world().context.ports, disk: nativeDisk() };
    for (const args of [["dir", path], ["wal", segment]]) {
      const { exit, stdout, stderr } = await keva(["inspect", ...args], { overrides: { ports } });
      assert.deepEqual([exit, stderr], [0, ""]);
      assert.ok(stdout.includes(`segment ${segment}, 100 bytes\n`), stdout);
      assert.match(stdout, /^ {2}at 0: stop, recovery refuses/m);
    }
    assert.deepEqual(Deno.readFileSync(segment), new Uint8Array(100).fill(7));
    assert.deepEqual([...Deno.readDirSync(path)].map(({ name }) => name), ["wal"]);
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
});
