/**
 * Who was turned away lately, and why, for those who ask why a node does not get in. Bounded, so
 * that strangers cannot fill the memory.
 */

export type Refusal = {
  readonly host: string;
  readonly reason: string;
  /** How often, and how long ago the last time was. */
  readonly count: number;
  readonly lastMsAgo: number;
};

const KINDS_MAX = 64;

type Kind = { readonly host: string; readonly reason: string; count: number; lastAt: number };

export class Refusals {
  /** The one that came last is last. */
  readonly #kinds = new Map<string, Kind>();

  add(host: string, reason: string, nowMs: number): void {
    const name = JSON.stringify([host, reason]);
    const count = (this.#kinds.get(name)?.count ?? 0) + 1;
    this.#kinds.delete(name);
    this.#kinds.set(name, { host, reason, count, lastAt: nowMs });
    if (this.#kinds.size <= KINDS_MAX) return;
    for (const oldest of this.#kinds.keys()) return void this.#kinds.delete(oldest);
  }

  /** The latest first. */
  latest(nowMs: number): Refusal[] {
    return [...this.#kinds.values()].reverse().map(({ lastAt, ...kind }) => ({
      ...kind,
      lastMsAgo: Math.max(0, Math.round(nowMs - lastAt)),
    }));
  }
}
