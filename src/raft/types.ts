/**
 * The nouns of consensus. Plain data, shared with storage and peers, which import them as types.
 */

/** The identity of a node, as in `keva.toml`. */
export type NodeId = string;

/** Counts elections; 0 before the first. */
export type Term = number;

/** Counts log entries from 1; 0 is the position before the first. */
export type Index = number;

/** A place in the log. Two logs that hold the same position are equal up to it (Raft §5.3). */
export type Position = { readonly index: Index; readonly term: Term };

export const ORIGIN: Position = { index: 0, term: 0 };

/**
 * `noop` is what a new leader appends to learn what is committed (§8); `command` is opaque to this
 * folder; `membership` carries an encoded {@link Membership} that holds from when it is appended.
 */
export type EntryKind = "noop" | "command" | "membership";

export type Entry = {
  readonly index: Index;
  readonly term: Term;
  readonly kind: EntryKind;
  readonly payload: Uint8Array;
};

/**
 * A member is a node *with its data directory*: an emptied disk under an old name has forgotten
 * its votes and acknowledgements, so it is somebody else. `directory` is the data-directory id in
 * hex, or empty in the bootstrap membership, which is written before any directory exists.
 */
export type Member = { readonly id: NodeId; readonly directory: string };

export type Membership = {
  /** They elect and commit. */
  readonly voters: readonly Member[];
  /** They receive the log and count for nothing. */
  readonly learners: readonly Member[];
};

/** What a node must never forget. `commit` is only a hint that shortens recovery. */
export type HardState = {
  readonly term: Term;
  readonly vote: NodeId | null;
  readonly commit: Index;
};

/** A snapshot: the state after applying `position`, and the membership in force there. */
export type SnapshotRef = { readonly position: Position; readonly membership: Membership };

/** Only grows; completions are reported in order. */
export type WriteId = number;

/**
 * What must become durable, in this order: hard state, truncation (drop entries from that index
 * on), snapshot mark (the log now starts after it), entries (those at or below the mark are
 * superseded). `thenSend` leaves once all of it is on disk, which is how "persist before reply"
 * cannot be forgotten.
 */
export type Write = {
  readonly id: WriteId;
  readonly hard?: HardState;
  readonly truncateFrom?: Index;
  readonly snapshot?: SnapshotRef;
  readonly entries: readonly Entry[];
  readonly thenSend: readonly Message[];
};

/**
 * What storage found at start: the log after `snapshot`, whose position is ORIGIN at bootstrap.
 * Payloads may be views of whole files: whoever keeps one for longer keeps a copy.
 */
export type Recovered = {
  readonly hard: HardState;
  readonly snapshot: SnapshotRef;
  readonly entries: readonly Entry[];
};

type Envelope = { readonly from: NodeId; readonly to: NodeId; readonly term: Term };

/**
 * `term` is the sender's, except in a pre-vote request and a granted pre-vote reply, where it is
 * the term that the sender would campaign in.
 */
export type VoteRequest = Envelope & {
  readonly kind: "voteRequest";
  readonly pre: boolean;
  /** Sent on the leader's order: voters need not wait until they miss the leader (§3.10). */
  readonly transfer: boolean;
  readonly last: Position;
};
export type VoteReply = Envelope & {
  readonly kind: "voteReply";
  readonly pre: boolean;
  readonly granted: boolean;
};
export type Append = Envelope & {
  readonly kind: "append";
  readonly previous: Position;
  readonly commit: Index;
  readonly entries: readonly Entry[];
};
/** The follower's log equals the leader's up to `matched`, durably. */
export type Accepted = Envelope & { readonly kind: "accepted"; readonly matched: Index };
/**
 * The follower has no entry at `previous`. `hint` is the last position where its log may still
 * agree with the leader's: the leader's next probe starts there.
 */
export type Rejected = Envelope & {
  readonly kind: "rejected";
  readonly previous: Index;
  readonly hint: Position;
};
/** `round` counts the leader's read rounds within its term; the echo returns it. */
export type Heartbeat = Envelope & {
  readonly kind: "heartbeat";
  readonly commit: Index;
  readonly round: number;
};
export type Echo = Envelope & { readonly kind: "echo"; readonly round: number };
/** A follower asks for a read index. An `attempt` is never used twice, by any incarnation. */
export type ReadRequest = Envelope & { readonly kind: "readRequest"; readonly attempt: number };
export type ReadReply = Envelope & {
  readonly kind: "readReply";
  readonly attempt: number;
  readonly index: Index;
};
/**
 * The leader no longer has the entries that the follower needs. Whoever carries messages brings
 * the snapshot's bytes along and delivers this message once they are verified and durable.
 */
export type Install = Envelope & { readonly kind: "install"; readonly snapshot: SnapshotRef };
/** The leader orders an immediate election (§3.10). */
export type TimeoutNow = Envelope & { readonly kind: "timeoutNow" };

export type Message =
  | VoteRequest
  | VoteReply
  | Append
  | Accepted
  | Rejected
  | Heartbeat
  | Echo
  | ReadRequest
  | ReadReply
  | Install
  | TimeoutNow;

export type Role = "follower" | "candidate" | "leader";
