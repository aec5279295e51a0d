/** KevaClient under Deno and under Node, against a real cluster whose leader is killed meanwhile. */

import assert from "node:assert/strict";
import { KevaClient } from "../../src/client/mod.ts";
import { bundle } from "../../tools/bundle.ts";
import { ROOT } from "../../tools/paths.ts";
import { type Cluster, clusterTest, freePorts } from "./support/cluster.ts";
import { output, RunningProcess } from "./support/process.ts";

const SUITE = "tests/e2e/client/suite.ts";
const CASES_MIN = 10;
/** So many that each node would be asked in turn. */
const READS = 30;

clusterTest("KevaClient does the same under Deno and under Node", {}, async ({ cluster }) => {
  await cluster.start();
  const underDeno = await run(cluster, Deno.execPath(), ["run", "-A", `${ROOT}/${SUITE}`]);

  const program = `${cluster.directory}/suite.mjs`;
  const modules = await bundle(ROOT, SUITE);
  assert.equal(modules.size, 1, "a program needs one file");
  for (const code of modules.values()) await Deno.writeFile(program, code);
  const version = new TextDecoder().decode((await output("node", { args: ["--version"] })).stdout);
  assert.ok(Number(/^v(\d+)/.exec(version)?.[1]) >= 20, `node is ${version}`);
  const underNode = await run(cluster, "node", [program]);

  assert.deepEqual(underNode, underDeno);
  console.log(
    `${underNode.length} cases under Deno ${Deno.version.deno} and Node ${version.trim()}`,
  );
});

clusterTest("KevaClient reads on while a follower is frozen", {}, async ({ cluster }) => {
  await cluster.start();
  const keva = new KevaClient({ endpoints: cluster.endpoints.split(",") });
  try {
    await keva.put("k", "v");
    const [follower] = await cluster.followers();
    follower?.freeze();
    try {
      for (let i = 0; i < READS; i++) assert.notEqual(await keva.get("k"), null);
    } finally {
      follower?.thaw();
    }
  } finally {
    await keva.close();
  }
});

/** The lines of a run in which every case was fine. */
async function run(cluster: Cluster, command: string, args: string[]): Promise<string[]> {
  const [nobody] = freePorts(1);
  const endpoints = [`127.0.0.1:${nobody}`, ...cluster.endpoints.split(",")];
  const suite = new RunningProcess(command, {
    args: [...args, ...endpoints],
    env: { NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" },
  });
  try {
    await suite.line(/^ready for a kill$/, { timeoutMs: 60_000 });
    await (await cluster.leader()).kill();
    const { code } = await suite.end(60_000);
    const results = suite.lines.filter((line) => line.startsWith("ok "));
    assert.equal(code, 0, suite.text);
    assert.ok(results.length >= CASES_MIN, suite.text);
    await cluster.start();
    return results;
  } finally {
    await suite.kill();
  }
}
