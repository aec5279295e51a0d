/**
 * Writes down what clients do, in simulated and in real runs.
 *
 * All clients of one recorder live in one process, so the order of its calls is the true order of
 * events: no two events share a moment, even when the clock says the same for both. A tie would
 * count as overlap, and the check would see less.
 */

import type { Call, Operation, Outcome } from "./history.ts";

/** Far below any clock's resolution. */
const INSTANT = 2 ** -20;

/** An operation that has begun. */
export type Begun = {
  readonly client: string;
  readonly key: string;
  readonly call: Call;
  readonly startedAt: number;
};

export class Recorder {
  readonly #now: () => number;
  readonly #ended: Operation[] = [];
  readonly #open = new Set<Begun>();
  #last = 0;

  /** `now` never decreases; its unit is the reader's business. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** To be called before the request leaves. */
  begin(client: string, key: string, call: Call): Begun {
    const begun = { client, key, call, startedAt: this.#moment() };
    this.#open.add(begun);
    return begun;
  }

  /** To be called after the answer has arrived, once. Without it the outcome stays unknown. */
  end(begun: Begun, outcome: Outcome): void {
    if (!this.#open.delete(begun)) throw new Error(`${begun.client} ended an operation twice`);
    const endedAt = outcome.kind === "unknown" ? null : this.#moment();
    this.#ended.push({ ...begun, endedAt, outcome });
  }

  /** How many operations have ended. */
  get count(): number {
    return this.#ended.length;
  }

  /** Everything so far, in the order of the starts. */
  history(): Operation[] {
    const open = Array.from(
      this.#open,
      (begun): Operation => ({ ...begun, endedAt: null, outcome: { kind: "unknown" } }),
    );
    return [...this.#ended, ...open].sort((a, b) => a.startedAt - b.startedAt);
  }

  #moment(): number {
    const instant = Math.max(INSTANT, this.#last * Number.EPSILON); // else a sum may change nothing
    this.#last = Math.max(this.#now(), this.#last + instant);
    return this.#last;
  }
}
