/**
 * Who is in the cluster. A membership holds from the moment its entry is appended (§4.1) and is
 * rolled back when that entry is truncated, so memberships form a stack over the log.
 *
 * Invariants:
 * - R4 the stack's indexes increase, and its bottom is the membership of the snapshot.
 * - R5 two memberships that follow each other differ by at most one voter, so that their
 *   majorities intersect (§4.1). Binding a voter to its data directory is no difference.
 * - R12 while a cluster is founding, which is until every voter is bound to its data directory, it
 *   takes all voters to decide anything. An emptied disk among voters that do not know each other's
 *   directories would pass for one that has never been used, and with a majority it could elect a
 *   leader that lacks what was acknowledged. All voters always include one that knows better.
 */

import { invariant } from "../base/mod.ts";
import type { Index, Member, Membership, NodeId } from "./types.ts";

type Level = { readonly index: Index; readonly membership: Membership };

export class Memberships {
  #levels: Level[];

  constructor(bottom: Membership, index: Index) {
    this.#levels = [{ index, membership: bottom }];
  }

  get current(): Membership {
    return (this.#levels.at(-1) as Level).membership;
  }

  /** Where the current membership was appended. */
  get index(): Index {
    return (this.#levels.at(-1) as Level).index;
  }

  /** The membership in force after the entry at `index`. */
  at(index: Index): Membership {
    const level = this.#levels.findLast((level) => level.index <= index);
    invariant("R4", level !== undefined, () => `no membership at ${index}`);
    return level.membership;
  }

  /** All that may be in force when what is committed ends somewhere from `index` on. */
  since(index: Index): Membership[] {
    const at = this.#levels.findLastIndex((level) => level.index <= index);
    return this.#levels.slice(Math.max(at, 0)).map((level) => level.membership);
  }

  push(index: Index, membership: Membership): void {
    invariant("R4", index > this.index, () => `membership at ${index} after ${this.index}`);
    this.#levels.push({ index, membership });
  }

  /** The entries from `index` on are gone; true when that changed the current membership. */
  truncate(index: Index): boolean {
    const before = this.#levels.length;
    this.#levels = this.#levels.filter((level, depth) => depth === 0 || level.index < index);
    return this.#levels.length < before;
  }

  /** A snapshot replaced the log. */
  reset(index: Index, membership: Membership): void {
    this.#levels = [{ index, membership }];
  }

  /** A snapshot covers everything up to `index`. */
  compact(index: Index): void {
    const bottom = this.#levels.findLastIndex((level) => level.index <= index);
    this.#levels.splice(0, Math.max(bottom, 0));
  }
}

/** Whether `id` votes; with `directory`, whether it does so on that one, bound or not yet bound. */
export function isVoter(membership: Membership, id: NodeId, directory?: string): boolean {
  const voter = membership.voters.find((member) => member.id === id);
  if (voter === undefined) return false;
  return directory === undefined || voter.directory === "" || voter.directory === directory;
}

/** Whether the directory of some voter is still to be bound (R12). */
export function isFounding(membership: Membership): boolean {
  return membership.voters.some(({ directory }) => directory === "");
}

export function memberOf(membership: Membership, id: NodeId): Member | undefined {
  return [...membership.voters, ...membership.learners].find((member) => member.id === id);
}

export function memberIds(membership: Membership): NodeId[] {
  return [...membership.voters, ...membership.learners].map((member) => member.id);
}

/** Why `next` may not follow `current`, or null when it may. */
export function refuseChange(current: Membership, next: Membership): string | null {
  if (next.voters.length === 0) return "a cluster needs at least one voter";
  const ids = memberIds(next);
  if (new Set(ids).size < ids.length) return "a member is listed twice";
  const added = next.voters.filter((is) => !current.voters.some((was) => isSame(was, is))).length;
  const removed = current.voters.filter((was) => !next.voters.some((is) => isSame(was, is))).length;
  if (added + removed > 1) return "only one voter may be added or removed at a time";
  return null;
}

/** Whether `is` continues `was`, which may have become bound on the way, but never unbound. */
export function isSame(was: Member, is: Member): boolean {
  return was.id === is.id && (was.directory === "" || was.directory === is.directory);
}
