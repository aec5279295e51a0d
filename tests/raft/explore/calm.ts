/**
 * After the chaos: a cluster without faults must find a leader, commit, serve reads on every member
 * and bring all logs to equality, in bounded time; and nothing may unsettle it from then on.
 */

import type { Membership } from "../../../src/raft/mod.ts";
import { propose, read } from "./chaos.ts";
import type { Node } from "./node.ts";
import { TICK } from "./options.ts";
import { check } from "./oracle.ts";
import { World } from "./world.ts";

/** Bounds, in election timeouts. Generous: with many voters some elections end in a split vote. */
const ELECTION_MAX = 25;
const COMMIT_MAX = 6;

export function runCalm(world: World): void {
  const { dice, agenda } = world;
  world.log(() => "all faults end");
  world.calm();
  const absent = drawAbsent(world);
  for (const node of world.nodes) if (!node.isUp && node !== absent) world.start(node);
  if (absent?.isUp) world.crash(absent);
  const termBefore = world.oracle.termMax;
  for (const node of world.nodes) if (node.isUp) read(world, node);

  const waited = converge(world, ELECTION_MAX, "after the end of all faults");
  agenda.runTo(agenda.now + World.SETTLED);
  converge(world, ELECTION_MAX, "once all old messages have arrived");
  const inflation = world.oracle.termMax - termBefore;
  check(
    inflation <= termsMax(world),
    () => `${inflation} terms in ${waited / TICK} ticks without faults`,
  );

  const leader = leaderOf(world)!;
  steadily(world, "with clients alone", () => {
    propose(world, leader);
    for (const node of membersUp(world, leader)) read(world, node);
  });
  if (dice.chance(50)) isolate(world, leader);
  if (dice.chance(30)) deafen(world, leader);
  if (dice.chance(50)) handOver(world, leaderOf(world)!);
}

/** Terms that elections may use up: the shortest timeouts have two values, so votes often split. */
function termsMax(world: World): number {
  return world.options.electionTicks < 6 ? 24 : 8;
}

/** The explorer's own arithmetic: that of the core is under test. */
function isMajority(some: number, all: number): boolean {
  return some * 2 > all;
}

/**
 * Sometimes one node stays away: any for which all memberships, on all disks and in memory, have a
 * majority.
 */
function drawAbsent(world: World): Node | null {
  const { dice, nodes } = world;
  if (dice.chance(50)) return null;
  const candidate = dice.pick(nodes);
  const memberships: Membership[] = nodes.flatMap(({ disk, raft }) => [
    disk.durable.membership,
    disk.full.membership,
    disk.durable.snapshot.membership,
    ...(raft === null ? [] : [raft.membership]), // of a turn that has not ended, too
  ]);
  const canSpare = ({ voters }: Membership): boolean =>
    isMajority(voters.filter(({ id }) => id !== candidate.id).length, voters.length);
  return memberships.every(canSpare) ? candidate : null;
}

function leaderOf(world: World): Node | undefined {
  const leaders = world.nodes.filter(({ isLeading }) => isLeading);
  return leaders.sort((a, b) => b.status!.term - a.status!.term)[0];
}

function membersUp(world: World, leader: Node): Node[] {
  const { voters, learners } = leader.raft!.membership;
  const members = new Set([...voters, ...learners].map(({ id }) => id));
  return world.nodes.filter((node) => node.isUp && members.has(node.id));
}

/** Why the cluster has not converged yet, or null. */
function missing(world: World): string | null {
  const leader = leaderOf(world);
  if (!leader) return "no leader";
  const { term, last, isVoter } = leader.status!;
  if (!isVoter) return `the leader ${leader.id} is no voter`;
  for (const node of membersUp(world, leader)) {
    const status = node.status!;
    if (status.term !== term || status.leader !== leader.id) return `${node.id} does not follow`;
    if (status.last.index !== last.index || status.last.term !== last.term) {
      return `${node.id} lacks entries of ${leader.id}`;
    }
    if (status.commit !== last.index) return `${node.id} has committed ${status.commit} only`;
    if (node.state.index !== last.index) return `${node.id} has applied ${node.state.index} only`;
    if (status.stable !== last.index) return `${node.id} has stored ${status.stable} only`;
    if (node.reads.length > 0) return `${node.id} waits for reads`;
  }
  return null;
}

/** Runs until the cluster has converged; the world time that took. */
function converge(world: World, electionsMax: number, when: string): number {
  const { agenda } = world;
  const start = agenda.now;
  // Under the smallest limits a message carries one entry, and waits for the answer to the last.
  const backlog = Math.max(...world.nodes.map(({ status }) => status?.last.index ?? 0));
  const end = start + electionsMax * world.options.electionTicks * TICK +
    backlog * (8 + 2 * world.calmDisk);
  for (let why = missing(world); why !== null; why = missing(world)) {
    check(agenda.now < end, () => `liveness, ${when}: ${why} after ${(end - start) / TICK} ticks`);
    agenda.runTo(agenda.now + TICK);
  }
  return agenda.now - start;
}

