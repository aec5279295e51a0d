/**
 * Which process each peer was last seen as: its data directory, and how many starts that has had.
 * An emptied or older directory has forgotten votes and acknowledgements that others rely on.
 *
 * Invariant P2: while this process lives, a peer keeps its directory, and its boot counter grows.
 */

import { bytesEqual, hex } from "../base/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import type { Greeting } from "./handshake.ts";

export class Incarnations {
  readonly #seen = new Map<NodeId, Greeting>();

  /** Null, and remembered, when this may be the peer that it says it is; otherwise why not. */
  admit(greeting: Greeting): string | null {
    const { from, directory, boot } = greeting;
    const seen = this.#seen.get(from);
    if (seen !== undefined) {
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
}
