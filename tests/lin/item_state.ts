/**
 * What one key holds at one point of an order, and how operations change or contradict it.
 *
 * The revision of a write with an unknown outcome is open until somebody sees it: such a state has
 * a lowest revision that it may have, and the first operation that names a revision settles it.
 */

import type { Operation, Revision } from "./history.ts";

export type ItemState = {
  readonly value: string | null;
  /** The revision of the write that led here, or the lowest that it may have. */
  readonly low: Revision;
  readonly exact: boolean;
};

export const ABSENT: ItemState = { value: null, low: 0, exact: true };

/** The state after `operation`, with the outcome that its client was told; null: impossible. */
export function follow(state: ItemState, operation: Operation): ItemState | null {
  const { call, outcome } = operation;
  switch (outcome.kind) {
    case "read":
      if (outcome.value !== state.value) return null;
      return settle(state, outcome.revision);
    case "written": {
      const { revision, created } = outcome;
      if (call.kind !== "put" && call.kind !== "cas") return null;
      if (created !== undefined && created !== (state.value === null)) return null;
      const before = call.kind === "cas" ? settle(state, call.expected) : state;
      if (before === null || revision <= before.low) return null;
      return { value: call.value, low: revision, exact: true };
    }
    case "deleted":
      if (outcome.existed !== (state.value !== null) || outcome.revision <= state.low) return null;
      return { value: null, low: outcome.revision, exact: true };
    case "refused":
      if (call.kind !== "cas" || call.expected === outcome.revision) return null;
      return settle(state, outcome.revision);
    default:
      return null;
  }
}

/** The state after a write of unknown outcome takes effect here; null: its condition fails. */
export function happen(
  state: ItemState,
  { call }: Operation,
  floor: Revision,
): ItemState | null {
  if (call.kind === "get") return null;
  const before = call.kind === "cas" ? settle(state, call.expected) : state;
  if (before === null) return null;
  const low = Math.max(before.low, floor) + 1;
  return call.kind === "delete"
    ? { value: null, low, exact: true }
    : { value: call.value, low, exact: false };
}

/** The state, now known to have `revision`, 0 meaning absent; null: it cannot have it. */
function settle(state: ItemState, revision: Revision): ItemState | null {
  if (revision === 0 || state.value === null) {
    return revision === 0 && state.value === null ? state : null;
  }
  if (state.exact) return state.low === revision ? state : null;
  return revision >= state.low ? { value: state.value, low: revision, exact: true } : null;
}
