import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { thisProcess } from "../../src/platform/mod.ts";

function writeMuch(): Deno.ChildProcess {
  const script = fileURLToPath(new URL("./write_much.ts", import.meta.url));
  const args = ["run", "--allow-all", "--no-check", script];
  return new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "piped" }).spawn();
}

Deno.test("thisProcess() stdout writes everything to a slow reader", async () => {
  const { code, stdout } = await writeMuch().output();
  assert.equal(code, 0);
  assert.equal(stdout.length, 4096 * 1024);
});

Deno.test("thisProcess() stdout is silent when its reader goes away", async () => {
  const child = writeMuch();
  const reader = child.stdout.getReader();
  assert.ok(!(await reader.read()).done);
  await reader.cancel();
  const [status, stderr] = await Promise.all([child.status, new Response(child.stderr).text()]);
  assert.deepEqual([status.code, stderr], [0, ""]);
});

Deno.test("thisProcess() env shows only variables with the prefix", () => {
  Deno.env.set("KEVA_TEST_ONLY", "1");
  try {
    const env = thisProcess().env("KEVA_TEST_");
    assert.deepEqual(env, { KEVA_TEST_ONLY: "1" });
  } finally {
    Deno.env.delete("KEVA_TEST_ONLY");
  }
});
