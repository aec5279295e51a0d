/**
 * The state of one Raft node, and the few transitions that every part of the protocol shares.
 * Election, replication, reads and snapshots are functions over it in files of their own.
 *
 * Invariants:
 * - R7 the term never decreases, and at most one vote is cast in a term.
 * - R8 base ≤ snapshot ≤ commit ≤ last, applied ≤ commit; commit and applied never decrease.
 * - R9 what was committed is never truncated.
 * - R10 a leader commits by counting only entries of its own term (§3.6.2).
 * - R11 an uncommitted membership is followed by no second one (§4.1).
 */

import { invariant, type Random } from "../base/mod.ts";
import { decodeMembership } from "./codec.ts";
import { Log } from "./log.ts";
import { isFounding, isVoter, memberIds, Memberships } from "./membership.ts";
import type { Progress } from "./progress.ts";
import { majority } from "./quorum.ts";
import { type ReadState, startReads } from "./read_state.ts";
import type {
  Entry,
  HardState,
  Index,
  Membership,
  Message,
  NodeId,
  Recovered,
  Role,
  SnapshotRef,
  Term,
} from "./types.ts";

export type RaftOptions = {
  readonly id: NodeId;
  /**
   * The id of this node's data directory, in hex. Absent where members are told apart by name
   * alone: then none is ever bound, and a majority always decides.
   */
  readonly directory?: string;
  readonly random: Random;
  /**
   * A follower that hears no leader for this many ticks, plus a random part of at most six tenths
   * of it, starts an election. Short enough that one election ends within two such periods.
   */
  readonly electionTicks: number;
  /** A leader sends heartbeats this often. At most a third of `electionTicks`. */
  readonly heartbeatTicks: number;
};

/** An election in which this node stands. */
export type Campaign = {
  /** A pre-vote asks who would vote, without touching anybody's term (§9.6). */
  readonly pre: boolean;
  readonly transfer: boolean;
  readonly granted: Set<NodeId>;
  readonly refused: Set<NodeId>;
};

/** What a leader keeps. */
export type Leadership = {
  readonly progress: Map<NodeId, Progress>;
  ticksSinceHeartbeat: number;
  /** Leadership is being handed to `to`; no proposals meanwhile. */
  transfer: { readonly to: NodeId; ordered: boolean; ticks: number } | null;
};

export class Core {
  readonly options: RaftOptions;
  readonly log: Log;
  readonly memberships: Memberships;
  readonly reads: ReadState;

  #term: Term;
  #vote: NodeId | null;
  #commit: Index;
  #hardDirty = false;
  applied: Index;
  snapshot: SnapshotRef;

  role: Role = "follower";
  leader: NodeId | null = null;
  /** Set exactly while this node stands for election, and while it leads. */
  campaign: Campaign | null = null;
  leadership: Leadership | null = null;

  /** Ticks since this node last heard a leader, granted a vote, or started an election. */
  ticksElapsed = 0;
  /** When `ticksElapsed` reaches this, an election starts. */
  ticksTimeout = 0;
  /** Ticks since this node last heard a leader: while short, no other candidate gets a vote. */
  ticksQuiet: number;

  /** Messages that may leave at once, and those that must wait for the next write. */
  send: Message[] = [];
  sendAfterWrite: Message[] = [];
  /** The snapshot mark for the next write, and the snapshot that the state machine must load. */
  mark: SnapshotRef | null = null;
  restore: SnapshotRef | null = null;
  /** Why this node must not go on: set once, it ignores all further input. */
  halted: string | null = null;
  /** Messages ignored because they were stale, misdirected or malformed. */
  ignored = 0;
  /** Elections in which this node stood, pre-votes not counted; read rounds that it led. */
  elections = 0;
  readRounds = 0;

  constructor(options: RaftOptions, recovered: Recovered) {
    this.options = options;
    const { position, membership } = recovered.snapshot;
    this.snapshot = recovered.snapshot;
    this.log = new Log(position, recovered.entries);
    this.#term = recovered.hard.term;
    this.#vote = recovered.hard.vote;
    this.#commit = Math.max(position.index, Math.min(recovered.hard.commit, this.log.last.index));
    this.applied = position.index;
    this.memberships = new Memberships(membership, position.index);
    for (const entry of recovered.entries) this.#adoptMembership(entry);
    this.ticksQuiet = options.electionTicks; // after a restart nobody's leadership is vouched for
    this.reads = startReads(options.random);
    this.ticksTimeout = this.#firstTimeout();
    this.check();
  }

