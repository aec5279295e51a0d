/**
 * Layer 3: the replica.
 *
 * Duty: turn the loop that joins Raft, storage, peers and the state machine: group commit, read
 * batches, forwarding, applying, snapshots, and what a node says of itself.
 * Invariants: numbered N1… beside the state they guard; every request is answered exactly once, and
 * a failed write says whether it may have happened.
 * May import: base, raft, kv, storage, peers.
 */

export type { NodeMember, Ports } from "./options.ts";
export { type StartError, startNode } from "./start.ts";
export type { Node } from "./node.ts";
export type * from "./types.ts";