/** What happens here must be done soon, under the same leader and in the same term. */
function steadily(world: World, what: string, body: () => void): void {
  const leader = leaderOf(world)!;
  const { term } = leader.status!;
  body();
  converge(world, COMMIT_MAX, what);
  const now = leaderOf(world)!;
  check(
    now === leader && now.status!.term === term,
    () => `${what}, ${leader.id}@${term} lost its office to ${now.id}@${now.status!.term}`,
  );
}

/**
 * A node that is cut off, in either direction or both or from the leader alone, disturbs nobody then
 * and afterwards.
 */
function isolate(world: World, leader: Node): void {
  const { dice, cuts } = world;
  const others = world.nodes.filter((node) =>
    node !== leader && node.isUp && isDispensable(world, leader, node)
  );
  if (others.length === 0) return;
  const node = dice.pick(others);
  const direction = dice.pick(["in", "out", "both", "leader"]);
  steadily(world, `while and after ${node.id} was cut off (${direction})`, () => {
    for (const { id } of direction === "leader" ? [leader] : world.nodes) {
      if (direction !== "out") cuts.add(`${id} ${node.id}`);
      if (direction !== "in") cuts.add(`${node.id} ${id}`);
    }
    fallBehind(world, leader, dice.between(2, 4));
    cuts.clear();
    if (dice.chance(30)) world.lost(leader, node.id);
    if (dice.chance(50)) return;
    // It receives what it lacks, perhaps a snapshot, and its first answers are lost.
    cuts.add(`${node.id} ${leader.id}`);
    fallBehind(world, leader, 1);
    cuts.clear();
  });
}

/** The others go on without the node, and the leader forgets what it has missed. */
function fallBehind(world: World, leader: Node, elections: number): void {
  const { dice, agenda, options } = world;
  for (let i = 0; i < elections; i++) {
    for (let count = dice.below(4); count > 0; count--) propose(world, leader);
    agenda.runTo(agenda.now + options.electionTicks * TICK / 2);
    if (dice.chance(50)) world.compact(leader);
    agenda.runTo(agenda.now + options.electionTicks * TICK / 2);
  }
}

/** Whether the voters that are up are a majority without `node`. */
function isDispensable(world: World, leader: Node, node: Node): boolean {
  const { voters } = leader.raft!.membership;
  const left = voters.filter(({ id }) => id !== node.id && world.byId.get(id)!.isUp);
  return isMajority(left.length, voters.length);
}

/** A leader that is heard but hears nobody must make room: it could never commit again. */
function deafen(world: World, leader: Node): void {
  const { agenda, cuts, options, nodes } = world;
  if (!isDispensable(world, leader, leader)) return;
  world.log(() => `${leader.id} hears nobody any more`);
  const { term } = leader.status!;
  for (const { id } of nodes) cuts.add(`${id} ${leader.id}`);
  const end = agenda.now + ELECTION_MAX * options.electionTicks * TICK;
  while (leaderOf(world) === leader || leaderOf(world) === undefined) {
    check(agenda.now < end, () => `${leader.id} hears nobody, and nobody takes over`);
    agenda.runTo(agenda.now + TICK);
  }
  propose(world, leaderOf(world)!);
  cuts.clear();
  converge(world, COMMIT_MAX + ELECTION_MAX, "after the deaf leader was replaced");
  const inflation = world.oracle.termMax - term;
  check(inflation <= termsMax(world), () => `${inflation} terms to replace a deaf leader`);
}

/** Leadership that is handed over arrives within a moment, in the next term. */
function handOver(world: World, leader: Node): void {
  const { voters } = leader.raft!.membership;
  const others = voters.filter(({ id }) => id !== leader.id && world.byId.get(id)!.isUp);
  world.agenda.runTo(world.agenda.now + world.dice.below(100));
  const { term } = leader.status!;
  let isStarted = false;
  world.input(leader, () => "transfer", (raft) => {
    isStarted = raft.transfer();
  });
  check(isStarted === others.length > 0, () => `${leader.id} hands over: ${isStarted}`);
  if (!isStarted) return;
  world.agenda.runTo(world.agenda.now + 3 * TICK);
  converge(world, COMMIT_MAX, "after the transfer");
  const next = leaderOf(world)!;
  check(
    next !== leader && next.status!.term === term + 1,
    () => `transfer from ${leader.id}@${term} to ${next.id}@${next.status!.term}`,
  );
}
