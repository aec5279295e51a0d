/**
 * Exactly once, whatever happens: increments that are sent again and again, to all nodes at once,
 * while one leader after the other is killed.
 */

import assert from "node:assert/strict";
import type { SeededRandom } from "../support/seeded_random.ts";
import { type Cluster, clusterTest, type Node } from "./support/cluster.ts";
import { RequestError } from "./support/http.ts";
import { bytesOf, get, textOf } from "./support/kv.ts";
import { until } from "./support/wait.ts";

const INCREMENTS = 10_000;
const SENDERS = 48;
/** The leader dies each time that so many more increments were answered. */
const KILL_EVERY = 1_500;
/** So many go on meanwhile; then they wait for the kill, which a fast machine would outrun. */
const AHEAD_MAX = 500;
const COUNTER = bytesOf("counter");
const INCREMENT = bytesOf('{"then": [{"op": "sum", "key": "counter", "value": 1}]}');
/** Of a hundred increments, so many are sent to two nodes at the same time. */
const TWICE_PERCENT = 10;

clusterTest("once: 10,000 increments under retry storms and killed leaders give 10,000", {
  waitTime: 1,
}, async ({ cluster, random }) => {
  await cluster.start();
  const storm = new Storm(cluster, random);
  const kills = killLeaders(cluster, storm);
  await Promise.all(Array.from({ length: SENDERS }, () => storm.send()));
  await kills;
  await cluster.start();
  for (const { client } of cluster.nodes) {
    assert.equal(textOf(await get(client, COUNTER) ?? bytesOf("none")), String(INCREMENTS));
  }
  console.log(
    `${storm.attempts} attempts, ${storm.replayed} answered again, ${storm.killed} leaders killed`,
  );
  assert.ok(storm.killed >= 5 && storm.replayed > 0, "hardly a storm");
});

class Storm {
  answered = 0;
  /** Leaders so far. */
  killed = 0;
  attempts = 0;
  replayed = 0;
  readonly #cluster: Cluster;
  readonly #random: SeededRandom;
  #next = 0;

  constructor(cluster: Cluster, random: SeededRandom) {
    this.#cluster = cluster;
    this.#random = random;
  }

  get isOver(): boolean {
    return this.answered === INCREMENTS;
  }

  /** One sender: the next increment, until it is answered, then the one after it. */
  async send(): Promise<void> {
    while (this.#next < INCREMENTS) {
      const number = ++this.#next;
      const isDue = () => number <= (this.killed + 1) * KILL_EVERY + AHEAD_MAX;
      await until("the next kill", isDue, 60_000);
      const name = `increment-${number}`;
      await until(`an answer to ${name}`, () => this.#attempt(name), 60_000);
      this.answered++;
    }
  }

  async #attempt(name: string): Promise<boolean> {
    const count = this.#random.below(100) < TWICE_PERCENT ? 2 : 1;
    const answers = await Promise.all(Array.from({ length: count }, () => this.#ask(name)));
    return answers.includes(true);
  }

  async #ask(name: string): Promise<boolean> {
    const { nodes } = this.#cluster;
    const { client } = nodes[this.#random.below(nodes.length)] as Node;
    this.attempts++;
    try {
      const { status, headers } = await client.request("POST", "/v1/storage/txn", {
        headers: { "idempotency-key": name },
        body: INCREMENT,
        timeoutMs: 6_000,
      });
      if (headers.get("idempotency-replayed") === "true") this.replayed++;
      assert.ok([200, 503, 504].includes(status), `${name}: ${status}`);
      return status === 200;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return false;
    }
  }
}

async function killLeaders(cluster: Cluster, storm: Storm): Promise<void> {
  while (true) {
    const due = (storm.killed + 1) * KILL_EVERY;
    await until("the storm", () => storm.isOver || storm.answered >= due, 60_000);
    if (storm.isOver) return;
    const leader = await cluster.leader();
    await leader.kill();
    storm.killed++;
    leader.start();
    await leader.ready();
  }
}
