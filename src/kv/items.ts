/**
 * The items of the state: by their keys, and in the order of the keys. A tree alone would do, but it
 * takes a dozen comparisons to find one, each a miss of the processor's cache.
 */

import type { Cell } from "./slabs.ts";
import { newTree, type Tree } from "./tree.ts";

export class Items {
  readonly #byKey = new Map<string, Cell>();
  readonly #inOrder = newTree<Cell>();

  get size(): number {
    return this.#byKey.size;
  }

  /** Follows every change; a clone of it does not, and costs nothing until one comes. */
  get inOrder(): Tree<Cell> {
    return this.#inOrder;
  }

  get(keyText: string): Cell | undefined {
    return this.#byKey.get(keyText);
  }

  /** There is none under `keyText` so far: an item that is written again keeps its cell. */
  add(keyText: string, cell: Cell): void {
    this.#byKey.set(keyText, cell);
    this.#inOrder.set(keyText, cell);
  }

  delete(keyText: string): void {
    this.#byKey.delete(keyText);
    this.#inOrder.delete(keyText);
  }
}
