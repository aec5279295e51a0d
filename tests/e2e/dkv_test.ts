/** dkv's README, line by line but for the ports, with Keva in its place. */

import assert from "node:assert/strict";
import { BINARY, freePorts } from "./support/cluster.ts";
import { textOf } from "./support/kv.ts";
import { output, RunningProcess } from "./support/process.ts";
import { until } from "./support/wait.ts";

Deno.test("dkv: its environment starts a cluster, and its curl lines work on any node", async () => {
  const cwd = Deno.makeTempDirSync({ prefix: "keva-dkv-" });
  const ports = freePorts(6);
  const members = ["a", "b", "c"].map((id, at) => ({
    id,
    rpc: ports[2 * at] as number,
    rest: ports[2 * at + 1] as number,
  }));
  const cluster = members.map(({ id, rpc }) => `${id}@127.0.0.1:${rpc}`).join(",");
  const nodes = members.map(({ id, rpc, rest }) =>
    new RunningProcess(BINARY, {
      args: ["serve"],
      cwd,
      env: {
        DKV_LOG_LEVEL: "info",
        DKV_RPC_PORT: `${rpc}`,
        DKV_REST_PORT: `${rest}`,
        DKV_DB_PATH: `${id}.db`,
        DKV_NODE_ID: id,
        DKV_CLUSTER: cluster,
      },
    })
  );
  try {
    const [a, , c] = members.map(({ rest }) => `localhost:${rest}`) as [string, string, string];
    await until("the cluster serves", async () => {
      const { code } = await output("curl", { args: ["-fs", `${c}/readyz`] });
      return code === 0;
    });
    const put = `curl -X POST ${a}/v0/kv -d '{"key":"aGVsbG8=","value":"d29ybGQ="}'`;
    assert.equal(await shell(put), "{}");
    assert.equal(await shell(`curl -X GET ${c}/v0/kv/key/aGVsbG8=`), '{"value":"d29ybGQ="}');
    const status = JSON.parse(await shell(`curl ${c}/v0/cluster/status`));
    assert.deepEqual(status.nodes.map(({ id }: { id: string }) => id), ["a", "b", "c"]);
    assert.equal(status.nodes.filter(({ role }: { role: string }) => role === "leader").length, 1);
    assert.ok(Deno.statSync(`${cwd}/a.db`).isDirectory);
  } catch (error) {
    for (const node of nodes) console.error(node.text);
    throw error;
  } finally {
    await Promise.all(nodes.map((node) => node.kill()));
    Deno.removeSync(cwd, { recursive: true });
  }
});

async function shell(command: string): Promise<string> {
  const { code, stdout, stderr } = await output("sh", { args: ["-c", command] });
  assert.equal(code, 0, stderr);
  return textOf(stdout);
}
