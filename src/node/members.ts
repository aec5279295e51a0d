/**
 * Who belongs to the cluster: a name together with its data directory. The leader of a new cluster
 * binds its members to the directories that they greet with; from then on whoever comes under a
 * member's name with another directory is turned away, because that disk has forgotten votes and
 * acknowledgements that others rely on.
 *
 * Invariant N6: every link leads to a member of the current membership, on the directory that it is
 * bound to, or on the first one seen of it while it is not bound.
 */

import { type Clock, hex, type Log } from "../base/mod.ts";
import type { Links } from "../peers/mod.ts";
import {
  isFounding,
  type Member,
  memberIds,
  memberOf,
  type Membership,
  type NodeId,
  type Raft,
} from "../raft/mod.ts";

export type MembersOptions = {
  readonly clock: Clock;
  readonly log: Log;
  readonly self: NodeId;
  /** The id of this node's data directory. */
  readonly directory: Uint8Array;
  readonly raft: Raft;
  readonly links: Links;
};

/** The others get this long to come up before anything is said of their absence. */
const PATIENCE_MS = 3_000;
const REPEAT_MS = 60_000;

export class Members {
  readonly #options: MembersOptions;
  #reviewed: Membership;
  #sayAt: number;

  constructor(options: MembersOptions) {
    this.#options = options;
    this.#reviewed = options.raft.membership;
    this.#sayAt = options.clock.now() + PATIENCE_MS;
  }

  /** Why this node cannot take part, in one sentence with the cure; null when nothing is known. */
  get trouble(): string | null {
    const { raft, links, self } = this.#options;
    const refusals = [...links.refusals].map(([peer, reason]) => `${peer}: ${reason}`);
    if (raft.leader === null && refusals.length > 0) {
      return `other nodes turn ${self} away (${refusals.join("; ")})`;
    }
    if (!raft.isFounding) return null;
    const missing = memberIds(raft.membership).filter((id) => id !== self && !links.isUp(id));
    return missing.length === 0
      ? "the cluster is new and is being founded"
      : `the cluster is new and needs all of its nodes once: ${
        missing.join(", ")
      } cannot be reached`;
  }

  /** After anything that may have changed the membership: holds N6. */
  review(): void {
    const { raft, links } = this.#options;
    if (raft.membership === this.#reviewed) return;
    this.#reviewed = raft.membership;
    links.review();
  }

  tick(): void {
    this.#bind();
    this.#complain();
  }

  /** All in one entry: a cluster is founded or it is not. What Raft refuses now, it takes later. */
  #bind(): void {
    const { raft, log } = this.#options;
    if (raft.role !== "leader" || !isFounding(raft.membership)) return;
    const voters = raft.membership.voters.map((voter) => this.#bound(voter));
    const founded = { voters, learners: raft.membership.learners };
    if (isFounding(founded)) return;
    const position = raft.change(founded);
    if (!position.ok) return;
    const directories = Object.fromEntries(voters.map(({ id, directory }) => [id, directory]));
    log.info("members bound to their data directories", {
      index: position.value.index,
      ...directories,
    });
  }

  #bound(member: Member): Member {
    const { self, directory, links } = this.#options;
    if (member.directory !== "") return member;
    const known = member.id === self ? hex(directory) : links.directoryOf(member.id);
    return { ...member, directory: known ?? "" };
  }

  /** Loud, but not so often that it hides everything else. */
  #complain(): void {
    const { clock, log } = this.#options;
    if (clock.now() < this.#sayAt) return;
    const reason = this.trouble;
    if (reason === null) return;
    this.#sayAt = clock.now() + REPEAT_MS;
    log.error("this node takes no part", { reason });
  }
}

/** Why nobody is admitted as `id` on `directory`, for the logs of both sides; null when he is. */
export function refuseMember(
  membership: Membership,
  id: NodeId,
  directory: string,
): string | null {
  const member = memberOf(membership, id);
  if (member === undefined) return `${id} is no member of this cluster`;
  if (member.directory === "" || member.directory === directory) return null;
  return `${id} is bound to data directory ${member.directory}, not ${directory}: its data was ` +
    `lost, or another process uses its name; see "A node lost its data" in docs/runbooks.md`;
}
