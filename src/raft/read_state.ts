/**
 * The state of linearizable reads: on every node the batch it asks for, on the leader what was
 * asked and which round will answer it.
 */

import type { Random } from "../base/mod.ts";
import type { Index, NodeId } from "./types.ts";

/** Names a batch of reads. All reads that join before the batch's request leaves share it. */
export type ReadTicket = number;

/** Reads of all tickets up to `through` may be served once `index` is applied. */
export type ReadGrant = { readonly through: ReadTicket; readonly index: Index };

/** A batch whose request has left. */
export type ReadFlight = {
  /** Never used twice: a late answer to an earlier request can only answer that request. */
  readonly attempt: number;
  readonly through: ReadTicket;
  ticks: number;
};

/** What one node asked the leader last; one batch of a node is under way at a time. The index is fixed, then confirmed by a later round. */
export type Asked = {
  readonly attempt: number;
  readonly index: Index;
  readonly round: number;
};

export type ReadState = {
  /** The open batch, and whether any read has joined it. */
  ticket: ReadTicket;
  joined: boolean;
  flight: ReadFlight | null;
  attempt: number;
  /** The flight must be asked for again: the leader or the term changed. */
  restart: boolean;
  /** Leader: asked in this turn, or before the first commit of the term: attempt by node. */
  arrived: Map<NodeId, number>;
  /** Leader: waiting for their round to be echoed. */
  asked: Map<NodeId, Asked>;
  /** Leader: the last round that was sent in this term. */
  round: number;
  grants: ReadGrant[];
};

export function startReads(random: Random): ReadState {
  return {
    ticket: 1,
    joined: false,
    flight: null,
    // Far from where any earlier incarnation of this node can have got to: 2^20 attempts apart.
    attempt: random.below(2 ** 32) * 2 ** 20,
    restart: false,
    arrived: new Map(),
    asked: new Map(),
    round: 0,
    grants: [],
  };
}
