/** A node that is started by dkv's environment. */

import assert from "node:assert/strict";
import { dkvStart, loadConfig, nodeConfig } from "../../src/config/mod.ts";

/** As dkv's README has it, of its second node. */
const USUAL = {
  DKV_LOG_LEVEL: "info",
  DKV_RPC_PORT: "8080",
  DKV_REST_PORT: "8081",
  DKV_DB_PATH: "b.db",
  DKV_NODE_ID: "b",
  DKV_CLUSTER: "a@127.0.0.1:7070,b@127.0.0.1:8080,c@127.0.0.1:9090",
};

Deno.test("dkvStart() makes of dkv's variables the configuration of a node", () => {
  const start = dkvStart(USUAL);
  assert.ok(start.ok && start.value !== null);
  const { file, identity, workingDirectory } = start.value;
  const loaded = loadConfig({ file, env: USUAL, set: [] });
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.value.warnings, []);
  const config = nodeConfig(loaded.value, { identity, workingDirectory });
  assert.ok(config.ok);
  const { self, nodes, log } = config.value;
  assert.equal(config.value.workingDirectory, "b.db");
  assert.deepEqual([self.identity, self.peerPort, self.userPort], ["b", 8080, 8081]);
  assert.deepEqual(nodes.map(({ identity }) => identity), ["a", "b", "c"]);
  assert.deepEqual(nodes.map(({ peerPort }) => peerPort), [7070, 8080, 9090]);
  assert.equal(log.level, "info");
});

Deno.test("dkvStart() says nothing where nobody speaks of dkv", () => {
  assert.deepEqual(dkvStart({ KEVA_LOG_LEVEL: "info" }), { ok: true, value: null });
});

Deno.test("dkvStart() names the variable that is wrong", () => {
  const cases: [changes: Record<string, string>, where: string][] = [
    [{ DKV_CLUSTER: "a@127.0.0.1" }, "DKV_CLUSTER"],
    [{ DKV_CLUSTER: "" }, "DKV_CLUSTER"],
    [{ DKV_NODE_ID: "d" }, "DKV_NODE_ID"],
    [{ DKV_RPC_PORT: "7070" }, "DKV_RPC_PORT"],
    [{ DKV_REST_PORT: "http" }, "DKV_REST_PORT"],
    [{ DKV_LOG_LEVEL: "loud" }, "DKV_LOG_LEVEL"],
  ];
  for (const [changes, where] of cases) {
    const start = dkvStart({ ...USUAL, ...changes });
    assert.equal(start.ok ? "" : start.error.where, where);
  }
});

Deno.test("dkvStart() leaves to the configuration what it knows better", () => {
  const start = dkvStart({ ...USUAL, DKV_CLUSTER: "b@[::1]:8080,b@127.0.0.1:9090" });
  assert.ok(start.ok && start.value !== null);
  const loaded = loadConfig({ file: start.value.file, env: {}, set: [] });
  assert.match(loaded.ok ? "" : loaded.error[0]?.message ?? "", /identity "b" is taken/);
});
