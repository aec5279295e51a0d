/** Stopping and starting: in good order, in time, and without harm to anybody's request. */

import assert from "node:assert/strict";
import { clusterTest, type Node } from "./support/cluster.ts";
import { bytesOf, get, put, type WriteOutcome } from "./support/kv.ts";
import { Ledger } from "./support/ledger.ts";
import { Load } from "./support/load.ts";
import { pause, until } from "./support/wait.ts";

const STOP_MS_MAX = 5_000;
/** A rolling restart hands leadership over, so no election timeout has to pass. */
const STALL_MS_MAX = 1_000;
const START_MS_MAX = 1_000;
const IDLE_SECONDS = 5;
const IDLE_WAKE_UPS_MAX = 150;

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  clusterTest(
    `${signal}: the leader hands over, answers what is in flight, and exits with 0`,
    {},
    async ({ cluster, random }) => {
      await cluster.start();
      const leader = await cluster.leader();
      const others = cluster.nodes.filter((node) => node !== leader);
      const { term } = await leader.status() as { term: number };
      const ledger = new Ledger();
      const load = new Load({ nodes: cluster.nodes, ledger, random, perSecond: 200 });
      await until("writes", () => load.acknowledgedCount > 50);
      const stoppedAt = performance.now();
      const ending = await leader.stop(signal);
      const tookMs = performance.now() - stoppedAt;
      const successor = await cluster.leader();
      const after = load.acknowledgedCount;
      await until("writes through the others", () => load.acknowledgedCount > after + 20);
      await load.stop();
      const status = await successor.status() as { term: number };
      console.log(
        `exit ${ending.code} after ${Math.round(tookMs)} ms; longest stall of the others' ` +
          `clients ${Math.round(load.longestGapMs(others, stoppedAt))} ms; ` +
          `${JSON.stringify(ledger.counts)}`,
      );
      assert.deepEqual(ending, { code: 0, signal: null });
      assert.ok(tookMs < STOP_MS_MAX, `it took ${tookMs} ms to stop`);
      assert.equal(status.term, term + 1, "one hand-over is one election");
      assert.ok(load.longestGapMs(others, stoppedAt) < STALL_MS_MAX, "the others' clients waited");
      const unknown = load.refused.filter(({ node, outcome }) =>
        node !== leader && outcome.effect === "unknown"
      );
      assert.deepEqual(unknown.map(({ outcome }) => outcome.why), [], "at the other nodes");
      assert.deepEqual(await ledger.contradictions((key) => get(successor.client, key)), []);
    },
  );
}

clusterTest(
  "SIGTERM: without a majority a node answers what waits and exits with 0",
  {},
  async ({ cluster }) => {
    await cluster.start();
    const [last, ...gone] = cluster.nodes as [Node, Node, Node];
    await Promise.all(gone.map((node) => node.kill()));
    const write = put(last.client, bytesOf("k"), bytesOf("v"));
    await until("the write waits", async () => await last.status());
    const stoppedAt = performance.now();
    const ending = await last.stop();
    assert.deepEqual(ending, { code: 0, signal: null });
    assert.ok(performance.now() - stoppedAt < STOP_MS_MAX);
    const { effect, why } = await write;
    assert.notEqual(effect, "done");
    assert.match(why, /^50[34] /, "an answer, not a broken connection");
    await cluster.start();
    const found = await get(last.client, bytesOf("k"));
    assert.ok(effect === "unknown" || found === null, "it was said to have had no effect");
  },
);

clusterTest(
  "rolling restart: no request fails that could not safely be sent again",
  {},
  async ({ cluster, random }) => {
    await cluster.start();
    const ledger = new Ledger();
    const load = new Load({ nodes: cluster.nodes, ledger, random, perSecond: 100 });
    const startedAt = performance.now();
    const stalls: number[] = [];
    for (let round = 0; round < 2; round++) {
      for (const node of cluster.nodes) {
        const others = cluster.nodes.filter((other) => other !== node);
        const stoppedAt = performance.now();
        const count = load.acknowledgedCount;
        assert.deepEqual(await node.stop(), { code: 0, signal: null });
        await until("writes meanwhile", () => load.acknowledgedCount > count + 10);
        node.start();
        await node.ready();
        load.returnTo(node);
        await cluster.settledOnLeader();
        stalls.push(load.longestGapMs(others, stoppedAt));
      }
    }
    await load.stop();
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const worst = Math.round(Math.max(...stalls));
    console.log(
      `${stalls.length} restarts in ${seconds} s: longest stall of the other nodes' clients ` +
        `${worst} ms, slowest write ${Math.round(load.slowestMs())} ms; ${
          JSON.stringify(ledger.counts)
        }`,
    );
    const unknown = load.refused.filter(({ outcome }) => outcome.effect === "unknown");
    assert.deepEqual(unknown.map(describe), []);
    assert.ok(worst < STALL_MS_MAX, "clients of the other nodes waited");
    for (const node of cluster.nodes) {
      assert.deepEqual(await ledger.contradictions((key) => get(node.client, key)), []);
    }
  },
);

clusterTest(
  "start: one node on an empty directory serves within a second",
  { nodes: 1 },
  async ({ cluster }) => {
    const [node] = cluster.nodes as [Node];
    const startedAt = performance.now();
    node.start();
    const outcome = await until("the first write", async () => {
      const outcome = await put(node.client, bytesOf("first"), bytesOf("value"));
      return outcome.effect === "done" && outcome;
    });
    const tookMs = performance.now() - startedAt;
    console.log(`start to first acknowledged write: ${Math.round(tookMs)} ms`);
    assert.equal(outcome.effect, "done");
    assert.ok(tookMs < START_MS_MAX);
  },
);

clusterTest("start: three nodes on empty directories serve soon", {}, async ({ cluster }) => {
  const startedAt = performance.now();
  await cluster.start();
  const tookMs = performance.now() - startedAt;
  console.log(`start of three nodes to linearizable reads on all: ${Math.round(tookMs)} ms`);
  assert.ok(tookMs < 3 * START_MS_MAX);
});

clusterTest("idle: three nodes hardly ever wake up", {}, async ({ cluster }) => {
  await cluster.start();
  const before = cluster.nodes.map(wakeUps);
  const startedAt = performance.now();
  await pause(IDLE_SECONDS * 1_000);
  const seconds = (performance.now() - startedAt) / 1000;
  const rates = cluster.nodes.map((node, i) => (wakeUps(node) - (before[i] as number)) / seconds);
  console.log(`wake-ups per second: ${rates.map((rate) => rate.toFixed(0)).join(", ")}`);
  for (const rate of rates) assert.ok(rate < IDLE_WAKE_UPS_MAX, `${rate} a second`);
});

/**
 * How often threads of the process have gone to sleep, and so have been woken. What a wake-up costs
 * depends on the machine and on what else it does; how many there are is up to the node alone.
 */
function wakeUps({ running }: Node): number {
  const tasks = `/proc/${running.pid}/task`;
  let count = 0;
  for (const { name } of Deno.readDirSync(tasks)) {
    const status = Deno.readTextFileSync(`${tasks}/${name}/status`);
    count += Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1]);
  }
  return count;
}

function describe({ node, outcome }: { node: Node; outcome: WriteOutcome }): string {
  return `${node.name}: ${outcome.why}`;
}
