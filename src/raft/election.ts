/**
 * Elections (§3.4, §3.6.1) with pre-vote (§9.6), votes refused while a leader is heard (§4.2.3),
 * and elections on the leader's order (§3.10).
 */

import { lead } from "./replication.ts";
import type { Core } from "./core.ts";
import type { NodeId, TimeoutNow, VoteReply, VoteRequest } from "./types.ts";

/** One tick of a node that does not lead. */
export function tickElection(core: Core): void {
  core.ticksElapsed++;
  core.ticksQuiet++;
  if (core.ticksElapsed < core.ticksTimeout || isVoteBeingStored(core)) return;
  campaign(core, { pre: true, transfer: false });
}

/** A candidate whose disk is slow gains nothing by another election: its vote would wait again. */
function isVoteBeingStored({ campaign, id }: Core): boolean {
  return campaign !== null && !campaign.pre && !campaign.granted.has(id);
}

/** Stands for election. A pre-vote first, so that a node that cannot win disturbs nobody. */
function campaign(core: Core, kind: { pre: boolean; transfer: boolean }): void {
  core.resetElectionTimer();
  if (!core.mayStand) return;
  core.becomeFollower(core.term, null);
  core.role = "candidate";
  core.ticksTimeout = retryTicks(core);
  core.campaign = { ...kind, granted: new Set(), refused: new Set() };
  if (!kind.pre) core.enterCandidacy();
  const term = kind.pre ? core.term + 1 : core.term;
  for (const { id } of core.membership.voters) {
    if (id === core.id) continue;
    core.sendAfterWrite.push({
      kind: "voteRequest",
      from: core.id,
      to: id,
      term,
      ...kind,
      last: core.log.last,
    });
  }
  // The own pre-vote promises nothing; the own vote counts in `voteStored`, once it is durable.
  if (kind.pre) count(core, core.id, true);
}

/**
 * When to stand again unless a leader turns up. A voter that was in the way, because it stood at the
 * same moment, will be no more likely to help after a whole timeout; the random part is what helps.
 * Long enough for a vote to be stored on a slow disk.
 */
function retryTicks({ options: { electionTicks, random } }: Core): number {
  return 1 + Math.floor(electionTicks / 3) + random.below(1 + Math.floor(electionTicks / 2));
}

/** The own vote in `term` has become durable. */
export function voteStored(core: Core): void {
  if (core.campaign === null || core.campaign.pre || core.vote !== core.id) return;
  core.ticksElapsed = 0; // the requests leave only now
  count(core, core.id, true);
}

export function onVoteRequest(core: Core, request: VoteRequest): void {
  const { from, pre, last } = request;
  const upToDate = core.log.notAheadOf(last);
  const free = pre
    ? request.term > core.term
    : core.vote === from || (core.vote === null && core.leader === null);
  const granted = upToDate && free;
  if (granted && !pre) {
    core.castVote(from);
    core.ticksElapsed = 0;
  }
  // A granted pre-vote carries the term asked for, so that the candidate can tell it from others.
  const term = pre && granted ? request.term : core.term;
  const outbox = granted ? core.sendAfterWrite : core.send;
  outbox.push({ kind: "voteReply", from: core.id, to: from, term, pre, granted });
}

/** Whether a vote request must be ignored because this node hears a leader (§4.2.3). */
export function isLeaderHeard(core: Core): boolean {
  if (core.role === "leader") return true;
  return core.leader !== null && core.ticksQuiet < core.options.electionTicks;
}

export function onVoteReply(core: Core, reply: VoteReply): void {
  if (core.campaign === null || core.campaign.pre !== reply.pre) return;
  if (reply.pre && reply.granted && reply.term !== core.term + 1) return;
  count(core, reply.from, reply.granted);
}

export function onTimeoutNow(core: Core, order: TimeoutNow): void {
  if (core.leader === order.from) campaign(core, { pre: false, transfer: true });
}

function count(core: Core, voter: NodeId, granted: boolean): void {
  const standing = core.campaign;
  if (standing === null) return;
  (granted ? standing.granted : standing.refused).add(voter);
  const voters = core.membership.voters;
  const needed = core.quorum;
  const votes = voters.filter(({ id }) => standing.granted.has(id)).length;
  const refusals = voters.filter(({ id }) => standing.refused.has(id)).length;
  if (votes >= needed) {
    if (standing.pre) campaign(core, { pre: false, transfer: false });
    else lead(core);
  } else if (voters.length - refusals < needed) {
    core.becomeFollower(core.term, null);
  }
}

/**
 * The link to `peer` broke. When it is the leader, its process has probably ended: this node stops
 * vouching for it, and stands for election soon. Only a hint: were the leader alive and well, the
 * others would still hear it and refuse their pre-vote.
 */
export function leaderLost(core: Core, peer: NodeId): void {
  if (core.leader !== peer || core.role !== "follower") return;
  const { electionTicks, random } = core.options;
  core.ticksQuiet = electionTicks;
  const soon = 1 + random.below(Math.max(1, Math.floor(electionTicks / 4)));
  core.ticksTimeout = Math.min(core.ticksTimeout, core.ticksElapsed + soon);
}
