/** Cores that know their data directories: how they bind each other, and what it takes until then. */

import assert from "node:assert/strict";
import {
  decodeMembership,
  type Membership,
  type Message,
  Raft,
  type SnapshotRef,
  type Write,
} from "../../src/raft/mod.ts";
import { isVoter, refuseChange } from "../../src/raft/membership.ts";
import { SeededRandom } from "../support/seeded_random.ts";

/** Cores whose disks are instant, and links that are up while both ends run. */
class Cores {
  readonly #cores = new Map<string, Raft>();
  readonly #inbox: Message[] = [];

  start(id: string, membership: Membership, directory = `${id}-dir`): Raft {
    const snapshot: SnapshotRef = { position: { index: 0, term: 0 }, membership };
    const hard = { term: 0, vote: null, commit: 0 };
    const core = new Raft(
      { id, directory, random: new SeededRandom(1), electionTicks: 20, heartbeatTicks: 2 },
      { hard, snapshot, entries: [] },
    );
    this.#cores.set(id, core);
    return core;
  }

  end(id: string): void {
    this.#cores.delete(id);
    for (const other of this.#cores.values()) other.disconnected(id);
  }

  /** Only `id` sees time pass, so that it stands for election. */
  elapse(id: string, ticks = 100): void {
    for (let tick = 0; tick < ticks; tick++) {
      this.core(id).tick();
      this.settle();
    }
  }

  settle(): void {
    do {
      for (const core of this.#cores.values()) this.#drain(core);
      for (const message of this.#inbox.splice(0)) this.#cores.get(message.to)?.step(message);
    } while (this.#inbox.length > 0 || [...this.#cores.values()].some((one) => this.#drain(one)));
  }

  core(id: string): Raft {
    return this.#cores.get(id) as Raft;
  }

  #drain(core: Raft): boolean {
    const { send, write } = core.take();
    this.#inbox.push(...send);
    if (write !== null) this.#store(core, write);
    return send.length > 0 || write !== null;
  }

  #store(core: Raft, write: Write): void {
    core.stored(write.id);
    this.#inbox.push(...write.thenSend);
  }
}

const NAMES = ["n1", "n2", "n3"];
const UNBOUND = membershipOf({ n1: "", n2: "", n3: "" });
const BOUND = membershipOf({ n1: "n1-dir", n2: "n2-dir", n3: "n3-dir" });

function membershipOf(voters: Record<string, string>, learners: Record<string, string> = {}) {
  const members = (of: Record<string, string>) =>
    Object.entries(of).map(([id, directory]) => ({ id, directory }));
  return { voters: members(voters), learners: members(learners) };
}

function founded(): Cores {
  const cores = new Cores();
  for (const id of NAMES) cores.start(id, UNBOUND);
  cores.elapse("n1");
  assert.equal(cores.core("n1").change(BOUND).ok, true);
  cores.settle();
  return cores;
}

Deno.test("R12 two of three that are not bound elect nobody; all three do", () => {
  const cores = new Cores();
  for (const id of ["n1", "n2"]) cores.start(id, UNBOUND);
  cores.elapse("n1", 500);
  assert.equal(cores.core("n1").leader, null);
  cores.start("n3", UNBOUND);
  cores.elapse("n1");
  assert.equal(cores.core("n1").role, "leader");
});

Deno.test("R12 before all are bound nothing commits and no read is granted without all", () => {
  const cores = new Cores();
  for (const id of NAMES) cores.start(id, UNBOUND);
  cores.elapse("n1");
  const leader = cores.core("n1");
  assert.equal(leader.commit, 1);
  cores.end("n3");
  assert.ok(leader.propose([new Uint8Array(1)]).ok);
  const follower = cores.core("n2");
  leader.read();
  follower.read(); // whose asking and the leader would be two of three
  cores.settle();
  assert.equal(leader.commit, 1);
  assert.deepEqual([leader.take().grants, follower.take().grants], [[], []]);
  assert.equal(leader.isFounding, true);
});

Deno.test("R12 once all are bound a majority is enough", () => {
  const cores = founded();
  assert.equal(cores.core("n1").isFounding, false);
  cores.end("n1");
  cores.elapse("n2");
  const { role, isFounding } = cores.core("n2").status;
  assert.deepEqual({ role, isFounding }, { role: "leader", isFounding: false });
});

Deno.test("R12 a cluster of one is founded by itself", () => {
  const cores = new Cores();
  const alone = cores.start("n1", membershipOf({ n1: "" }));
  cores.elapse("n1", 5);
  assert.equal(alone.role, "leader");
  assert.ok(alone.change(membershipOf({ n1: "n1-dir" })).ok);
  cores.settle();
  assert.equal(alone.isFounding, false);
});

Deno.test("R12 who knows the binding needs a majority, who does not needs all", () => {
  const cores = new Cores();
  cores.start("n1", BOUND);
  cores.start("n2", UNBOUND);
  cores.elapse("n2", 200);
  assert.equal(cores.core("n2").role === "leader", false);
  cores.elapse("n1", 200);
  assert.equal(cores.core("n1").role, "leader");
});

Deno.test("a voter on another directory than the one that is bound does not stand", () => {
  const cores = new Cores();
  const changed = cores.start("n1", BOUND, "n1-emptied");
  for (const id of ["n2", "n3"]) cores.start(id, BOUND);
  cores.elapse("n1", 200);
  const { isVoter, term, role } = changed.status;
  assert.deepEqual({ isVoter, term, role }, { isVoter: false, term: 0, role: "follower" });
});

Deno.test("isVoter() compares directories once there is one to compare", () => {
  const membership = membershipOf({ n1: "a", n2: "" }, { n3: "c" });
  const table: [id: string, directory: string | undefined, votes: boolean][] = [
    ["n1", "a", true],
    ["n1", "b", false],
    ["n1", undefined, true],
    ["n2", "b", true],
    ["n3", "c", false],
    ["n4", "d", false],
  ];
  for (const [id, directory, votes] of table) {
    assert.equal(isVoter(membership, id, directory), votes, `${id} on ${directory}`);
  }
});

Deno.test("R5 binding is no change of voters, on its own or beside one; unbinding is two", () => {
  const table: [current: Membership, next: Membership, allowed: boolean][] = [
    [UNBOUND, BOUND, true],
    [UNBOUND, membershipOf({ n1: "a", n2: "", n3: "c" }), true],
    [UNBOUND, membershipOf({ n1: "a", n2: "b" }), true],
    [UNBOUND, membershipOf({ n1: "a" }), false],
    [BOUND, BOUND, true],
    [BOUND, UNBOUND, false],
    [BOUND, membershipOf({ n1: "", n2: "n2-dir", n3: "n3-dir" }), false],
    [BOUND, membershipOf({ n1: "other", n2: "n2-dir", n3: "n3-dir" }), false],
  ];
  for (const [current, next, allowed] of table) {
    const refused = refuseChange(current, next);
    assert.equal(refused === null, allowed, `${JSON.stringify(next)}: ${refused}`);
  }
});

Deno.test("a leader goes on from where its followers are when it binds them", () => {
  const cores = new Cores();
  for (const id of NAMES) cores.start(id, UNBOUND);
  cores.elapse("n1");
  const leader = cores.core("n1");
  assert.ok(leader.change(BOUND).ok);
  const appends = leader.take().send.filter(({ kind }) => kind === "append");
  assert.equal(appends.length, 2);
  for (const message of appends) {
    assert.ok(message.kind === "append");
    assert.deepEqual(message.previous, { index: 1, term: 1 });
    assert.deepEqual(decodeMembership(message.entries[0]!.payload), { ok: true, value: BOUND });
  }
});
