/**
 * What the node offers to the layers above: execute a command, wait until a linearizable read may
 * be served, look at memory, and say how it is.
 */

import type { Bell, Distribution, ProcessUsage, Result } from "../base/mod.ts";
import type { Command, KvState, Outcome } from "../kv/mod.ts";
import type { Authorised, LinkKeys, Links } from "../peers/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import type { WalStatus } from "../storage/mod.ts";
import type { SnapshotMetrics } from "./snapshots.ts";

/**
 * Why a request was not answered. For a write, `effect` says whether it may have happened: `none`
 * means it did not and never will, `unknown` that it may.
 */
export type Failure = {
  readonly code: FailureCode;
  readonly effect: "none" | "unknown";
  /** One sentence for a person. */
  readonly reason: string;
  readonly leader: NodeId | null;
};

export type FailureCode =
  /** No leader is known, or the leader could not be reached before the request left. */
  | "noLeader"
  /** A bounded queue is full. */
  | "overloaded"
  /** No answer before the deadline. */
  | "timeout"
  /** Leadership changed while the command was in flight. */
  | "leaderChanged"
  /** The leader's disk is full. */
  | "diskFull"
  /** This node is shutting down. */
  | "stopping";

export interface Replica {
  readonly id: NodeId;
  /**
   * Replicates, applies and answers, by `deadlineAt` on the scale of Clock.now(). Never rejects. The
   * bytes in `command` are copied before it returns.
   */
  execute(command: Command, deadlineAt: number): Promise<Result<Outcome, Failure>>;
  /**
   * Resolves once this node's memory reflects every write that was acknowledged before the call:
   * what `state` gives in the same turn is then linearizable. Never rejects.
   */
  linearize(deadlineAt: number): Promise<Result<void, Failure>>;
  /** This node's memory, as of the last applied entry. */
  readonly state: KvState;
  /** Rings when `state` has moved on, once for all that was applied in a turn. */
  readonly advances: Bell;
  /** The keys by which the other nodes are known from now on; only where links are keyed. */
  authorise(authorised: Authorised): void;
  /** This node has another key of its own: links move over to it, and nothing is lost. */
  renewLinks(): void;
  /** Who is known by which key, and what the links make of it. */
  linkKeys(): LinkKeys;
  /** This node's own view; cheap. */
  status(): NodeStatus;
  /** What this node has counted and measured since its start, as of now. */
  metrics(): NodeMetrics;
  /** Every member's view, asked over the links; those that do not answer in time are unreachable. */
  clusterStatus(): Promise<ClusterStatus>;
}

export type NodeStatus = {
  readonly id: NodeId;
  readonly version: string;
  readonly role: "follower" | "candidate" | "leader" | "learner";
  readonly term: number;
  readonly leader: NodeId | null;
  readonly lastIndex: number;
  readonly commit: number;
  readonly applied: number;
  readonly snapshotIndex: number;
  readonly firstIndex: number;
  readonly items: number;
  /** Digest of the whole replicated state at `applied`; equal on all nodes at an equal index. */
  readonly digest: string;
  readonly uptimeMs: number;
  readonly diskFreeBytes: number;
  readonly diskFull: boolean;
  /** Why this node cannot take part in the cluster, with the cure, if it can tell. */
  readonly trouble?: string;
  /**
   * The 99th percentile over the last minute or two of how long the disk took to make a frame
   * durable, and of how late the process got to its work. Absent when there was nothing to measure,
   * and from versions that do not.
   */
  readonly fsyncP99Ms?: number;
  readonly loopDelayP99Ms?: number;
};

export type NodeMetrics = {
  readonly status: NodeStatus;
  /** On the wall clock. */
  readonly startedAtMs: number;
  readonly raft: {
    readonly leaderChanges: number;
    /** In which this node stood. */
    readonly elections: number;
    /** Messages that were stale, misdirected or malformed. */
    readonly ignored: number;
    /** By which this node confirmed, as leader, that it still leads. */
    readonly readRounds: number;
    /** On the leader: how far each follower's durable log is known to equal its own. */
    readonly matched: ReadonlyMap<NodeId, number>;
    /** Entries in each message that carried any. */
    readonly appendEntries: Distribution;
  };
  readonly wal: WalStatus & { readonly syncMs: Distribution; readonly frameEntries: Distribution };
  readonly writes: {
    readonly pending: number;
    /** Commands that this node put into the log as leader. */
    readonly proposals: number;
    /** Commands in each frame that went to a leader. */
    readonly forwardCommands: Distribution;
  };
  readonly reads: {
    readonly pending: number;
    /** Reads in each batch that was released. */
    readonly batchReads: Distribution;
  };
  readonly links: Links["counters"] & { readonly up: ReadonlyMap<NodeId, boolean> };
  readonly snapshots: SnapshotMetrics;
  readonly loopDelayMs: Distribution;
  readonly process: ProcessUsage;
};

export type MemberStatus = {
  readonly id: NodeId;
  readonly peerAddress: string;
  readonly clientAddress: string;
  readonly reachable: boolean;
  /** Absent when the member is unreachable. */
  readonly status?: NodeStatus;
};

export type ClusterStatus = {
  readonly cluster: string;
  readonly answeredBy: NodeId;
  readonly members: readonly MemberStatus[];
};
