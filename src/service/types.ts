/**
 * The requests and answers of the service.
 */

import type { MemberStatus } from "../node/mod.ts";
import type { Item, Revision } from "../kv/mod.ts";

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

export type WriteOptions = RequestOptions & { readonly conditions?: WriteConditions };

export type PutRequest = {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Empty when the writer named none. */
  readonly contentType: string;
};

export type ReadAnswer = { readonly item: Item | null; readonly consistency: Consistency };
export type PutAnswer = { readonly revision: Revision; readonly created: boolean };
export type DeleteAnswer = { readonly revision: Revision; readonly existed: boolean };

export type MemberView = MemberStatus & {
  /** Committed entries that the member has not applied; null when it is unreachable. */
  readonly lag: number | null;
};

export type ClusterView = {
  readonly cluster: string;
  readonly answeredBy: string;
  readonly members: readonly MemberView[];
};
