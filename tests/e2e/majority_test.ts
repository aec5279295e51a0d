/** Too few nodes, frozen nodes: honest answers meanwhile, and never a stale read. */

import assert from "node:assert/strict";
import { type Cluster, clusterTest, type Node } from "./support/cluster.ts";
import { bytesOf, get, keyTarget, problemOf, put, textOf } from "./support/kv.ts";
import { pause, until } from "./support/wait.ts";

const FREEZE_MS = 5_000;
const WAIT_TIME_MS = 1_000;

clusterTest(
  "lost majority: the rest answers 503 without effect, and heals",
  {},
  async ({ cluster }) => {
    await cluster.start();
    const key = bytesOf("k");
    const first = await put((cluster.nodes[0] as Node).client, key, bytesOf("1"));
    assert.equal(first.effect, "done", first.why);
    const [last, ...gone] = cluster.nodes as [Node, Node, Node];
    await Promise.all(gone.map((node) => node.kill()));

    const readyAnswer = await until("not ready", async () => {
      const answer = await last.client.request("GET", "/readyz");
      return answer.status === 503 && answer;
    });
    assert.equal(problemOf(readyAnswer).code, "noLeader");
    assert.equal((await last.client.request("GET", "/livez")).status, 200);

    const startedAt = performance.now();
    const [read, write] = await Promise.all([
      last.client.request("GET", `${keyTarget(key)}?timeout=2`),
      last.client.request("PUT", `${keyTarget(key)}?timeout=2`, { body: bytesOf("2") }),
    ]);
    const tookMs = performance.now() - startedAt;
    for (const answer of [read, write]) {
      assert.equal(answer.status, 503);
      assert.ok(answer.headers.has("retry-after"));
      const { code, effect } = problemOf(answer);
      assert.deepEqual({ code, effect }, { code: "noLeader", effect: "none" });
    }
    assert.ok(tookMs < 3_000, `the deadline was 2 s, the answers took ${tookMs} ms`);

    const stale = await last.client.request("GET", `${keyTarget(key)}?consistency=stale`);
    assert.deepEqual([stale.status, textOf(stale.body)], [200, "1"]);
    assert.equal(stale.headers.get("keva-consistency"), "stale");
    const status = await cluster.keva(["status", "--endpoints", `127.0.0.1:${last.userPort}`]);
    assert.equal(status.code, 1);
    assert.match(status.stderr, /no node leads.*2 nodes must be up/);

    // One of the two is a majority again.
    (gone[0] as Node).start();
    await cluster.ready();
    assert.equal(
      textOf(await get(last.client, key) as Uint8Array),
      "1",
      "the refused write happened",
    );
    const outcome = await put(last.client, key, bytesOf("3"));
    assert.equal(outcome.effect, "done", outcome.why);
    await cluster.start();
    const [a, b, c] = await cluster.settled();
    assert.equal(new Set([a, b, c].map((status) => status?.digest)).size, 1);
  },
);

clusterTest(
  "a write under way to a leader that dies ends as unknown, never as refused",
  {},
  async ({ cluster }) => {
    await cluster.start();
    const leader = await cluster.leader();
    const [follower, other] = cluster.nodes.filter((node) => node !== leader) as [Node, Node];
    // Neither the leader nor a majority can answer what the follower forwards now.
    leader.freeze();
    other.freeze();
    const write = follower.client.request("PUT", `${keyTarget(bytesOf("k"))}?timeout=2`, {
      body: bytesOf("v"),
    });
    const answer = await write;
    assert.equal(answer.status, 504);
    assert.equal(problemOf(answer).effect, "unknown");
    leader.thaw();
    other.thaw();
    await cluster.ready();
    const found = await get(follower.client, bytesOf("k"));
    assert.ok(found === null || textOf(found) === "v");
  },
);

