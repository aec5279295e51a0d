/**
 * Majority arithmetic: one function serves commit, read confirmation, and contact checks.
 */

import { assert } from "../base/mod.ts";

/** How many of `voters` make a majority. */
export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** The highest value that `needed` of them, by default a majority, have reached. */
export function reachedByMajority(
  values: readonly number[],
  needed = majority(values.length),
): number {
  assert(values.length > 0, "a cluster has at least one voter");
  let highest = -Infinity;
  for (const value of values) {
    if (value > highest && countReached(values, value) >= needed) highest = value;
  }
  return highest;
}

/** Without a copy: a leader asks for every acknowledgement. */
function countReached(values: readonly number[], value: number): number {
  let count = 0;
  for (const one of values) if (one >= value) count++;
  return count;
}
