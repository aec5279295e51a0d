/**
 * What a leader knows of one follower, and how much it may send it.
 *
 * - `probe`: the place where the logs agree is unknown; one AppendEntries at a time.
 * - `replicate`: it is known; entries are pipelined ahead of the acknowledgements.
 * - `snapshot`: the entries it needs are gone; nothing is sent until the snapshot has arrived.
 *
 * Invariant R6: matched < next, and everything up to `matched` is durable on the follower.
 */

import { invariant, limits } from "../base/mod.ts";
import type { Index } from "./types.ts";

type InFlight = { readonly last: Index; readonly bytes: number };

export class Progress {
  #matched: Index = 0;
  #next: Index;
  #mode: "probe" | "replicate" | "snapshot" = "probe";
  #inFlight: InFlight[] = [];
  #inFlightBytes = 0;
  #probeSent = false;
  #matchedAtHeartbeat: Index = 0;

  /** Ticks since it was last heard from; a new follower gets the benefit of the doubt. */
  ticksSilent = 0;
  /** Highest read round that it echoed. */
  round = 0;
  /** Highest commit index that was sent to it. */
  commitSent: Index = 0;

  constructor(next: Index) {
    this.#next = next;
  }

  get matched(): Index {
    return this.#matched;
  }

  get next(): Index {
    return this.#next;
  }

  get mode(): "probe" | "replicate" | "snapshot" {
    return this.#mode;
  }

  /** Whether it was heard from within the last `ticks`. */
  isHeard(ticks: number): boolean {
    return this.ticksSilent < ticks;
  }

  /** Whether entries are on their way to it, so that an acknowledgement will come. */
  get isPipelining(): boolean {
    return this.#inFlight.length > 0;
  }

  get ready(): boolean {
    if (this.#mode === "snapshot") return false;
    if (this.#mode === "probe") return !this.#probeSent;
    return this.#inFlight.length < limits.inflightAppendsMax &&
      this.#inFlightBytes < limits.inflightAppendBytesMax;
  }

  /** An AppendEntries with `count` entries from `next` on has left. */
  sent(count: number, bytes: number): void {
    if (this.#mode === "probe") {
      this.#probeSent = true;
    } else if (count > 0) {
      this.#next += count;
      this.#inFlight.push({ last: this.#next - 1, bytes });
      this.#inFlightBytes += bytes;
    }
  }

  accepted(matched: Index): void {
    if (this.#mode === "snapshot" && matched < this.#next - 1) return; // older than the snapshot
    this.#matched = Math.max(this.#matched, matched);
    this.#next = Math.max(this.#next, this.#matched + 1);
    if (this.#mode !== "replicate") this.#enter("replicate", this.#matched + 1);
    while (this.#inFlight.length > 0 && (this.#inFlight[0] as InFlight).last <= matched) {
      this.#inFlightBytes -= (this.#inFlight.shift() as InFlight).bytes;
    }
    this.#check();
  }

  /** False when the rejection is of an AppendEntries that no longer matters. */
  rejected(previous: Index, agreement: Index): boolean {
    const stale = this.#mode === "snapshot" || previous <= this.#matched ||
      (this.#mode === "probe" && previous !== this.#next - 1);
    if (stale) return false;
    this.#enter("probe", Math.max(this.#matched, Math.min(agreement, previous - 1)) + 1);
    this.#check();
    return true;
  }

  /** The snapshot at `index` is on its way. */
  installing(index: Index): void {
    this.#enter("snapshot", index + 1);
  }

  /** Messages may have been lost: find out where the follower is before pipelining again. */
  lost(): void {
    if (this.#mode !== "probe") this.#enter("probe", this.#matched + 1);
    this.#probeSent = true; // until the next heartbeat: a dead peer is not worth a message a turn
  }

  /**
   * Once per heartbeat: a probe may be repeated; true when a pipeline has stood still since the
   * last heartbeat, so that its last message must be presumed lost.
   */
  heartbeat(last: Index): boolean {
    if (this.#mode === "probe") this.#probeSent = false;
    const stalled = this.#mode === "replicate" && this.#matched < last &&
      this.#matched === this.#matchedAtHeartbeat && this.#next > this.#matched + 1;
    this.#matchedAtHeartbeat = this.#matched;
    return stalled;
  }

  #enter(mode: "probe" | "replicate" | "snapshot", next: Index): void {
    this.#mode = mode;
    this.#next = next;
    this.#inFlight = [];
    this.#inFlightBytes = 0;
    this.#probeSent = false;
  }

  #check(): void {
    invariant("R6", this.#matched < this.#next, () => `matched ${this.#matched}`);
  }
}
