/**
 * The same judgement by brute force, for small histories of one key: tries every subset of the
 * unknown writes in every order. It shares no code with the checker, so that both agree only when
 * both are right.
 */

import type { Operation } from "./history.ts";

/** The revision of a write in an order: as told, or a number to be found. */
type Slot = { told: number | null };

export function isLinearizable(history: readonly Operation[]): boolean {
  const taken = history.filter(({ outcome, call }) =>
    outcome.kind !== "none" && !(outcome.kind === "unknown" && call.kind === "get")
  );
  return someOrder(taken, []);
}

function someOrder(left: readonly Operation[], order: readonly Operation[]): boolean {
  if (left.every(({ outcome }) => outcome.kind === "unknown") && makesSense(order)) return true;
  return left.some((next) => {
    const rest = left.filter((one) => one !== next);
    const tooLate = rest.some(({ endedAt }) => endedAt !== null && endedAt < next.startedAt);
    return !tooLate && someOrder(rest, [...order, next]);
  });
}

/** Whether a map that takes one operation at a time would have given these answers. */
function makesSense(order: readonly Operation[]): boolean {
  const slots: Slot[] = [];
  let item: { value: string; slot: Slot } | null = null;
  const itemHas = (revision: number): boolean => {
    if (item === null || revision === 0) return item === null && revision === 0;
    item.slot.told ??= revision;
    return item.slot.told === revision;
  };
  for (const { call, outcome } of order) {
    if (outcome.kind === "read") {
      const value: string | null = item === null ? null : (item as { value: string }).value;
      if (value !== outcome.value || !itemHas(outcome.revision)) return false;
      continue;
    }
    if (outcome.kind === "refused") {
      if (call.kind !== "cas" || call.expected === outcome.revision) return false;
      if (!itemHas(outcome.revision)) return false;
      continue;
    }
    if (call.kind === "cas" && !itemHas(call.expected)) return false;
    if (outcome.kind === "deleted" && outcome.existed !== (item !== null)) return false;
    if (outcome.kind === "written" && outcome.created === (item !== null)) return false;
    const slot: Slot = { told: "revision" in outcome ? outcome.revision : null };
    slots.push(slot);
    item = "value" in call ? { value: call.value, slot } : null;
  }
  return canGrow(slots);
}

/** Whether numbers from 1 can be found for the open slots so that all of them grow. */
function canGrow(slots: readonly Slot[]): boolean {
  let last = 0;
  for (const { told } of slots) {
    if (told !== null && told <= last) return false;
    last = told ?? last + 1;
  }
  return true;
}