  /**
   * A node that has just started hears an existing leader within two heartbeats; when it does not,
   * there probably is none, and the cluster need not wait a whole election timeout for one.
   */
  #firstTimeout(): number {
    const { electionTicks, heartbeatTicks, random } = this.options;
    if (this.membership.voters.length === 1) return 1;
    return 2 * heartbeatTicks + random.below(Math.max(1, Math.floor(electionTicks / 4)));
  }

  get id(): NodeId {
    return this.options.id;
  }

  get term(): Term {
    return this.#term;
  }

  get vote(): NodeId | null {
    return this.#vote;
  }

  get commit(): Index {
    return this.#commit;
  }

  get membership(): Membership {
    return this.memberships.current;
  }

  get isVoter(): boolean {
    return isVoter(this.membership, this.id, this.options.directory);
  }

  /** How many voters must agree before anything is decided (R12). */
  get quorum(): number {
    const { voters } = this.membership;
    const all = this.options.directory !== undefined && isFounding(this.membership);
    return all ? voters.length : majority(voters.length);
  }

  /**
   * Voters stand for election, and so does a voter that was removed by a change which is not known
   * to be committed: theirs may be the only log long enough to win (§4.2.2, figure 4.6).
   */
  get mayStand(): boolean {
    const { id, directory } = this.options;
    return this.memberships.since(this.#commit).some((one) => isVoter(one, id, directory));
  }

  /** All members but this node. */
  get others(): NodeId[] {
    return memberIds(this.membership).filter((id) => id !== this.id);
  }

  /** Whether this term's leader has committed anything yet: before that its commit may be old. */
  get committedInOwnTerm(): boolean {
    return this.log.term(this.#commit) === this.#term;
  }

  // --- Transitions ------------------------------------------------------------------------------

  becomeFollower(term: Term, leader: NodeId | null): void {
    if (term > this.#term) this.#enterTerm(term, null);
    if (leader === null || this.leader !== leader) this.reads.restart = true;
    this.role = "follower";
    this.leader = leader;
    this.campaign = null;
    this.leadership = null;
    this.resetElectionTimer();
  }

  /** Stands for election in the next term, voting for itself. */
  enterCandidacy(): void {
    this.elections++;
    this.#enterTerm(this.#term + 1, this.id);
  }

  castVote(candidate: NodeId): void {
    invariant(
      "R7",
      this.#vote === null || this.#vote === candidate,
      () => `second vote in term ${this.#term}: ${this.#vote}, then ${candidate}`,
    );
    if (this.#vote === null) this.#hardDirty = true;
    this.#vote = candidate;
  }

  /** A current leader was heard. */
  heardLeader(leader: NodeId): void {
    if (this.role !== "follower" || this.leader !== leader) this.becomeFollower(this.#term, leader);
    // A timeout shortened by `leaderLost` would otherwise outlive the reason for it.
    if (this.ticksTimeout < this.options.electionTicks) this.resetElectionTimer();
    this.ticksElapsed = 0;
    this.ticksQuiet = 0;
  }

  resetElectionTimer(): void {
    const { electionTicks, random } = this.options;
    this.ticksElapsed = 0;
    this.ticksTimeout = electionTicks + random.below(Math.floor(electionTicks * 0.6) + 1);
  }

  append(entry: Entry): void {
    this.log.append(entry);
    this.#adoptMembership(entry);
  }

  truncate(index: Index): void {
    invariant("R9", index > this.#commit, () => `truncating ${index}, commit ${this.#commit}`);
    this.log.truncate(index);
    this.memberships.truncate(index);
  }

  commitTo(index: Index): void {
    if (index <= this.#commit) return;
    invariant("R8", index <= this.log.last.index, () => `commit ${index}, ${this.log.describe()}`);
    this.#commit = index;
  }

  /** The snapshot becomes the start of the log; entries behind it stay when they continue it. */
  install(snapshot: SnapshotRef): void {
    const { position, membership } = snapshot;
    invariant("R8", position.index > this.#commit, () => `old snapshot ${position.index}`);
    if (this.log.matches(position)) {
      this.log.compact(position.index);
      this.memberships.compact(position.index);
    } else {
      this.log.reset(position, this.snapshot.position.index);
      this.memberships.reset(position.index, membership);
    }
    this.snapshot = this.mark = this.restore = snapshot;
    this.#commit = this.applied = position.index;
  }

  halt(reason: string): void {
    this.halted ??= reason;
  }

  // --- Hard state -------------------------------------------------------------------------------

  get hardDirty(): boolean {
    return this.#hardDirty;
  }

  /**
   * The hard state, taken for a write. Its commit index speaks only of entries that are on disk
   * already: those of the same write may not get there with it, and a start would take what they
   * were to replace for committed.
   */
  takeHard(): HardState {
    this.#hardDirty = false;
    const commit = Math.min(this.#commit, this.log.stable);
    return { term: this.#term, vote: this.#vote, commit };
  }

  #enterTerm(term: Term, vote: NodeId | null): void {
    invariant("R7", term > this.#term, () => `term ${term} after ${this.#term}`);
    this.#term = term;
    this.#vote = vote;
    this.#hardDirty = true;
  }

  #adoptMembership(entry: Entry): void {
    if (entry.kind !== "membership") return;
    const membership = decodeMembership(entry.payload);
    if (membership.ok) this.memberships.push(entry.index, membership.value);
    else this.halt(`membership entry ${entry.index}@${entry.term}: ${membership.error}`);
  }

  /** Checks the order of the log's pointers; called after every input. */
  check(): void {
    const { base, last } = this.log;
    const ordered = base.index <= this.snapshot.position.index &&
      this.snapshot.position.index <= this.#commit && this.applied <= this.#commit &&
      this.#commit <= last.index;
    invariant(
      "R8",
      ordered,
      () =>
        `base ${base.index} ≤ snapshot ${this.snapshot.position.index} ≤ commit ` +
        `${this.#commit} ≤ last ${last.index}, applied ${this.applied}`,
    );
    invariant(
      "R7",
      (this.role === "leader") === (this.leadership !== null) &&
        (this.role === "candidate") === (this.campaign !== null),
      () => `role ${this.role}`,
    );
  }
}
