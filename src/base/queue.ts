/**
 * A first-in first-out queue with a bound in items and in weight (usually bytes). Every queue in
 * Keva has such a bound and a policy for when it is hit: `push` says no, and the caller drops,
 * refuses or waits.
 */

import { assert } from "./assert.ts";

export type QueueBounds = { readonly itemsMax: number; readonly weightMax: number };

export class BoundedQueue<T> {
  readonly #bounds: QueueBounds;
  readonly #weigh: (item: T) => number;
  #items: T[] = [];
  #head = 0;
  #weight = 0;

  constructor(bounds: QueueBounds, weigh: (item: T) => number = () => 0) {
    assert(bounds.itemsMax > 0, "a queue holds at least one item");
    this.#bounds = bounds;
    this.#weigh = weigh;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  get weight(): number {
    return this.#weight;
  }

  /** False, and nothing queued, when the item would break a bound. An empty queue takes any item. */
  push(item: T): boolean {
    const weight = this.#weigh(item);
    const full = this.length >= this.#bounds.itemsMax ||
      (this.length > 0 && this.#weight + weight > this.#bounds.weightMax);
    if (full) return false;
    this.#items.push(item);
    this.#weight += weight;
    return true;
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head] as T;
    this.#items[this.#head] = undefined as T; // let the item be collected before the array is
    this.#head++;
    this.#weight -= this.#weigh(item);
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Takes all items at once. */
  drain(): T[] {
    const items = this.#items.slice(this.#head);
    this.#items = [];
    this.#head = 0;
    this.#weight = 0;
    return items;
  }
}
