/** What commands of a script do in more than one step. */

import { assert } from "../../../src/base/mod.ts";
import type { Membership, Raft } from "../../../src/raft/mod.ts";
import type { Cluster } from "./cluster.ts";
import type { SimNode } from "./node.ts";
import { showMembership, showPosition } from "./notation.ts";
import { parseMember } from "./words.ts";

/** Ticks after which a node that does not campaign never will. */
const CAMPAIGN_TICKS_MAX = 100;

/** Ticks until `node` starts an election. */
export function campaign(cluster: Cluster, node: SimNode): void {
  const before = node.campaigns;
  let ticks = 0;
  while (node.campaigns === before) {
    assert(ticks++ < CAMPAIGN_TICKS_MAX, `${node.id} campaigns`);
    const role = node.raft?.status.role;
    cluster.input(node.id, (raft) => raft.tick());
    if (role !== node.raft?.status.role) break;
  }
  cluster.tell(`${node.id} ticked ${ticks}`);
}

/** An election with everything delivered; the transcript tells only of its result. */
export function elect(cluster: Cluster, node: SimNode): void {
  const told = cluster.transcript.length;
  campaign(cluster, node);
  cluster.deliverAll();
  assert(node.raft?.status.role === "leader", `${node.id} is elected`);
  cluster.transcript.length = told;
  cluster.tell(`${node.id}@${node.term} leader`);
}

/** A learner is added, a learner or new node becomes a voter, a voter a learner, or it goes. */
export function changed({ voters, learners }: Membership, verb: string, name: string): Membership {
  const member = parseMember(name);
  const without = {
    voters: voters.filter(({ id }) => id !== member.id),
    learners: learners.filter(({ id }) => id !== member.id),
  };
  switch (verb) {
    case "learner":
      return { ...without, learners: [...without.learners, member] };
    case "voter":
      return { ...without, voters: [...without.voters, member] };
    case "remove":
      return without;
    default:
      throw new Error(`no such change: ${verb}`);
  }
}

export function showStatus(raft: Raft): string {
  const { role, leader, vote, first, last, stable, commit, snapshot } = raft.status;
  const parts = [
    `${role}${role === "follower" && leader !== null ? ` of ${leader}` : ""}`,
    `vote ${vote ?? "none"}`,
    `last ${showPosition(last)}`,
    ...(stable < last.index ? [`stable ${stable}`] : []),
    `commit ${commit}`,
    ...(snapshot.index > 0 ? [`snapshot ${showPosition(snapshot)}`] : []),
    ...(first > 1 ? [`first ${first}`] : []),
    showMembership(raft.membership),
  ];
  return parts.join(", ");
}
