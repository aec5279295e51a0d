/**
 * How far a long command is: one line on standard error that is written over, on a terminal only.
 */

import type { Context } from "./context.ts";

const INTERVAL_MS = 100;
const CLEAR_LINE = "\r\x1b[K";

export class Counter {
  items = 0;
  bytes = 0;
  readonly #context: Context;
  readonly #verb: string;
  /** Where it is known how many bytes there will be. */
  readonly #bytesTotal: number | undefined;
  #shownAtMs = -Infinity;
  #shown = false;

  constructor(
    context: Context,
    { verb, bytesTotal }: { readonly verb: string; readonly bytesTotal?: number | undefined },
  ) {
    this.#context = context;
    this.#verb = verb;
    this.#bytesTotal = bytesTotal;
  }

  add(bytes: number): void {
    this.items++;
    this.bytes += bytes;
    const { stderr, ports: { clock } } = this.#context;
    if (!stderr.isTerminal || clock.now() < this.#shownAtMs + INTERVAL_MS) return;
    this.#shownAtMs = clock.now();
    this.#shown = true;
    stderr.write(`${CLEAR_LINE}${this.#text()}`);
  }

  /** Takes the line away, for what is to be written now. */
  clear(): void {
    if (this.#shown) this.#context.stderr.write(CLEAR_LINE);
    this.#shown = false;
  }

  #text(): string {
    const { items, bytes } = this;
    const count = `${this.#verb} ${countOf(items)}, ${megabytes(bytes)}`;
    if (this.#bytesTotal === undefined) return count;
    const percent = Math.floor(100 * Math.min(1, bytes / Math.max(1, this.#bytesTotal)));
    return `${count} of ${megabytes(this.#bytesTotal)} (${percent} %)`;
  }
}

export function countOf(items: number): string {
  return items === 1 ? "1 item" : `${items} items`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