clusterTest(
  "a frozen leader: the others go on, and it never serves what is old",
  { waitTime: WAIT_TIME_MS / 1000 },
  async ({ cluster }) => {
    await cluster.start();
    const leader = await cluster.leader();
    const others = cluster.nodes.filter((node) => node !== leader);
    const register = new Register(cluster);
    await register.count(leader, 20);

    const frozenAt = performance.now();
    leader.freeze();
    const thaw = pause(FREEZE_MS).then(() => leader.thaw());
    // These reads reach the frozen process, and it answers them after the others have moved on.
    const late = Array.from({ length: 8 }, () => register.read(leader, 20_000));
    await register.count(others[0] as Node, 1);
    const resumedMs = performance.now() - frozenAt;
    const perSecond = await register.countUntil(others[0] as Node, thaw);
    const reads = Promise.all([
      ...late,
      ...Array.from({ length: 200 }, (_, i) => register.read(cluster.nodes[i % 3] as Node)),
    ]);
    await register.count(others[1] as Node, 50);
    const outcomes = await reads;
    const successor = await cluster.leader();
    await cluster.settledOnLeader();
    console.log(
      `writes resumed after ${Math.round(resumedMs)} ms, ${perSecond}/s meanwhile; ` +
        `${outcomes.filter((read) => read === "current").length} current reads, ` +
        `${outcomes.filter((read) => read === "refused").length} refused, none stale`,
    );
    assert.notEqual(successor, leader, "nobody took over");
    assert.ok(resumedMs < 3 * WAIT_TIME_MS, `writes resumed only after ${resumedMs} ms`);
    assert.ok(outcomes.slice(8).every((read) => read === "current"));
    for (const node of cluster.nodes) assert.equal(await register.read(node), "current");
  },
);

/**
 * One number that one writer counts up. A read must return at least what was acknowledged before it
 * began, and at most what was begun before it ended: for such a register that is linearizability,
 * together with reads that never go back.
 */
class Register {
  readonly #key = bytesOf("register");
  #begun = 0;
  #acknowledged = 0;
  #seen = 0;
  #revision = 0;

  constructor(readonly cluster: Cluster) {}

  /** Writes `times` more numbers, each after the one before it. */
  async count(through: Node, times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      const number = ++this.#begun;
      await until(`number ${number} written`, () => this.#write(through, number));
      this.#acknowledged = number;
    }
  }

  /**
   * False when it has to be tried again. The condition lets each number in only once, however late
   * an attempt with an unknown outcome may take effect.
   */
  async #write(through: Node, number: number): Promise<boolean> {
    const headers: Record<string, string> = this.#revision === 0
      ? { "If-None-Match": "*" }
      : { "If-Match": `"${this.#revision}"` };
    const answer = await through.client.request("PUT", `${keyTarget(this.#key)}?timeout=0.5`, {
      headers,
      body: bytesOf(String(number)),
    });
    if (answer.status === 200) this.#revision = JSON.parse(textOf(answer.body)).revision;
    if (answer.status === 412) {
      const found = await through.client.request("GET", keyTarget(this.#key));
      assert.equal(textOf(found.body), String(number), "an earlier attempt succeeded, or nobody");
      this.#revision = Number(found.headers.get("keva-revision"));
    }
    return answer.status === 200 || answer.status === 412;
  }

  /** Counts until `end`; returns how many numbers were written in a second. */
  async countUntil(through: Node, end: Promise<void>): Promise<number> {
    let ended = false;
    void end.then(() => ended = true);
    const startedAt = performance.now();
    const before = this.#begun;
    while (!ended) await this.count(through, 1);
    return Math.round((this.#begun - before) / (performance.now() - startedAt) * 1000);
  }

  /** Reads at `node`; throws when the answer is stale, or from the future. */
  async read(node: Node, timeoutMs = 10_000): Promise<"current" | "refused"> {
    const [atLeast, seen] = [this.#acknowledged, this.#seen];
    const answer = await node.client.request("GET", keyTarget(this.#key), { timeoutMs });
    if (answer.status === 503) {
      assert.equal(problemOf(answer).effect, "none");
      return "refused";
    }
    const number = Number(textOf(answer.body));
    const floor = Math.max(atLeast, seen);
    assert.ok(number >= floor, `${node.name} answers ${number} after ${floor} was acknowledged`);
    assert.ok(number <= this.#begun, `${node.name} answers ${number} before it was written`);
    this.#seen = Math.max(this.#seen, number);
    return "current";
  }
}
