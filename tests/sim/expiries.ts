/**
 * Items that go by themselves in the simulated cluster: writers that store them under keys of their
 * own, which nobody deletes, and what must hold of each, seen from outside after every event:
 *
 * - an item is due so long after its write as the writer said, by the cluster's time;
 * - it goes only when it is due, and never when its writer said nothing of a lifetime;
 * - once everything heals, what is due goes.
 *
 * That it goes at the same revision everywhere is a matter of digests, and that watchers are told of
 * it, of what watchers make of it.
 */

import assert from "node:assert/strict";
import { fromUtf8, latin1Text, utf8 } from "../../src/base/mod.ts";
import type { Change, Cursor } from "../../src/kv/mod.ts";
import type { Node } from "../../src/node/mod.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import type { SimCluster } from "../support/sim_cluster.ts";
import type { Swarm } from "./swarm.ts";
import { nameOf, paddedValue } from "./values.ts";

export type ExpiriesOptions = {
  readonly cluster: SimCluster;
  readonly random: SeededRandom;
  readonly swarm: Swarm;
};

/** When the item under each key is due; 0: never. */
type Items = Map<string, number>;

/** How far one node has been looked at, and what it held then. */
type Seen = {
  readonly node: Node;
  readonly cursor: Cursor;
  readonly timeMs: number;
  readonly items: Items;
};

const PREFIX = "t";
const LIFETIME_MS_MAX = 4_000;
const THINK_MS_MAX = 500;
const TIMEOUT_MS = 5_000;
const UNBOUNDED = { countMax: Infinity, bytesMax: Infinity };

export class Expiries {
  readonly #options: ExpiriesOptions;
  readonly #seen = new Map<string, Seen>();
  /** When the item of a revision is due, as any node had it. */
  readonly #due = new Map<number, number>();
  #values = 0;
  #active = true;
  /** Items that went, counted on each node. */
  expired = 0;

  constructor(options: ExpiriesOptions) {
    this.#options = options;
  }

  start(): void {
    for (let count = 0; count < this.#options.swarm.expiring; count++) void this.#write();
  }

  finish(): void {
    this.#active = false;
  }

  /** Whether nothing is due that is still there, on any node. */
  get isTidy(): boolean {
    const { cluster } = this.#options;
    const leader = cluster.running.find((id) => cluster.node(id).consensus.role === "leader");
    if (leader === undefined) return false;
    const wallMs = cluster.host(leader).clock.wallTime();
    return cluster.running.every((id) => {
      const { nextExpiryMs, timeMs } = cluster.node(id).state;
      return nextExpiryMs > Math.max(timeMs, wallMs);
    });
  }

  check(): void {
    if (this.#options.swarm.expiring === 0) return;
    for (const id of this.#options.cluster.running) {
      this.#look(id, this.#options.cluster.node(id));
    }
  }

  async #write(): Promise<void> {
    const { cluster, random, swarm } = this.#options;
    while (this.#active) {
      const id = cluster.ids[random.below(cluster.ids.length)] as string;
      const key = utf8(`${PREFIX}${random.below(swarm.keys)}`);
      const afterMs = random.chance(1, 4) ? 0 : 1 + random.below(LIFETIME_MS_MAX);
      const value = paddedValue(`${++this.#values}:${afterMs}`, 8);
      const put = { kind: "put", key, value, contentType: "" } as const;
      const mutation = afterMs === 0 ? put : { ...put, lifetime: { afterMs } };
      if (cluster.isRunning(id)) {
        const { clock } = cluster.host(id);
        const node = cluster.node(id);
        clock.soon(() => {
          const command = { checks: [], mutations: [mutation] };
          void node.execute(command, clock.now() + TIMEOUT_MS);
        });
      }
      await new Promise<void>((resolve) => {
        cluster.clock.after(1 + random.below(THINK_MS_MAX), resolve);
      });
    }
  }

  #look(id: string, node: Node): void {
    const { state } = node;
    const seen = this.#seen.get(id);
    if (seen?.node === node && state.applied === seen.cursor.revision) return;
    // Null: a new process, a snapshot or a short history leaves only what there is now.
    const stretch = seen?.node === node ? state.history.since(seen.cursor, UNBOUNDED) : null;
    const [items, fromMs] = seen === undefined || stretch === null
      ? [this.#itemsOf(node), 0]
      : [seen.items, seen.timeMs];
    for (const change of stretch?.changes ?? []) {
      if (!latin1Text(change.key).startsWith(PREFIX)) continue;
      if (change.deleted) this.#went(change, items, state.timeMs);
      else this.#written(change, items, { fromMs, toMs: state.timeMs });
    }
    this.#seen.set(id, { node, cursor: state.now, timeMs: state.timeMs, items });
  }

  #itemsOf({ state }: Node): Items {
    const range = { start: utf8(PREFIX), end: utf8("u") };
    const items: Items = new Map();
    for (const [key, { revision, expiresMs = 0 }] of state.items(range, false)) {
      this.#learn(revision, expiresMs);
      items.set(textOf(key), expiresMs);
    }
    return items;
  }

  /** The entry was applied when the cluster's time was between `fromMs` and `toMs`. */
  #written(change: Change, items: Items, { fromMs, toMs }: { fromMs: number; toMs: number }): void {
    const { revision, expiresMs } = change;
    const key = latin1Text(change.key);
    const afterMs = Number(nameOf(change.item.value).split(":")[1]);
    const [low, high] = afterMs === 0 ? [0, 0] : [fromMs + afterMs, toMs + afterMs];
    assert.ok(
      expiresMs >= low && expiresMs <= high,
      `${key} of revision ${revision} is due at ${expiresMs}, not between ${low} and ${high}`,
    );
    this.#learn(revision, expiresMs);
    items.set(key, expiresMs);
  }

  #learn(revision: number, expiresMs: number): void {
    const known = this.#due.get(revision) ?? expiresMs;
    assert.equal(expiresMs, known, `one item (of revision ${revision}) is due at two times`);
    this.#due.set(revision, expiresMs);
  }

  #went(change: Change, items: Items, timeMs: number): void {
    const { revision } = change;
    const key = latin1Text(change.key);
    const expiresMs = items.get(key);
    assert.ok(expiresMs !== undefined, `${key} went at ${revision} without having been there`);
    assert.notEqual(expiresMs, 0, `${key} went at ${revision}, and was to stay`);
    assert.ok(
      expiresMs <= timeMs,
      `${key} went at ${revision}, ${expiresMs - timeMs} ms too early`,
    );
    items.delete(key);
    this.expired++;
  }
}

function textOf(key: Uint8Array): string {
  const text = fromUtf8(key);
  assert.ok(text.ok);
  return text.value;
}
