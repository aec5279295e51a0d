/**
 * One node's Raft: the dispatcher in front of the protocol's parts, and the drain behind them.
 *
 * The caller feeds messages, ticks and completions, and after any number of them drains what came
 * of it with `take()`. All inputs of one loop turn thus share one write, one message per follower,
 * and one read round.
 */

import { assert, err, ok, type Result, unreachable } from "../base/mod.ts";
import { encodeMembership } from "./codec.ts";
import { Core, type RaftOptions } from "./core.ts";
import {
  isLeaderHeard,
  leaderLost,
  onTimeoutNow,
  onVoteReply,
  onVoteRequest,
  tickElection,
  voteStored,
} from "./election.ts";
import { isFounding, refuseChange } from "./membership.ts";
import type { ReadGrant, ReadTicket } from "./read_state.ts";
import { advanceReads, joinBatch, onEcho, onReadReply, onReadRequest, tickReads } from "./reads.ts";
import {
  advanceCommit,
  appendOwn,
  onAccepted,
  onAppend,
  onHeartbeat,
  onRejected,
  replicate,
  tickLeader,
  trackMembers,
} from "./replication.ts";
import { compact, onInstall } from "./snapshot.ts";
import { tickTransfer, transfer } from "./transfer.ts";
import type {
  Entry,
  HardState,
  Index,
  Membership,
  Message,
  NodeId,
  Position,
  Recovered,
  Role,
  SnapshotRef,
  Term,
  Write,
  WriteId,
} from "./types.ts";
import { isWellFormed } from "./well_formed.ts";

/** What has come of the inputs since the last `take()`. */
export type Ready = {
  /** May leave at once. */
  readonly send: readonly Message[];
  /** Must become durable; storage completes writes in the order in which it got them. */
  readonly write: Write | null;
  /** Load this snapshot into the state machine before applying anything further. */
  readonly restore: SnapshotRef | null;
  /** Entries up to here are committed. */
  readonly commit: Index;
  readonly grants: readonly ReadGrant[];
  /** Set: this node must not go on, for this reason. Nothing in this Ready may be acted on. */
  readonly halt: string | null;
};

export type RaftStatus = {
  readonly role: Role;
  readonly term: Term;
  readonly vote: NodeId | null;
  readonly leader: NodeId | null;
  readonly commit: Index;
  readonly applied: Index;
  readonly first: Index;
  readonly last: Position;
  readonly stable: Index;
  readonly snapshot: Position;
  readonly isVoter: boolean;
  readonly isFounding: boolean;
  /** Since the start: messages ignored, elections in which this node stood, read rounds it led. */
  readonly ignored: number;
  readonly elections: number;
  readonly readRounds: number;
};

export type ProposeError = "notLeader" | "transferring";
export type ChangeError = ProposeError | "notReady" | "pending" | { readonly refused: string };

export class Raft {
  readonly #core: Core;
  #writeId: WriteId = 0;
  #writes: { readonly id: WriteId; readonly hard: HardState | null }[] = [];

  constructor(options: RaftOptions, recovered: Recovered) {
    const { electionTicks, heartbeatTicks } = options;
    assert(heartbeatTicks >= 1 && electionTicks >= 3 * heartbeatTicks, "heartbeats are frequent");
    this.#core = new Core(options, recovered);
  }

  // --- Inputs -----------------------------------------------------------------------------------

  /** From a peer. Stale, misdirected or malformed input is ignored and counted, never thrown. */
  step(message: Message): void {
    const core = this.#core;
    if (core.halted !== null) return;
    if (!isWellFormed(message, core.id) || !this.#enterTermOf(message)) {
      core.ignored++;
      return;
    }
    if (claimsLeadership(message) && core.role === "leader") {
      core.halt(`both ${core.id} and ${message.from} lead in term ${core.term}`);
      return;
    }
    this.#dispatch(message);
    core.check();
  }

  /** Time passes, in the unit of the options' ticks. */
  tick(): void {
    const core = this.#core;
    if (core.halted !== null) return;
    if (core.leadership) {
      tickTransfer(core);
      tickLeader(core);
    } else tickElection(core);
    tickReads(core);
    core.check();
  }

