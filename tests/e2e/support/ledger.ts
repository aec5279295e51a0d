/**
 * What clients were told about their writes, and so what the cluster must hold in the end.
 *
 * A key's writes follow one another: the next begins only after the last has ended. So a key must
 * hold its last acknowledged value. A write with an unknown outcome stays open for ever: its value
 * may be found, now or later. A write without effect must never be found.
 */

import type { WriteOutcome } from "./kv.ts";

type Entry = {
  readonly key: Uint8Array;
  acknowledged: Uint8Array | null;
  open: Uint8Array[];
};

export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly counts = { done: 0, none: 0, unknown: 0 };

  get size(): number {
    return this.#entries.size;
  }

  record(key: Uint8Array, value: Uint8Array, { effect }: WriteOutcome): void {
    this.counts[effect]++;
    const name = key.join();
    const entry = this.#entries.get(name) ?? { key, acknowledged: null, open: [] };
    this.#entries.set(name, entry);
    if (effect === "done") entry.acknowledged = value;
    if (effect === "unknown") entry.open.push(value);
  }

  /** Reads every key back; returns a line for each that holds what it must not. */
  async contradictions(
    read: (key: Uint8Array) => Promise<Uint8Array | null>,
    parallel = 16,
  ): Promise<string[]> {
    const entries = [...this.#entries.values()];
    const wrong: string[] = [];
    const worker = async (): Promise<void> => {
      for (let entry = entries.pop(); entry !== undefined; entry = entries.pop()) {
        const found = await read(entry.key);
        if (!isAllowed(entry, found)) wrong.push(describe(entry, found));
      }
    };
    await Promise.all(Array.from({ length: parallel }, worker));
    return wrong;
  }
}

function isAllowed({ acknowledged, open }: Entry, found: Uint8Array | null): boolean {
  if (found === null) return acknowledged === null;
  const candidates = acknowledged === null ? open : [acknowledged, ...open];
  return candidates.some((value) => equal(value, found));
}

function describe({ key, acknowledged, open }: Entry, found: Uint8Array | null): string {
  const shown = (value: Uint8Array | null): string =>
    value === null ? "nothing" : `${value.length} bytes ${value.slice(0, 12).join(" ")} …`;
  return `key ${key.slice(0, 24).join(" ")}: acknowledged ${shown(acknowledged)}, ` +
    `${open.length} open, found ${shown(found)}`;
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
