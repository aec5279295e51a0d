/**
 * Requests and answers of the client. The status types describe what `/v1/cluster/status` sends.
 */

/** A key or a value; text stands for its bytes in UTF-8. */
export type Bytes = Uint8Array | string;

export type Consistency = "linearizable" | "stale";

export type CallOptions = {
  /** For the whole call, all endpoints tried included. Absent: the client's own. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
};

export type GetOptions = CallOptions & { readonly consistency?: Consistency };

export type WriteOptions = CallOptions & {
  /** Write only if the item has this revision now; 0: only if there is none. */
  readonly ifRevision?: number;
  /**
   * By which the nodes know the write when it is sent again, so that it happens once. Absent: a
   * random one, with which the client sends a write again until its time is over. Null: none, so
   * the client never sends a write again that may have happened.
   */
  readonly idempotencyKey?: string | null;
};

export type PutOptions = WriteOptions & {
  readonly contentType?: string;
  /** The item goes by itself after this time, or from this one on (since 1970); not both. */
  readonly ttlMs?: number;
  readonly expiresMs?: number;
};

export type Item = {
  readonly value: Uint8Array;
  readonly contentType: string;
  /** From when on it may go by itself, in milliseconds since 1970; absent: never. */
  readonly expiresMs?: number;
  readonly revision: number;
  readonly consistency: Consistency;
};

/** An item whose value was read as JSON. */
export type JsonItem<T> = Omit<Item, "value"> & { readonly value: T };

export type PutAnswer = { readonly revision: number };
export type DeleteAnswer = { readonly revision: number; readonly existed: boolean };

export type ListOptions = CallOptions & {
  /** Only keys that begin with it. Absent: all. */
  readonly prefix?: Bytes;
  /** From this key on, up to but without that one. */
  readonly start?: Bytes;
  readonly end?: Bytes;
  /** Only keys behind it, in the order that is asked for. */
  readonly after?: Bytes;
  /** From the last key to the first. */
  readonly reverse?: boolean;
  /** Values too. */
  readonly values?: boolean;
  /** So many items at most. Absent: all. */
  readonly limit?: number;
  /** On each page, 1 to 1,000. */
  readonly pageItems?: number;
  readonly consistency?: Consistency;
};

export type Listed = {
  readonly key: Uint8Array;
  readonly revision: number;
  readonly contentType: string;
  readonly expiresMs?: number;
  /** Of the value. */
  readonly bytes: number;
  /** Only where values were asked for. */
  readonly value?: Uint8Array;
};

export type TransactionCheck =
  /** 0: there is no item. */
  | { readonly check: "revision"; readonly key: Bytes; readonly revision: number }
  | { readonly check: "exists" | "absent"; readonly key: Bytes }
  | { readonly check: "value"; readonly key: Bytes; readonly value: Bytes };

export type TransactionStep =
  | { readonly op: "get" | "delete"; readonly key: Bytes }
  | {
    readonly op: "put";
    readonly key: Bytes;
    readonly value: Bytes;
    readonly contentType?: string;
    /** In seconds. */
    readonly ttl?: number;
  }
  /** At least one of the three. */
  | {
    readonly op: "delete-range";
    readonly prefix?: Bytes;
    readonly start?: Bytes;
    readonly end?: Bytes;
  }
  /** On signed 64-bit numbers, which are decimal text in the store. */
  | { readonly op: "sum" | "min" | "max"; readonly key: Bytes; readonly value: bigint | number }
  | { readonly op: "append"; readonly key: Bytes; readonly value: Bytes };

export type Transaction = {
  readonly checks?: readonly TransactionCheck[];
  readonly then?: readonly TransactionStep[];
  readonly else?: readonly TransactionStep[];
};

export type TransactionOptions = Omit<WriteOptions, "ifRevision">;

export type TransactionResult =
  | { readonly kind: "got"; readonly item: Omit<Item, "consistency"> | null }
  /** Of a put or delete: whether there was an item before. */
  | { readonly kind: "changed"; readonly existed: boolean }
  | { readonly kind: "deleted"; readonly count: number }
  /** What the value is now. */
  | { readonly kind: "number"; readonly value: bigint }
  /** How long the value is now. */
  | { readonly kind: "appended"; readonly bytes: number };

export type TransactionAnswer = {
  readonly revision: number;
  readonly branch: "then" | "else";
  /** Position of the first check that did not hold; null: all did. */
  readonly failedCheck: number | null;
  /** Of the steps of the branch, in their order. */
  readonly results: readonly TransactionResult[];
};

