/**
 * What nodes say to each other. `from` and `to` of Raft messages do not travel: the identities of
 * the link, proven once in its handshake, stand in for them.
 */

import type { Message, NodeId, Position, SnapshotRef, Term } from "../raft/mod.ts";

/** Commands that clients gave to a follower, on their way to the leader. */
export type Forward = {
  readonly kind: "forward";
  /** Chosen by the sender; the reply carries it. */
  readonly id: number;
  /** How long the sender still waits. */
  readonly deadlineMs: number;
  readonly commands: readonly Uint8Array[];
};

/** One reply per command of the frame `id`, in its order; opaque here. */
export type ForwardReply = {
  readonly kind: "forwardReply";
  readonly id: number;
  readonly replies: readonly Uint8Array[];
};

/** A piece of a snapshot file. */
export type SnapshotChunk = {
  readonly kind: "snapshotChunk";
  readonly term: Term;
  readonly snapshot: SnapshotRef;
  /** Of the whole file. */
  readonly sizeBytes: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** Tells transfers by the same sender apart. */
  readonly attempt: number;
};

export type SnapshotAck = {
  readonly kind: "snapshotAck";
  readonly term: Term;
  readonly position: Position;
  /** The receiver has everything below: send on from here. */
  readonly offset: number;
  readonly attempt: number;
  readonly done: boolean;
  /** Why the receiver will not take it. */
  readonly refused?: string;
};

export type StatusRequest = { readonly kind: "statusRequest"; readonly id: number };
/** `status` is JSON text. */
export type StatusReply = {
  readonly kind: "statusReply";
  readonly id: number;
  readonly status: Uint8Array;
};

export type PeerMessage =
  | { readonly kind: "raft"; readonly message: Message }
  | Forward
  | ForwardReply
  | SnapshotChunk
  | SnapshotAck
  | StatusRequest
  | StatusReply;

/** Both ends of a link, in the direction in which messages travel. */
export type Ends = { readonly from: NodeId; readonly to: NodeId };
