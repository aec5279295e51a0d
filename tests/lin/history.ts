/**
 * What clients asked and what they were told: the operations that a linearizability check judges.
 *
 * Values are names, not contents: give every write a value of its own and the check sees the most.
 * Revisions are log indexes, so along the one order that must explain everything they only grow.
 */

/** The log index of a write; 0 stands for "no item". */
export type Revision = number;

export type Call =
  | { readonly kind: "get" }
  | { readonly kind: "put"; readonly value: string }
  | { readonly kind: "delete" }
  /** A put that happens only if the item has the revision `expected`; 0: only if there is none. */
  | { readonly kind: "cas"; readonly value: string; readonly expected: Revision };

export type Outcome =
  /** Of a get. Without an item: null and 0. */
  | { readonly kind: "read"; readonly value: string | null; readonly revision: Revision }
  /** Of a put or cas. `created`, when it was told: there was no item before. */
  | { readonly kind: "written"; readonly revision: Revision; readonly created?: boolean }
  | { readonly kind: "deleted"; readonly revision: Revision; readonly existed: boolean }
  /** Of a cas whose condition did not hold: the revision that the item had instead. */
  | { readonly kind: "refused"; readonly revision: Revision }
  /** It did not happen and never will. */
  | { readonly kind: "none" }
  /** It may happen at any time after its start, or never. */
  | { readonly kind: "unknown" };

export type Operation = {
  readonly client: string;
  readonly key: string;
  readonly call: Call;
  readonly startedAt: number;
  /** When the client was told; null: it has been told nothing. */
  readonly endedAt: number | null;
  readonly outcome: Outcome;
};

/** `put v7`, as tables and traces show it. */
export function callText(call: Call): string {
  switch (call.kind) {
    case "put":
      return `put ${call.value}`;
    case "cas":
      return `put ${call.value} if ${call.expected === 0 ? "absent" : `@${call.expected}`}`;
    default:
      return call.kind;
  }
}

export function outcomeText(outcome: Outcome): string {
  switch (outcome.kind) {
    case "read":
      return itemText(outcome.value, outcome.revision);
    case "written":
      return `done @${outcome.revision}${
        outcome.created === undefined ? "" : createdText(outcome)
      }`;
    case "deleted":
      return `done @${outcome.revision}, ${outcome.existed ? "existed" : "was absent"}`;
    case "refused":
      return `refused, it is ${outcome.revision === 0 ? "absent" : `@${outcome.revision}`}`;
    case "none":
      return "failed, effect none";
    case "unknown":
      return "unknown";
  }
}

/** `v7@12`, or `absent`. */
export function itemText(value: string | null, revision: Revision): string {
  return value === null ? "absent" : `${value}@${revision}`;
}

function createdText({ created }: { readonly created?: boolean }): string {
  return created ? ", created" : ", replaced";
}
