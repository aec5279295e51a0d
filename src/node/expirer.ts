/**
 * Has the items removed that are due. Only the leader does, and it removes nothing by itself: it
 * puts a command into the log, and what that removes goes by the cluster's time, on every node.
 *
 * One command is under way at a time, and each removes a bounded number of items: so many that are
 * due at once go one batch after the other, with what clients write in between. Several leaders, or
 * one that leads no more, do no harm: a command that finds nothing due does nothing.
 */

import { type Clock, limits, type Result } from "../base/mod.ts";
import type { Command, Outcome } from "../kv/mod.ts";
import type { Raft } from "../raft/mod.ts";
import type { Applier } from "./applier.ts";
import type { Failure } from "./types.ts";

export type ExpirerOptions = {
  readonly clock: Clock;
  readonly raft: Raft;
  readonly applier: Applier;
  readonly execute: (command: Command, deadlineAt: number) => Promise<Result<Outcome, Failure>>;
};

export class Expirer {
  readonly #options: ExpirerOptions;
  #busy = false;

  constructor(options: ExpirerOptions) {
    this.#options = options;
  }

  /** What fails is tried again at the next tick. */
  tick(): void {
    if (!this.#busy && this.#isDue()) void this.#removeAll();
  }

  #isDue(): boolean {
    const { clock, raft, applier: { kv } } = this.#options;
    if (raft.role !== "leader" || kv.nextExpiryMs === Infinity) return false;
    return kv.nextExpiryMs <= Math.max(kv.timeMs, clock.wallTime());
  }

  async #removeAll(): Promise<void> {
    const { clock, execute } = this.#options;
    const batch = { kind: "expire", countMax: limits.expiriesPerCommandMax } as const;
    const command = { checks: [], mutations: [batch] };
    this.#busy = true;
    do {
      const outcome = await execute(command, clock.now() + limits.requestTimeoutMs);
      if (!outcome.ok) break;
    } while (this.#isDue());
    this.#busy = false;
  }
}