export type WatchOptions = {
  /** Only keys that begin with it. Absent: all. */
  readonly prefix?: Bytes;
  /** Begin with the items that there are; and once more after a reset. */
  readonly initial?: boolean;
  /** Begin with the changes of this revision. */
  readonly from?: number;
  /** Begin behind the event that has this id. */
  readonly after?: string;
  /** For the first node to answer. Absent: the client's own. */
  readonly timeoutMs?: number;
  /** Ends the watch. */
  readonly signal?: AbortSignal;
};

export type WatchEvent =
  & {
    readonly revision: number;
    /** Behind which a watch can go on. Absent among initial items. */
    readonly id?: string;
  }
  & (
    | {
      readonly kind: "put";
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly contentType: string;
      readonly expiresMs?: number;
    }
    | { readonly kind: "delete"; readonly key: Uint8Array }
    /** All initial items were told; changes follow. */
    | { readonly kind: "synced" }
    /** Nothing more has happened up to this revision. */
    | { readonly kind: "progress" }
    /** Changes are lost: what was told so far may be wrong by now. With `initial`, items follow. */
    | { readonly kind: "reset" }
  );

export type MemberStatus = {
  readonly id: string;
  readonly peerAddress: string;
  readonly clientAddress: string;
  readonly reachable: boolean;
  /** Committed entries that the member has not applied; null when it is unreachable. */
  readonly lag: number | null;
  /** Absent when the member is unreachable. */
  readonly status?: {
    readonly version: string;
    readonly role: string;
    readonly term: number;
    readonly leader: string | null;
    readonly commit: number;
    readonly applied: number;
    readonly diskFull: boolean;
    /** Why the member cannot take part in the cluster, if it can tell. */
    readonly trouble?: string;
    /**
     * The 99th percentile over the last minute or two of how long its disk took to make writes
     * durable, and of how late its process got to its work. Absent when there was nothing to measure.
     */
    readonly fsyncP99Ms?: number;
    readonly loopDelayP99Ms?: number;
  };
};

export type ClusterStatus = {
  readonly cluster: string;
  readonly answeredBy: string;
  readonly members: readonly MemberStatus[];
};

/** What a node tells of the keys by which nodes know each other. */
export type KeysView = {
  readonly node: string;
  /** False: nodes do not prove who they are, and the rest is absent. */
  readonly keyed: boolean;
  /** The line by which others know this node. */
  readonly own?: string;
  readonly authorised?: readonly {
    readonly node: string;
    readonly fingerprint: string;
    /** Whether it is this node's own, proven on a link that is up, or proven by nobody. */
    readonly state: "own" | "proven" | "absent" | "unknown";
  }[];
  readonly links?: readonly {
    readonly node: string;
    readonly up: boolean;
    readonly trouble: string | null;
  }[];
  /** Who was turned away lately. */
  readonly refused?: readonly {
    readonly host: string;
    readonly reason: string;
    readonly count: number;
    readonly lastMsAgo: number;
  }[];
};

export type TokenView = {
  readonly name: string;
  /** The part of the token that is no secret. */
  readonly id: string;
  readonly roles: readonly string[];
  /** By the clock of the node that created it. */
  readonly createdAtMs: number;
};

export type TokenChange = {
  readonly name: string;
  readonly revision: number;
  /** Nodes that may not know the change yet. */
  readonly pending: readonly string[];
};

/** Who may do what, as one node has it. */
export type PolicyView = {
  readonly node: string;
  /** False: there is no policy, and whoever is let in may do everything. */
  readonly inForce: boolean;
  readonly rules: readonly PolicyRule[];
  /** What is wrong with the files of the node as they are now; it goes on by what they said before. */
  readonly trouble: string | null;
};

export type PolicyRule = {
  readonly rule: string;
  /** File and line, or "cluster". */
  readonly source: string;
};

export type PolicyChange = {
  readonly rule: string;
  readonly revision: number;
  /** Nodes that may not know the change yet. */
  readonly pending: readonly string[];
};

export type PolicyQuestion = {
  /** Of a token or a certificate. A token's own roles need not be told. */
  readonly name: string;
  readonly roles?: readonly string[];
  readonly action: "read" | "write" | "watch" | "inspect" | "admin";
  /** Absent for `inspect` and `admin`, which are about no key. */
  readonly key?: Bytes;
};

export type PolicyVerdict = {
  readonly allowed: boolean;
  /** With those of the token. */
  readonly roles: readonly string[];
  /** The rule that decided; null: none speaks of it. */
  readonly by: PolicyRule | null;
  readonly inForce: boolean;
};

export type NewToken = TokenView & TokenChange & { readonly token: string };
