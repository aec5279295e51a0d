/** What users, operators and misfortune do to a cluster. */

import type { Member, Membership, NodeId } from "../../../src/raft/mod.ts";
import { utf8 } from "../../../src/base/mod.ts";
import type { Node } from "./node.ts";
import { showMembership } from "./notation.ts";
import { type ActionKind, ACTIONS, TICK } from "./options.ts";
import { check } from "./oracle.ts";
import type { World } from "./world.ts";

export function startChaos(world: World, until: number): void {
  const { actionEvery, weights } = world.options;
  world.agenda.after(world.dice.below(actionEvery * 2) + 1, () => {
    if (world.agenda.now >= until) return;
    act(world, drawAction(world, weights));
    startChaos(world, until);
  });
}

function drawAction(world: World, weights: Readonly<Record<ActionKind, number>>): ActionKind {
  let left = world.dice.below(ACTIONS.reduce((sum, kind) => sum + weights[kind], 0));
  for (const kind of ACTIONS) {
    left -= weights[kind];
    if (left < 0) return kind;
  }
  return "read";
}

function act(world: World, kind: ActionKind): void {
  const { dice, nodes } = world;
  const up = nodes.filter((node) => node.isUp && !node.paused);
  const node = up.length > 0 ? dice.pick(up) : null;
  switch (kind) {
    case "restart":
      for (const down of nodes) if (!down.isUp && dice.chance(50)) world.start(down);
      return;
    case "cut":
      return cut(world, up.find(({ isLeading }) => isLeading)?.id);
    case "heal":
      world.log(() => "heal links");
      return world.cuts.clear();
  }
  if (node === null) return;
  // Most of what is worth doing is done to a leader.
  const leader = up.find(({ isLeading }) => isLeading) ?? node;
  switch (kind) {
    case "propose":
      return propose(world, dice.chance(80) ? leader : node);
    case "read":
      return read(world, node);
    case "crash":
      return world.crash(dice.chance(40) ? leader : node);
    case "pause":
      return pause(world, dice.chance(50) ? leader : node);
    case "depose":
      return depose(world, leader);
    case "transfer":
      return world.input(leader, () => "transfer", (raft) => void raft.transfer());
    case "stepDown":
      return world.input(leader, () => "stepDown", (raft) => raft.stepDown());
    case "compact":
      return world.compact(dice.chance(50) ? leader : node);
    case "member":
      return changeMembers(world, leader);
    case "hint":
      return hint(world, dice.chance(60) ? leader : node);
  }
}

export function propose(world: World, node: Node): void {
  const count = world.dice.pick([1, 1, 1, 2, 5]);
  world.input(node, () => `propose ${count}`, (raft) => {
    const payloads = Array.from(
      { length: count },
      (_, i) => utf8(`${node.id} ${world.steps} ${i}`.padEnd(world.dice.pick([1, 40]))),
    );
    const proposed = raft.propose(payloads);
    if (!proposed.ok) return;
    const { role, last, term } = raft.status;
    check(
      role === "leader" && proposed.value.term === term &&
        proposed.value.index === last.index - count + 1,
      () => `${node.id} proposed at ${proposed.value.index}, log ends at ${last.index}`,
    );
  });
}

export function read(world: World, node: Node): void {
  const floor = world.oracle.commit;
  world.input(node, () => `read, at ${floor} or later`, (raft) => {
    node.reads.push({ ticket: raft.read(), floor });
  });
}

/** The first to be noticed afterwards may be the clients, before what has arrived meanwhile. */
function pause(world: World, node: Node, ticksMin = 0): void {
  const { dice, agenda, options } = world;
  world.log(() => `pause ${node.describe()}`);
  node.paused = true;
  const { incarnation } = node;
  agenda.after((ticksMin + dice.below(4 * options.electionTicks)) * TICK, () => {
    if (node.incarnation !== incarnation || !node.paused) return;
    const isClientFirst = dice.chance(50);
    world.resume(node, isClientFirst ? () => read(world, node) : () => {});
  });
}

/**
 * The others get time to go on under a new leader, while the old one does not know: it is stopped
 * with an answer on its way to it, or it goes on with its clients behind links that are cut.
 */