  /** Appends commands; the position of the first. They may still be lost until they commit. */
  propose(commands: readonly Uint8Array[]): Result<Position, ProposeError> {
    assert(commands.length > 0, "a proposal has commands");
    const core = this.#core;
    if (core.leadership === null || core.halted !== null) return err("notLeader");
    if (core.leadership.transfer) return err("transferring");
    return ok(appendOwn(core, "command", commands));
  }

  /** Proposes a membership that differs by at most one voter (R5, R11). */
  change(membership: Membership): Result<Position, ChangeError> {
    const core = this.#core;
    if (core.leadership === null || core.halted !== null) return err("notLeader");
    if (core.leadership.transfer) return err("transferring");
    // Without an own-term commit a change of an earlier term may be pending unseen (§4.1, erratum).
    if (!core.committedInOwnTerm) return err("notReady");
    if (core.memberships.index > core.commit) return err("pending");
    const refused = refuseChange(core.membership, membership);
    if (refused !== null) return err({ refused });
    const before = core.membership;
    const position = appendOwn(core, "membership", [encodeMembership(membership)]);
    trackMembers(core, before);
    return ok(position);
  }

  /** Joins the batch of reads that has not left yet; `Ready.grants` will release its ticket. */
  read(): ReadTicket {
    return joinBatch(this.#core);
  }

  /** The write `id`, and every write before it, are durable. */
  stored(id: WriteId): void {
    const core = this.#core;
    if (core.halted !== null) return;
    core.log.stored(id);
    while (this.#writes.length > 0 && this.#writes[0]!.id <= id) {
      const hard = this.#writes.shift()!.hard;
      if (hard && hard.term === core.term && hard.vote === core.id) voteStored(core);
    }
    advanceCommit(core);
    core.check();
  }

  /** The state machine has applied everything up to `index`. */
  applied(index: Index): void {
    const core = this.#core;
    assert(index >= core.applied && index <= core.commit, "applies committed entries in order");
    core.applied = index;
  }

  /** A snapshot of the applied state at `snapshot.position` is durable: entries below may go. */
  compact(snapshot: SnapshotRef): void {
    compact(this.#core, snapshot);
    this.#core.check();
  }

  /** Messages to `peer` were lost, or its snapshot did not arrive. */
  lost(peer: NodeId): void {
    this.#core.leadership?.progress.get(peer)?.lost();
  }

  /** The link to `peer` is up: a probe that waited for it may leave. */
  connected(peer: NodeId): void {
    this.#core.leadership?.progress.get(peer)?.heartbeat(this.#core.log.last.index);
  }

  /**
   * The link to `peer` broke, which hints at the end of its process. May be called without need, but
   * not be left out when that process has ended: of all messages only a snapshot is never repeated
   * otherwise, and the one that it had got may not have been stored.
   */
  disconnected(peer: NodeId): void {
    this.lost(peer);
    leaderLost(this.#core, peer);
  }

  /** Hands leadership over, if there is somebody to take it. */
  transfer(): boolean {
    return transfer(this.#core);
  }

  /** Gives leadership up, for want of anybody to hand it to. */
  stepDown(): void {
    if (this.#core.leadership) this.#core.becomeFollower(this.#core.term, null);
  }

  // --- Outputs ----------------------------------------------------------------------------------

  take(): Ready {
    const core = this.#core;
    if (core.halted === null) {
      if (core.leadership) replicate(core);
      advanceReads(core);
    }
    const write = this.#takeWrite();
    const ready: Ready = {
      send: core.send,
      write,
      restore: core.restore,
      commit: core.commit,
      grants: core.reads.grants,
      halt: core.halted,
    };
    core.send = [];
    core.restore = null;
    core.reads.grants = [];
    return ready;
  }

  /** Committed entries `from` to `to`, ending early at the bounds. */
  entries(from: Index, to: Index, bounds: { countMax: number; bytesMax: number }): Entry[] {
    assert(to <= this.#core.commit, "only committed entries are applied");
    return this.#core.log.slice(from, to, bounds.countMax, bounds.bytesMax);
  }

  /** The reference that a snapshot of the state after `index` must carry. */
  snapshotAt(index: Index): SnapshotRef {
    const term = this.#core.log.term(index);
    assert(term !== undefined && index <= this.#core.applied, "a snapshot holds applied state");
    return { position: { index, term }, membership: this.#core.memberships.at(index) };
  }

  termAt(index: Index): Term | undefined {
    return this.#core.log.term(index);
  }

  get membership(): Membership {
    return this.#core.membership;
  }

  /** Whether, as far as is committed, some voter is not yet bound to its data directory (R12). */
  get isFounding(): boolean {
    return isFounding(this.#core.memberships.at(this.#core.commit));
  }

  /** Whether a write of this node is under way. */
  get isStoring(): boolean {
    return this.#writes.length > 0;
  }

  get leader(): NodeId | null {
    return this.#core.leader;
  }

  get role(): Role {
    return this.#core.role;
  }

  get commit(): Index {
    return this.#core.commit;
  }

  get status(): RaftStatus {
    const { role, term, vote, leader, commit, applied, log, snapshot, isVoter } = this.#core;
    const { ignored, elections, readRounds } = this.#core;
    const { first, last, stable } = log;
    return {
      role,
      term,
      vote,
      leader,
      commit,
      applied,
      first,
      last,
      stable,
      snapshot: snapshot.position,
      isVoter,
      isFounding: this.isFounding,
      ignored,
      elections,
      readRounds,
    };
  }

  /** As leader: how far each follower's durable log is known to equal this one. Else empty. */
  get matched(): Map<NodeId, Index> {
    const matched = new Map<NodeId, Index>();
    for (const [id, progress] of this.#core.leadership?.progress ?? []) {
      matched.set(id, progress.matched);
    }
    return matched;
  }

  // --- Internals --------------------------------------------------------------------------------

  /** Brings this node to the message's term where the protocol says so; false: ignore it. */
  #enterTermOf(message: Message): boolean {
    const core = this.#core;
    const { kind, term } = message;
    if (kind === "voteRequest" && !message.transfer && isLeaderHeard(core)) {
      if (term >= core.term) return false;
    }
    const preVote = (kind === "voteRequest" && message.pre) ||
      (kind === "voteReply" && message.pre && message.granted);
    if (term > core.term && !preVote) {
      core.becomeFollower(term, claimsLeadership(message) ? message.from : null);
    }
    if (term >= core.term) return true;
    // The sender has fallen behind: whoever still seeks votes or leads must learn the term.
    const reply = { from: core.id, to: message.from, term: core.term };
    if (kind === "voteRequest") {
      core.send.push({ kind: "voteReply", ...reply, pre: message.pre, granted: false });
    } else if (claimsLeadership(message)) {
      core.send.push({ kind: "echo", ...reply, round: 0 });
    }
    return false;
  }

  #dispatch(message: Message): void {
    const core = this.#core;
    switch (message.kind) {
      case "voteRequest":
        return onVoteRequest(core, message);
      case "voteReply":
        return onVoteReply(core, message);
      case "append":
        return onAppend(core, message);
      case "accepted":
        return core.leadership ? onAccepted(core, message) : undefined;
      case "rejected":
        return core.leadership ? onRejected(core, message) : undefined;
      case "heartbeat":
        return onHeartbeat(core, message);
      case "echo":
        return onEcho(core, message);
      case "readRequest":
        return onReadRequest(core, message);
      case "readReply":
        return onReadReply(core, message);
      case "install":
        return onInstall(core, message);
      case "timeoutNow":
        return onTimeoutNow(core, message);
      default:
        return unreachable(message);
    }
  }

  #takeWrite(): Write | null {
    const core = this.#core;
    const messages = core.sendAfterWrite;
    core.sendAfterWrite = [];
    const nothingToStore = !core.hardDirty && !core.log.hasUnwritten && core.mark === null;
    if (nothingToStore && (messages.length === 0 || !core.log.writesPending)) {
      core.send.push(...messages); // all they vouch for is durable already
      return null;
    }
    const id = ++this.#writeId;
    const hard = core.hardDirty ? core.takeHard() : null;
    this.#writes.push({ id, hard });
    const write: Write = {
      id,
      ...(hard && { hard }),
      ...core.log.takeUnwritten(id),
      ...(core.mark && { snapshot: core.mark }),
      thenSend: messages,
    };
    core.mark = null;
    return write;
  }
}

function claimsLeadership(message: Message): boolean {
  return message.kind === "append" || message.kind === "heartbeat" || message.kind === "install";
}
