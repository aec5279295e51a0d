/**
 * Wakes whoever waits for a number to move on. It carries no news of its own: a listener looks for
 * itself, so any number of rings may fall together.
 */

export class Bell {
  readonly #listeners = new Set<() => void>();
  #at = 0;

  /** Until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Silent while `at` stays what it was. */
  ring(at: number): void {
    if (at === this.#at) return;
    this.#at = at;
    for (const listener of this.#listeners) listener();
  }
}
