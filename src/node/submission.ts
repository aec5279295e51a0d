/**
 * A command on its way through this node, and the failures that it can end in.
 */

import type { Result } from "../base/mod.ts";
import type { Outcome } from "../kv/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import type { Failure } from "./types.ts";

export type Settle = (result: Result<Outcome, Failure>) => void;

export type Submission = {
  /** Encoded; the leader stamps its time into it before it goes into the log. */
  readonly command: Uint8Array;
  /** How many bytes its outcome may have, when that may be many. */
  readonly outcomeBytesMax?: number;
  /** On the node's monotonic clock, in milliseconds. */
  readonly deadlineAt: number;
  /** Called exactly once. */
  readonly settle: Settle;
};

/** Names the failures, with the sentence that goes with each. */
export const failures = {
  noLeader: (leader: NodeId | null, trouble: string | null = null): Failure => ({
    code: "noLeader",
    effect: "none",
    reason: leader === null
      ? trouble ?? "no leader is known: a majority of the cluster may be down or cut off"
      : `the leader ${leader} could not be reached`,
    leader,
  }),
  overloaded: (what: string, leader: NodeId | null): Failure => ({
    code: "overloaded",
    effect: "none",
    reason: `too many ${what} are waiting`,
    leader,
  }),
  timedOut: (leader: NodeId | null): Failure => ({
    code: "timeout",
    effect: "unknown",
    reason: "the command was sent but its outcome did not become known in time",
    leader,
  }),
  readTimedOut: (leader: NodeId | null): Failure => ({
    code: "timeout",
    effect: "none",
    reason: "the leader did not confirm the read in time",
    leader,
  }),
  connectionLost: (leader: NodeId | null): Failure => ({
    code: "leaderChanged",
    effect: "unknown",
    reason: "the connection to the leader broke while the command was under way",
    leader,
  }),
  overwritten: (leader: NodeId | null): Failure => ({
    code: "leaderChanged",
    effect: "none",
    reason: "another leader's entry took the command's place in the log",
    leader,
  }),
  outcomeLost: (leader: NodeId | null): Failure => ({
    code: "leaderChanged",
    effect: "unknown",
    reason: "this node lost leadership while the command was under way",
    leader,
  }),
  outcomeSkipped: (leader: NodeId | null): Failure => ({
    code: "leaderChanged",
    effect: "unknown",
    reason: "this node caught up by a snapshot that does not tell the command's outcome",
    leader,
  }),
  diskFull: (leader: NodeId | null): Failure => ({
    code: "diskFull",
    effect: "none",
    reason: "the leader's disk is full",
    leader,
  }),
  stopping: (leader: NodeId | null): Failure => ({
    code: "stopping",
    effect: "none",
    reason: "this node is shutting down",
    leader,
  }),
} as const;