function depose(world: World, node: Node): void {
  const { dice, agenda, nodes, cuts, options } = world;
  if (dice.chance(50)) {
    read(world, node);
    agenda.after(1 + dice.below(4), () => {
      if (node.isUp && !node.paused) pause(world, node, 2 * options.electionTicks);
    });
    return;
  }
  const links = nodes.flatMap(({ id }) => [`${id} ${node.id}`, `${node.id} ${id}`]);
  world.log(() => `cut ${node.describe()} off, but not from its clients`);
  for (const link of links) cuts.add(link);
  for (let count = dice.between(1, 4); count > 0; count--) propose(world, node);
  agenda.after(dice.between(2, 5) * options.electionTicks * TICK, () => {
    const next = nodes.find((other) => other !== node && other.isLeading && !other.paused);
    if (next) world.compact(next);
    for (const link of links) cuts.delete(link);
  });
}

/** Cuts one direction, both directions, one node off, or the cluster in two. */
function cut(world: World, leader: NodeId | undefined): void {
  const { dice, nodes, cuts } = world;
  const how = dice.below(4);
  const one = leader !== undefined && dice.chance(50) ? leader : dice.pick(nodes).id;
  const other = dice.pick(nodes).id;
  const halves = new Set(nodes.filter(() => dice.chance(50)).map(({ id }) => id));
  for (const { id: from } of nodes) {
    for (const { id: to } of nodes) {
      const isCut = how === 0
        ? from === one && to === other
        : how === 1
        ? (from === one && to === other) || (from === other && to === one)
        : how === 2
        ? from === one || to === one
        : halves.has(from) !== halves.has(to);
      if (isCut) cuts.add(`${from} ${to}`);
    }
  }
  world.log(() => `cut ${[...cuts].map((link) => link.replace(" ", "→")).join(" ")}`);
}

/** Hints may come at any time, true or not. */
function hint(world: World, node: Node): void {
  const peer = world.dice.pick(world.nodes).id;
  if (peer === node.id) return;
  switch (world.dice.below(3)) {
    case 0:
      return world.lost(node, peer);
    case 1:
      return world.disconnected(node, peer);
    case 2:
      return world.input(node, () => `connected ${peer}`, (raft) => {
        node.unanswered.delete(peer);
        raft.connected(peer);
      });
  }
}

function changeMembers(world: World, node: Node): void {
  const current = node.raft!.membership;
  const next = drawMembership(world, node.id, current);
  if (next === null) return;
  const kept = next.voters.filter(({ id }) => current.voters.some((voter) => voter.id === id));
  const changed = current.voters.length + next.voters.length - 2 * kept.length;
  world.input(node, () => `change to ${showMembership(next)}`, (raft) => {
    const { commit, role, term } = raft.status;
    const result = raft.change(next);
    if (!result.ok) return;
    check(role === "leader" && changed <= 1 && next.voters.length > 0, () => "an illegal change");
    check(raft.termAt(commit) === term, () => `${node.id} changes members before its first commit`);
  });
}

function drawMembership(world: World, self: NodeId, current: Membership): Membership | null {
  const { dice, nodes } = world;
  const { voters, learners } = current;
  const absent = nodes
    .filter(({ id }) => ![...voters, ...learners].some((member) => member.id === id))
    .map(({ id }): Member => ({ id, directory: `directory of ${id}` }));
  const without = (members: readonly Member[], gone: Member): Member[] =>
    members.filter(({ id }) => id !== gone.id);
  switch (dice.below(7)) {
    case 0:
      if (absent.length === 0) return null;
      return { voters, learners: [...learners, dice.pick(absent)] };
    case 1: {
      if (learners.length === 0) return null;
      const promoted = dice.pick(learners);
      return { voters: [...voters, promoted], learners: without(learners, promoted) };
    }
    case 2: {
      if (voters.length === 0) return null;
      const demoted = dice.pick(voters);
      return { voters: without(voters, demoted), learners: [...learners, demoted] };
    }
    case 3:
      if (voters.length === 0) return null;
      return { voters: without(voters, dice.pick(voters)), learners };
    case 4:
      if (learners.length === 0) return null;
      return { voters, learners: without(learners, dice.pick(learners)) };
    case 5:
      return { voters: voters.filter(({ id }) => id !== self), learners };
    default: // Two voters at once, which must be refused.
      return dice.chance(50)
        ? { voters: voters.slice(0, -2), learners }
        : { voters: [...voters.slice(1), ...absent.slice(0, 1)], learners };
  }
}

/** World time of the chaos of one seed. */
export function chaosEnd(world: World): number {
  return world.options.chaosTicks * TICK;
}
