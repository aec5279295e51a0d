/**
 * Log replication (§3.5): the leader's side and the follower's, commitment (§3.6.2), and the check
 * that a leader still reaches a majority (§6.2).
 */

import { assert, EMPTY, limits } from "../base/mod.ts";
import type { Core, Leadership } from "./core.ts";
import { entryBytes } from "./log.ts";
import { isSame, memberOf } from "./membership.ts";
import { Progress } from "./progress.ts";
import { reachedByMajority } from "./quorum.ts";
import { noteTransferProgress } from "./transfer.ts";
import {
  type Accepted,
  type Append,
  type Entry,
  type EntryKind,
  type Heartbeat,
  type Index,
  type Membership,
  type NodeId,
  ORIGIN,
  type Position,
  type Rejected,
  type Term,
} from "./types.ts";

// --- Leader ---------------------------------------------------------------------------------------

/** Takes office: every follower is probed, and a no-op of the new term makes commits possible. */
export function lead(core: Core): void {
  assert(core.campaign !== null && !core.campaign.pre, "only an elected candidate leads");
  core.role = "leader";
  core.campaign = null;
  core.leader = core.id;
  core.leadership = {
    progress: new Map(),
    ticksSinceHeartbeat: 0,
    transfer: null,
  };
  core.reads.restart = true;
  core.reads.round = 0;
  core.reads.arrived.clear();
  core.reads.asked.clear();
  appendOwn(core, "noop", [EMPTY]);
  trackMembers(core, core.membership);
}

/** Appends entries of the own term and returns the position of the first. */
export function appendOwn(
  core: Core,
  kind: EntryKind,
  payloads: readonly Uint8Array[],
): Position {
  const first = { index: core.log.last.index + 1, term: core.term };
  for (const payload of payloads) {
    core.append({ index: core.log.last.index + 1, term: core.term, kind, payload });
  }
  return first;
}

/**
 * Follows a change from the membership `before`: new members get a progress, removed ones lose
 * theirs, and so does a member that comes back with another data directory: what the old one had
 * acknowledged is not there. The first probe carries the newest entry, which the caller has just
 * appended.
 */
export function trackMembers(core: Core, before: Membership): void {
  const { progress } = leadershipOf(core);
  for (const id of progress.keys()) {
    const [was, is] = [memberOf(before, id), memberOf(core.membership, id)];
    if (!was || !is || !isSame(was, is)) progress.delete(id);
  }
  for (const id of core.others) {
    if (!progress.has(id)) progress.set(id, new Progress(core.log.last.index));
  }
}

/**
 * Sends each follower what it lacks and is ready for; called once per turn, so that it batches.
 *
 * A commit index alone waits until nothing is on its way: the acknowledgement of that comes soon,
 * mostly with more to tell. Under load a fifth of all messages told nothing else.
 */
export function replicate(core: Core): void {
  for (const [id, progress] of leadershipOf(core).progress) {
    while (progress.ready && progress.next <= core.log.last.index) {
      if (!sendEntries(core, id, progress)) break;
    }
    if (!progress.isPipelining) tellCommit(core, id, progress);
  }
}

/** Tells a follower what is committed, if it does not know it yet, nor will with the next entries. */
export function tellCommit(core: Core, to: NodeId, progress: Progress): void {
  const hasAll = progress.next > core.log.last.index;
  if (hasAll && progress.ready && progress.commitSent < core.commit) {
    sendAppend(core, to, progress, []);
  }
}

/** False when a snapshot had to be sent instead, or the follower can take no more. */
function sendEntries(core: Core, to: NodeId, progress: Progress): boolean {
  if (core.log.term(progress.next - 1) === undefined) {
    progress.installing(core.snapshot.position.index);
    const { id: from, term, snapshot } = core;
    core.send.push({ kind: "install", from, to, term, snapshot });
    return false;
  }
  const { appendEntriesMax, appendBytesMax } = limits;
  const entries = core.log.slice(
    progress.next,
    core.log.last.index,
    appendEntriesMax,
    appendBytesMax,
  );
  sendAppend(core, to, progress, entries);
  return true;
}

function sendAppend(
  core: Core,
  to: NodeId,
  progress: Progress,
  entries: readonly Entry[],
): void {
  const index = progress.next - 1;
  const term = core.log.term(index);
  assert(term !== undefined, "a follower that needs what is compacted away gets a snapshot");
  core.send.push({
    kind: "append",
    from: core.id,
    to,
    term: core.term,
    previous: { index, term },
    commit: core.commit,
    entries,
  });
  progress.commitSent = core.commit;
  progress.sent(entries.length, entries.reduce((sum, entry) => sum + entryBytes(entry), 0));
}

export function tickLeader(core: Core): void {
  const leadership = leadershipOf(core);
  if (++leadership.ticksSinceHeartbeat >= core.options.heartbeatTicks) {
    leadership.ticksSinceHeartbeat = 0;
    for (const [id, progress] of leadership.progress) {
      sendHeartbeat(core, id, progress);
      if (progress.mode === "snapshot") askPosition(core, id);
      else if (progress.heartbeat(core.log.last.index)) revive(core, id, progress);
    }
  }
  for (const progress of leadership.progress.values()) progress.ticksSilent++;
  if (!reachesMajority(core, leadership)) core.becomeFollower(core.term, null);
}

