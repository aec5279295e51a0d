/**
 * The items as they were at one moment, to be read at any pace while the state moves on.
 *
 * The order of the keys is frozen, which costs a list. What a slot held before it was written again
 * or given up goes to the newest open view that saw it, and from that, when it is closed, to the one
 * before. So a write costs nothing more while no view is open.
 *
 * Invariant S13: of a slot that has changed since a view was opened, that view or a newer one has
 * what it held then.
 */

import { assert, compareBytes, hasPrefix, invariant } from "../base/mod.ts";
import type { Held, Items } from "./items.ts";
import { type Comparison, type Runs, slotsUp } from "./key_order.ts";
import type { Slot } from "./slots.ts";
import type { Item } from "./types.ts";

export class Views {
  readonly #items: Items;
  /** Oldest first. */
  readonly #open: View[] = [];

  constructor(items: Items) {
    this.#items = items;
  }

  /** A view of the items, of which none is newer than `revision`. To be closed. */
  open(revision: number): View {
    const view = new View(revision, this.#items, this.#open);
    this.#open.push(view);
    return view;
  }

  /** `slot` is about to change, and holds this so far. */
  keep(slot: Slot, held: Held): void {
    const newest = this.#open.at(-1);
    if (newest !== undefined && held.revision <= newest.revision) newest.kept.set(slot, held);
  }
}

export class View {
  /** The index of the last entry that it shows. */
  readonly revision: number;
  /** What slots held that have changed while this was the newest view. */
  readonly kept = new Map<Slot, Held>();
  readonly #items: Items;
  readonly #runs: Runs;
  readonly #open: View[];

  constructor(revision: number, items: Items, open: View[]) {
    this.revision = revision;
    this.#items = items;
    this.#runs = items.order.freeze();
    this.#open = open;
  }

  /** In the order of the keys, from the first that is not below `from`. */
  *entries(from?: Uint8Array): Generator<Held> {
    const compare: Comparison | undefined = from &&
      ((slot) => compareBytes(from, this.#held(slot).key));
    for (const slot of slotsUp(this.#runs, compare)) yield this.#held(slot);
  }

  /** The items under keys that begin with `prefix`, in byte order. */
  *items(prefix: Uint8Array): Generator<[key: Uint8Array, item: Item]> {
    for (const held of this.entries(prefix)) {
      if (!hasPrefix(held.key, prefix)) return;
      yield [held.key, held.item];
    }
  }

  /** Nothing is kept for it any more, and it must not be read. Idempotent. */
  close(): void {
    const at = this.#open.indexOf(this);
    if (at < 0) return;
    this.#open.splice(at, 1);
    const older = this.#open[at - 1];
    if (older === undefined) return;
    for (const [slot, held] of this.kept) {
      if (!older.kept.has(slot)) older.kept.set(slot, held);
    }
  }

  #held(slot: Slot): Held {
    const at = this.#open.indexOf(this);
    assert(at >= 0, "a view is read before it is closed");
    for (let newer = at; newer < this.#open.length; newer++) {
      const kept = this.#open[newer]?.kept.get(slot);
      if (kept !== undefined) return kept;
    }
    const held = this.#items.held(slot);
    invariant("S13", held.revision <= this.revision, () => `a slot is of ${held.revision}`);
    return held;
  }
}
