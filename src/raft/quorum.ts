/**
 * Majority arithmetic: one function serves commit, read confirmation, and contact checks.
 */

import { assert } from "../base/mod.ts";

/** How many of `voters` make a majority. */
export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** The highest value that a majority has reached: the majority-th largest. */
export function reachedByMajority(values: readonly number[]): number {
  assert(values.length > 0, "a cluster has at least one voter");
  const descending = [...values].sort((a, b) => b - a);
  return descending[majority(values.length) - 1] as number;
}
