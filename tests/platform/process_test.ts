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

Deno.test("giveUpChildren() leaves a process that can start no other", async () => {
  const module = new URL("../../src/platform/process.ts", import.meta.url).href;
  const start = `new Deno.Command(Deno.execPath(), { args: ["--version"] }).outputSync()`;
  const script = `
    import { giveUpChildren } from ${JSON.stringify(module)};
    ${start};
    await giveUpChildren();
    try { ${start}; } catch (error) { console.log(error.name); }`;
  const args = ["run", "--no-prompt", "--no-check", "--allow-run", "--allow-read", "-"];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const { stdout } = await child.output();
  assert.equal(new TextDecoder().decode(stdout), "NotCapable\n");
});
