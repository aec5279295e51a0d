/**
 * The items as they were at one moment, to be read at any pace while the state moves on.
 *
 * The order of the keys is a lazy copy of the tree. The cells are the state's own, which a write
 * changes in place: what one held before goes to the newest open view that saw it there, and from
 * it, when it is closed, to the one before. So an overwrite costs nothing while no view is open.
 *
 * Invariant S13: of a cell that has changed since a view was opened, that view or a newer one has
 * what it held then.
 */

import { assert } from "../base/mod.ts";
import { keyText } from "./key_text.ts";
import { itemsUnder } from "./scan.ts";
import { type Cell, type Held, Past } from "./slabs.ts";
import type { Tree } from "./tree.ts";
import type { Item } from "./types.ts";

export class Views {
  /** Oldest first. */
  readonly #open: View[] = [];

  /** A view of `cells`, of which none is newer than `revision`. To be closed. */
  open(revision: number, cells: Tree<Cell>): View {
    const view = new View(revision, cells.clone(), this.#open);
    this.#open.push(view);
    return view;
  }

  /** `cell`, which the state holds, is about to be changed. */
  keep(cell: Cell): void {
    const newest = this.#open.at(-1);
    if (newest !== undefined && cell.revision <= newest.revision) {
      newest.kept.set(cell, new Past(cell));
    }
  }
}

export class View {
  /** The index of the last entry that it shows. */
  readonly revision: number;
  /** What cells held that have changed while this was the newest view. */
  readonly kept = new Map<Cell, Past>();
  readonly #cells: Tree<Cell>;
  readonly #open: View[];

  constructor(revision: number, cells: Tree<Cell>, open: View[]) {
    this.revision = revision;
    this.#cells = cells;
    this.#open = open;
  }

  /**
   * In the order of the keys, from the first that is not below `from`. What is given has to be used
   * before the state changes again: it may be a cell of the state's own.
   */
  *entries(from?: string): Generator<[keyText: string, held: Held]> {
    for (const [text, cell] of this.#cells.entries(from)) yield [text, this.#held(cell)];
  }

  /** The items under keys that begin with `prefix`, in byte order. */
  items(prefix: Uint8Array): Iterable<[key: Uint8Array, item: Item]> {
    const text = keyText(prefix);
    return itemsUnder(text, this.entries(text));
  }

  /** Nothing is kept for it any more, and it must not be read. Idempotent. */
  close(): void {
    const at = this.#open.indexOf(this);
    if (at < 0) return;
    this.#open.splice(at, 1);
    const older = this.#open[at - 1];
    if (older === undefined) return;
    for (const [cell, past] of this.kept) {
      if (!older.kept.has(cell)) older.kept.set(cell, past);
    }
  }

  #held(cell: Cell): Held {
    if (cell.revision <= this.revision) return cell;
    const at = this.#open.indexOf(this);
    assert(at >= 0, "a view is read before it is closed");
    for (let newer = at; newer < this.#open.length; newer++) {
      const past = this.#open[newer]?.kept.get(cell);
      if (past !== undefined) return past;
    }
    throw new Error(`S13: what a cell held at ${this.revision} is gone`);
  }
}
