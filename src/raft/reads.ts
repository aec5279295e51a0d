/**
 * Linearizable reads without a log entry: ReadIndex (§6.4), in batches, on any node.
 *
 * A batch closes when its request leaves, so its index is chosen after each of its reads began.
 * The leader takes its commit index, provided that it has committed in its own term, and answers
 * once a majority has shown that no later leader was elected before the reads began: by the echo of
 * a heartbeat sent after the index was taken, or by asking. Echoes of older rounds, of earlier terms
 * or to earlier attempts confirm nothing newer.
 *
 * Why asking counts: a voter asks in its leader's term, which it had not left when the batch closed,
 * and takes no answer of an older term than its own. If the leader has not left that term either
 * when it is asked, whoever is elected next needs the vote of one of the two (in a cluster of three,
 * any majority holds one of them), so all it ever commits is newer than the reads. They may miss
 * that. It holds for the batch of the voter that asked, and for no other node's.
 */

import type { Core, Leadership } from "./core.ts";
import { reachedByMajority } from "./quorum.ts";
import { sendHeartbeat, tellCommit } from "./replication.ts";
import type { ReadTicket } from "./read_state.ts";
import type { Echo, NodeId, ReadReply, ReadRequest } from "./types.ts";

/** Joins the batch that has not left yet. */
export function joinBatch(core: Core): ReadTicket {
  core.reads.joined = true;
  return core.reads.ticket;
}

export function tickReads(core: Core): void {
  const { flight } = core.reads;
  if (flight && ++flight.ticks >= core.options.electionTicks) core.reads.restart = true;
}

/** Sends what is due: this node's own batch, and as leader the round that confirms all batches. */
export function advanceReads(core: Core): void {
  launchBatch(core);
  if (core.leadership && core.committedInOwnTerm) startRound(core, core.leadership);
}

function launchBatch(core: Core): void {
  const { reads } = core;
  const idle = reads.flight === null;
  if (core.leader === null || !(idle ? reads.joined : reads.restart)) return;
  // A repeated request takes the reads that arrived meanwhile along: its index is chosen later.
  reads.attempt++;
  reads.flight = { attempt: reads.attempt, through: reads.ticket, ticks: 0 };
  reads.ticket++;
  reads.joined = false;
  reads.restart = false;
  if (core.leadership) reads.arrived.set(core.id, reads.attempt);
  else {
    const { id: from, leader: to, term } = core;
    core.send.push({ kind: "readRequest", from, to, term, attempt: reads.attempt });
  }
}

export function onReadRequest(core: Core, request: ReadRequest): void {
  if (!core.leadership?.progress.has(request.from)) return;
  core.reads.arrived.set(request.from, request.attempt);
}

/** Fixes the index of all that arrived, and asks a majority whether this node still leads. */
function startRound(core: Core, leadership: Leadership): void {
  const { reads } = core;
  if (reads.arrived.size === 0) return;
  reads.round++;
  core.readRounds++;
  for (const [id, attempt] of reads.arrived) {
    reads.asked.set(id, { attempt, index: core.commit, round: reads.round });
  }
  reads.arrived.clear();
  confirm(core, leadership);
  const open = [...reads.asked.values()].some(({ round }) => round === reads.round);
  if (!open) return; // this node and each that asked are a majority
  for (const [id, progress] of leadership.progress) sendHeartbeat(core, id, progress);
}

export function onEcho(core: Core, echo: Echo): void {
  const leadership = core.leadership;
  const progress = leadership?.progress.get(echo.from);
  if (!leadership || !progress) return;
  progress.ticksSilent = 0;
  if (echo.round <= progress.round || echo.round > core.reads.round) return;
  progress.round = echo.round;
  confirm(core, leadership);
}

/** Answers everything that a majority has confirmed. */
function confirm(core: Core, leadership: Leadership): void {
  const { reads } = core;
  for (const [id, { attempt, index, round }] of reads.asked) {
    if (round > confirmedFor(core, leadership, id)) continue;
    reads.asked.delete(id);
    answer(core, id, attempt, index);
  }
}

/** The last round that a majority has confirmed, with `asker` counting as if it had echoed it. */
function confirmedFor(core: Core, leadership: Leadership, asker: NodeId): number {
  const { reads, id: self } = core;
  const rounds = core.membership.voters.map(({ id }) =>
    id === self || id === asker ? reads.round : leadership.progress.get(id)?.round ?? 0
  );
  return reachedByMajority(rounds, core.quorum);
}

function answer(core: Core, to: NodeId, attempt: number, index: number): void {
  const { id: from, term } = core;
  if (to === from) return grant(core, attempt, index);
  core.send.push({ kind: "readReply", from, to, term, attempt, index });
  // Its reads wait until it has applied that much.
  const progress = core.leadership?.progress.get(to);
  if (progress) tellCommit(core, to, progress);
}

export function onReadReply(core: Core, reply: ReadReply): void {
  if (reply.from === core.leader) grant(core, reply.attempt, reply.index);
}

function grant(core: Core, attempt: number, index: number): void {
  const { reads } = core;
  if (reads.flight?.attempt !== attempt) return;
  reads.grants.push({ through: reads.flight.through, index });
  reads.flight = null;
}