/** Repeats the end of a pipeline that stands still, or begins anew when that end is gone. */
function revive(core: Core, to: NodeId, progress: Progress): void {
  if (core.log.term(progress.next - 1) === undefined) progress.lost();
  else sendAppend(core, to, progress, []);
}

/**
 * Asks a follower that gets a snapshot how far it is, since the answer that told may be lost: every
 * log agrees with every other at the origin, so it answers with what it has committed.
 */
function askPosition(core: Core, to: NodeId): void {
  const { id: from, term } = core;
  core.send.push({ kind: "append", from, to, term, previous: ORIGIN, commit: 0, entries: [] });
}

export function sendHeartbeat(core: Core, to: NodeId, progress: Progress): void {
  core.send.push({
    kind: "heartbeat",
    from: core.id,
    to,
    term: core.term,
    commit: Math.min(progress.matched, core.commit),
    round: core.reads.round,
  });
}

/** Whether a majority was heard from within an election timeout. */
function reachesMajority(core: Core, { progress }: Leadership): boolean {
  const { electionTicks } = core.options;
  const heard = core.membership.voters.map(({ id }) =>
    id === core.id || progress.get(id)?.isHeard(electionTicks) ? 1 : 0
  );
  return reachedByMajority(heard, core.quorum) === 1;
}

export function onAccepted(core: Core, message: Accepted): void {
  const progress = leadershipOf(core).progress.get(message.from);
  if (progress === undefined || message.matched > core.log.last.index) {
    core.ignored++;
    return;
  }
  progress.ticksSilent = 0;
  progress.accepted(message.matched);
  advanceCommit(core);
  noteTransferProgress(core, message.from);
}

export function onRejected(core: Core, message: Rejected): void {
  const progress = leadershipOf(core).progress.get(message.from);
  if (progress === undefined) return;
  progress.ticksSilent = 0;
  // Skip a whole term of disagreement at a time, from both sides (§3.5, last paragraph).
  const agreement = lastNotNewer(core, message.hint.index, message.hint.term);
  progress.rejected(message.previous, agreement);
}

/** Commits what a majority holds durably, if that includes an entry of this term (R10). */
export function advanceCommit(core: Core): void {
  const leadership = core.leadership;
  if (leadership === null) return;
  const held = core.membership.voters.map(({ id }) =>
    id === core.id ? core.log.stable : leadership.progress.get(id)?.matched ?? 0
  );
  const index = reachedByMajority(held, core.quorum);
  if (index <= core.commit || core.log.term(index) !== core.term) return;
  core.commitTo(index);
  // A leader that removed itself has done its duty once that is committed (§4.2.2).
  const removed = !core.isVoter && core.memberships.index <= index;
  if (removed) {
    replicate(core);
    for (const [id, progress] of leadership.progress) tellCommit(core, id, progress);
    core.becomeFollower(core.term, null);
  }
}

function leadershipOf(core: Core): Leadership {
  assert(core.leadership !== null, "only a leader replicates");
  return core.leadership;
}

// --- Follower -------------------------------------------------------------------------------------

export function onAppend(core: Core, message: Append): void {
  core.heardLeader(message.from);
  const { previous, entries } = message;
  const reply = { from: core.id, to: message.from, term: core.term };
  if (previous.index < core.commit) {
    // Late or repeated: what was committed agrees already; say how far, and let the rest come.
    core.sendAfterWrite.push({ kind: "accepted", ...reply, matched: core.commit });
    return;
  }
  if (!core.log.matches(previous)) {
    const index = lastNotNewer(core, Math.min(previous.index, core.log.last.index), previous.term);
    const hint = { index, term: core.log.term(index) ?? 0 };
    core.send.push({ kind: "rejected", ...reply, previous: previous.index, hint });
    return;
  }
  for (const entry of entries) acceptEntry(core, entry);
  const matched = previous.index + entries.length;
  core.commitTo(Math.min(message.commit, matched));
  core.sendAfterWrite.push({ kind: "accepted", ...reply, matched });
}

function acceptEntry(core: Core, entry: Entry): void {
  const known = core.log.term(entry.index);
  if (known === entry.term) return;
  if (known !== undefined) core.truncate(entry.index);
  core.append(entry);
}

export function onHeartbeat(core: Core, message: Heartbeat): void {
  core.heardLeader(message.from);
  if (message.commit > core.log.last.index) {
    // The leader's number rests on this node's own acknowledgement in this term.
    core.halt(
      `the leader ${message.from} holds this node's acknowledgement up to ${message.commit}, ` +
        `but its log ends at ${core.log.last.index}: acknowledged entries were lost here`,
    );
    return;
  }
  core.commitTo(message.commit);
  const { id: from, term } = core;
  core.send.push({ kind: "echo", from, to: message.from, term, round: message.round });
}

/** The last index, at most `from`, whose term is not newer than `term`. */
function lastNotNewer(core: Core, from: Index, term: Term): Index {
  let index = Math.min(from, core.log.last.index);
  while (index > core.log.base.index && (core.log.term(index) ?? 0) > term) index--;
  return Math.max(index, core.log.base.index);
}
