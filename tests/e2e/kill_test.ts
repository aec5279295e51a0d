/**
 * kill -9 under load: no acknowledged write is lost, whoever dies, and writes go on soon after the
 * death of a leader.
 */

import assert from "node:assert/strict";
import type { SeededRandom } from "../support/seeded_random.ts";
import { type Cluster, clusterTest, type Node } from "./support/cluster.ts";
import { get } from "./support/kv.ts";
import { Ledger } from "./support/ledger.ts";
import { Load } from "./support/load.ts";
import { until } from "./support/wait.ts";

const ROUNDS = 20;
const WRITES_PER_SECOND = 50;
const WAIT_TIME_MS = 1_000;
const VICTIMS = ["leader", "follower", "all"] as const;
type Victims = typeof VICTIMS[number];

clusterTest(
  "kill -9: loses no acknowledged write in twenty rounds",
  { waitTime: WAIT_TIME_MS / 1000 },
  async ({ cluster, random }) => {
    await cluster.start();
    const ledger = new Ledger();
    const gaps: Record<Victims, number[]> = { leader: [], follower: [], all: [] };
    for (let round = 0; round < ROUNDS; round++) {
      const victims = VICTIMS[round % VICTIMS.length] as Victims;
      gaps[victims].push(await killUnderLoad({ cluster, ledger, random, victims }));
    }
    await cluster.settled();
    const { done, none, unknown } = ledger.counts;
    console.log(
      `${ROUNDS} rounds: ${done} writes acknowledged, ${none} without effect, ${unknown} unknown`,
    );
    console.log(`longest write gap after a leader kill: ${worst(gaps.leader)} ms`);
    console.log(`longest write gap after a follower kill: ${worst(gaps.follower)} ms`);
    for (const node of cluster.nodes) {
      assert.deepEqual(await ledger.contradictions((key) => get(node.client, key)), [], node.name);
    }
    await assertEqualDigests(cluster);
    // A load that hardly got through would prove little.
    assert.ok(done > ROUNDS * WRITES_PER_SECOND, `only ${done} writes were acknowledged`);
    assert.ok(worst(gaps.leader) < 2 * WAIT_TIME_MS, "writes stood still after a leader kill");
    assert.ok(worst(gaps.follower) < WAIT_TIME_MS, "writes stood still after a follower kill");
  },
);

type Round = {
  readonly cluster: Cluster;
  readonly ledger: Ledger;
  readonly random: SeededRandom;
  readonly victims: Victims;
};

/** Returns for how long the clients of the surviving nodes got no acknowledgement. */
async function killUnderLoad({ cluster, ledger, random, victims }: Round): Promise<number> {
  const load = new Load({
    nodes: cluster.nodes,
    ledger,
    random,
    perSecond: WRITES_PER_SECOND,
  });
  const before = 30 + random.below(40);
  await until("writes before the kill", () => load.acknowledgedCount >= before);
  const dying = await choose(cluster, random, victims);
  const survivors = cluster.nodes.filter((node) => !dying.includes(node));
  const killedAt = performance.now();
  const count = load.acknowledgedCount;
  await Promise.all(dying.map((node) => node.kill()));
  if (survivors.length > 0) {
    await until("writes after the kill", () => load.acknowledgedCount > count + 20);
  }
  await cluster.start();
  await load.stop();
  return load.longestGapMs(survivors, killedAt);
}

async function choose(
  cluster: Cluster,
  random: SeededRandom,
  victims: Victims,
): Promise<readonly Node[]> {
  if (victims === "all") return cluster.nodes;
  if (victims === "leader") return [await cluster.leader()];
  const followers = await cluster.followers();
  return [followers[random.below(followers.length)] as Node];
}

async function assertEqualDigests(cluster: Cluster): Promise<void> {
  const statuses = await cluster.settled();
  assert.equal(new Set(statuses.map(({ digest }) => digest)).size, 1, "digests differ");
}

function worst(gaps: readonly number[]): number {
  return Math.round(Math.max(...gaps));
}
