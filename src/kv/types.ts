/**
 * The nouns of the replicated state machine.
 */

/** The log index of the write that stored an item. 0 means "no such item". */
export type Revision = number;

export type Item = {
  readonly value: Uint8Array;
  /** As given by the writer, stored and returned unchanged. */
  readonly contentType: string;
  /** When the item was last written. */
  readonly revision: Revision;
  /** From when on it may go by itself, in milliseconds by the cluster's time; absent: never. */
  readonly expiresMs?: number | undefined;
};

/** How long an item stays: so long from its write on, or up to a time. At least 1, below 2^53. */
export type Lifetime = { readonly afterMs: number } | { readonly atMs: number };

/** The keys from `start` on, up to but without `end`; null: to the last one. */
export type KeyRange = { readonly start: Uint8Array; readonly end: Uint8Array | null };

/** What a record is about: a token by which a client is known, or what somebody may. */
export type RecordKind = "token" | "policy";

/**
 * A small thing that the cluster itself keeps beside the items: no operation on keys shows or
 * changes it. At most `limits.recordsMax` of them, each bounded by `limits.record…`.
 */
export type StateRecord = {
  readonly kind: RecordKind;
  /** Unique within its kind. */
  readonly name: string;
  readonly body: Uint8Array;
  /** When it was last written. */
  readonly revision: Revision;
};

/** A condition on one key or record, evaluated in the log, immediately before the mutations. */
export type Check =
  /** The item has exactly this revision; 0: there is no item. */
  | { readonly kind: "revision"; readonly key: Uint8Array; readonly revision: Revision }
  | { readonly kind: "exists"; readonly key: Uint8Array }
  /** There is an item, and this is its value. */
  | { readonly kind: "value"; readonly key: Uint8Array; readonly value: Uint8Array }
  /** The record has exactly this revision; 0: there is no such record. */
  | {
    readonly kind: "record";
    readonly of: RecordKind;
    readonly name: string;
    readonly revision: Revision;
  };

export type Mutation =
  | {
    readonly kind: "put";
    readonly key: Uint8Array;
    readonly value: Uint8Array;
    readonly contentType: string;
    /** Absent: until it is overwritten or deleted. */
    readonly lifetime?: Lifetime;
  }
  | { readonly kind: "delete"; readonly key: Uint8Array }
  /** Deletes the items that are due by now, the first `countMax` of them. */
  | { readonly kind: "expire"; readonly countMax: number }
  | {
    readonly kind: "setRecord";
    readonly of: RecordKind;
    readonly name: string;
    readonly body: Uint8Array;
  }
  | { readonly kind: "deleteRecord"; readonly of: RecordKind; readonly name: string };

export type KeyMutation = Extract<Mutation, { readonly key: Uint8Array }>;

/** All checks hold and all mutations happen, or nothing does. */
export type Write = {
  readonly checks: readonly Check[];
  readonly mutations: readonly Mutation[];
};

/** Part of a transaction; it sees what the steps before it have done. */
export type Step =
  | KeyMutation
  | { readonly kind: "get"; readonly key: Uint8Array }
  | { readonly kind: "deleteRange"; readonly range: KeyRange }
  /**
   * The value is a signed 64-bit number in decimal: it is added to, or replaced by the operand where
   * that is less or more. A missing item becomes the operand.
   */
  | {
    readonly kind: "sum" | "min" | "max";
    readonly key: Uint8Array;
    readonly operand: bigint;
  }
  /** Puts `value` behind the one that is there; together at most `bytesMax`. */
  | {
    readonly kind: "append";
    readonly key: Uint8Array;
    readonly value: Uint8Array;
    readonly bytesMax: number;
  };

/** All `steps` happen where all checks hold, else all `elseSteps`; or nothing does. */
export type Transaction = {
  readonly checks: readonly Check[];
  readonly steps: readonly Step[];
  readonly elseSteps: readonly Step[];
};

export type Command = (Write | Transaction) & {
  /** Under this name it happens once, however often it comes; absent: each time. */
  readonly request?: string;
};

/** What a step gave, in the order of the steps. */
export type StepResult =
  /** Of a get. */
  | { readonly kind: "got"; readonly item: Item | null }
  /** Of a put or delete: whether the key held an item before. */
  | { readonly kind: "changed"; readonly existed: boolean }
  /** Of a deleteRange. */
  | { readonly kind: "deleted"; readonly count: number }
  /** Of a sum, min or max: what the value is now. */
  | { readonly kind: "number"; readonly value: bigint }
  /** Of an append: how long the value is now. */
  | { readonly kind: "appended"; readonly bytes: number };

export type StepFailure =
  | "notANumber"
  /** The sum is no signed 64-bit number. */
  | "overflow"
  | "valueTooLong"
  /** More than `limits.transactionItemsMax` items, looked at or changed. */
  | "tooManyItems"
  /** More than `limits.transactionBytesMax` bytes written. */
  | "tooManyBytes"
  /** More than `limits.transactionResultBytesMax` bytes read. */
  | "resultsTooLong";

/** What applying a command gave: the same on every node. */
export type Outcome =
  | {
    readonly kind: "applied";
    readonly revision: Revision;
    /** For each mutation: whether the key held an item, the record was there, or an item was due. */
    readonly existed: readonly boolean[];
  }
  | {
    readonly kind: "checkFailed";
    /** Position of the first failed check in the command. */
    readonly check: number;
    /** The revision that its key or record has, 0 for none. */
    readonly revision: Revision;
  }
  | {
    readonly kind: "transacted";
    readonly revision: Revision;
    /** Position of the first check that failed; null: all held, so the steps were done. */
    readonly failedCheck: number | null;
    readonly results: readonly StepResult[];
  }
  /** Nothing happened: this step of the transaction cannot be done. */
  | {
    readonly kind: "stepFailed";
    /** It is one of the `elseSteps`. */
    readonly isElse: boolean;
    readonly step: number;
    readonly reason: StepFailure;
  }
  /** Nothing happened: there would be more than `limits.recordsMax` records. */
  | { readonly kind: "recordsFull" }
  /** Nothing happened now: the same request came before, and gave this. */
  | { readonly kind: "repeated"; readonly first: FirstOutcome }
  /** Nothing happened: another request had this name before. */
  | { readonly kind: "requestReused" };

/** Of a command that did not repeat another. */
export type FirstOutcome = Exclude<Outcome, { kind: "repeated" } | { kind: "requestReused" }>;
