/** Conditions of a write as the log checks them. */

import type { Check } from "../kv/mod.ts";
import { refusal, type ServiceError } from "./errors.ts";
import type { WriteConditions } from "./types.ts";

export function checksOf(key: Uint8Array, conditions: WriteConditions): Check[] {
  const checks: Check[] = [];
  const { revision, exists } = conditions;
  if (revision !== undefined) checks.push({ kind: "revision", key, revision });
  if (exists === true) checks.push({ kind: "exists", key });
  if (exists === false) checks.push({ kind: "revision", key, revision: 0 });
  return checks;
}

export function conditionFailed(revision: number): ServiceError {
  const detail = revision === 0
    ? "There is no item under this key."
    : `The item under this key has revision ${revision}.`;
  return { ...refusal("conditionFailed", detail), revision };
}
