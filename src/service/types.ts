/**
 * The requests and answers of the service.
 */

import type { MemberStatus } from "../node/mod.ts";
import type { Item, Lifetime, Revision } from "../kv/mod.ts";

/**
 * `linearizable` reflects every write acknowledged before the read began; `stale` reflects some
 * earlier moment, and needs no other node.
 */
export type Consistency = "linearizable" | "stale";

export type RequestOptions = {
  /** How long the caller waits. Absent: the configured time; never more than the maximum. */
  readonly timeoutMs?: number;
};

export type ReadOptions = RequestOptions & { readonly consistency: Consistency };

/** Conditions on the item that is there before the write; all must hold. */
export type WriteConditions = {
  /** It has this revision. */
  readonly revision?: Revision;
  /** There is one, or there is none. */
  readonly exists?: boolean;
};

export type CommandOptions = RequestOptions & {
  /** Under it the write happens once, however often the caller sends it. */
  readonly idempotencyKey?: string | undefined;
};

export type WriteOptions = CommandOptions & { readonly conditions?: WriteConditions };

/** What became of a request that was sent with an idempotency key. */
export type RequestView =
  /** It happened, or its condition did not hold: sent again it is answered with that. */
  | { readonly state: "done"; readonly atMs: number; readonly revision: Revision }
  | { readonly state: "refused"; readonly atMs: number }
  /** It has not happened so far, unless that was before what is remembered began. */
  | { readonly state: "notSeen"; readonly forgottenMs: number };

export type PutRequest = {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Empty when the writer named none. */
  readonly contentType: string;
  /** Absent: the item stays until it is overwritten or deleted. */
  readonly lifetime?: Lifetime;
};

export type ReadAnswer = { readonly item: Item | null; readonly consistency: Consistency };
/** `replayed`: the write had happened before, and this is what it gave then. */
export type Written = { readonly revision: Revision; readonly replayed?: true };
export type PutAnswer = Written & { readonly created: boolean };
export type DeleteAnswer = Written & { readonly existed: boolean };

export type MemberView = MemberStatus & {
  /** Committed entries that the member has not applied; null when it is unreachable. */
  readonly lag: number | null;
};

export type ClusterView = {
  readonly cluster: string;
  readonly answeredBy: string;
  readonly members: readonly MemberView[];
};
