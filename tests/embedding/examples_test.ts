/** Every example runs as its header says. */

import assert from "node:assert/strict";
import { ROOT } from "../../tools/paths.ts";
import { freePort } from "./support.ts";

const EXAMPLES: Record<string, (directory: string) => { args: string[]; prints: RegExp }> = {
  "embedded_node.ts": (directory) => ({
    args: ["run", "-A", "examples/embedded_node.ts", directory],
    prints: /^visit 1$/,
  }),
  "served_node.ts": (directory) => ({
    args: ["run", "-A", "examples/served_node.ts", directory, `${freePort()}`],
    prints: /^users\/anna since \d+\nusers\/bert since \d+$/,
  }),
  "test_cluster_test.ts": () => ({
    args: ["test", "-A", "examples/test_cluster_test.ts"],
    prints: /1 passed/,
  }),
};

Deno.test("there is a test for every example", () => {
  const names = [...Deno.readDirSync(`${ROOT}/examples`)].map(({ name }) => name);
  assert.deepEqual(names.sort(), Object.keys(EXAMPLES).sort());
});

for (const [name, make] of Object.entries(EXAMPLES)) {
  Deno.test(`examples/${name} runs`, async () => {
    const directory = await Deno.makeTempDir({ prefix: "keva-example-" });
    try {
      const { args, prints } = make(directory);
      const [verb, ...rest] = args as [string, ...string[]];
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [verb, "--quiet", ...rest],
        cwd: ROOT,
        env: { NO_COLOR: "1", NO_PROXY: "127.0.0.1" },
      }).output();
      const [printed, complaint] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      assert.equal(code, 0, `${printed}${complaint}`);
      assert.match((printed as string).trim(), prints);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}
