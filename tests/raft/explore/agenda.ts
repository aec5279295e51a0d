/** What happens next: a binary heap by time, then by order of entry. */

type Item = { readonly time: number; readonly order: number; readonly run: () => void };

export class Agenda {
  now = 0;
  #order = 0;
  readonly #heap: Item[] = [];

  after(delay: number, run: () => void): void {
    const item = { time: this.now + delay, order: this.#order++, run };
    const heap = this.#heap;
    let i = heap.push(item) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(item, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = item;
  }

  /** Runs everything up to `time`, or until `until` says so after one of its steps. */
  runTo(time: number): void {
    while (this.#heap.length > 0 && this.#heap[0]!.time <= time) {
      const item = this.#pop();
      this.now = item.time;
      item.run();
    }
    this.now = time;
  }

  #pop(): Item {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let i = 0;
    while (true) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

function isBefore(a: Item, b: Item): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
