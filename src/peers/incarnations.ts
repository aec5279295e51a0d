/**
 * Which process each peer was last seen as: its data directory, and how many starts that has had.
 * An emptied or older directory has forgotten votes and acknowledgements that others rely on.
 *
 * Invariant P2: while this process lives, a peer keeps its directory, and its boot counter grows.
 * What must outlive the process, the membership knows: `refuse` asks it first.
 */

import { bytesEqual, hex } from "../base/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import type { Greeting } from "./handshake.ts";

/** Why nobody is admitted as `id` on `directory` (in hex); null when it may be a member. */
export type Refuse = (id: NodeId, directory: string) => string | null;

export class Incarnations {
  readonly #seen = new Map<NodeId, Greeting>();
  readonly #refuse: Refuse;

  constructor(refuse: Refuse) {
    this.#refuse = refuse;
  }

  /** The data directory, in hex, that `peer` was admitted with; undefined before it was. */
  directoryOf(peer: NodeId): string | undefined {
    const seen = this.#seen.get(peer);
    return seen && hex(seen.directory);
  }

  /** Null, and remembered, when this may be the peer that it says it is; otherwise why not. */
  admit(greeting: Greeting): string | null {
    const { from, directory, boot } = greeting;
    const refused = this.#refuse(from, hex(directory));
    if (refused !== null) return refused;
    const seen = this.#seen.get(from);
    if (seen !== undefined && !this.isOutdated(from)) {
      if (!bytesEqual(seen.directory, directory)) {
        return `${from} was seen on data directory ${hex(seen.directory)}, not ${hex(directory)}`;
      }
      if (boot < seen.boot) {
        return `${from} was seen at start ${seen.boot} of its data directory, this is ${boot}`;
      }
    }
    this.#seen.set(from, greeting);
    return null;
  }

  /** Whether a peer that was admitted would not be any more, because the membership has changed. */
  isOutdated(peer: NodeId): boolean {
    const directory = this.directoryOf(peer);
    return directory !== undefined && this.#refuse(peer, directory) !== null;
  }
}
