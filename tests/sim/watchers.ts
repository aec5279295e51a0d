/**
 * Watchers of the simulated cluster: each keeps a copy of what is under a prefix, from what one
 * node after another tells it, and goes on behind the last change when it changes nodes.
 *
 * Each change is told as one line. What any watcher or client was told of a revision is true for
 * all: so whatever a watcher should have been told between two cursors is known at the end.
 */

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/mod.ts";
import type { Cursor } from "../../src/kv/mod.ts";
import { nobody, Service, type Watch, type WatchEvent } from "../../src/service/mod.ts";
import type { Operation } from "../lin/history.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import type { SimCluster } from "../support/sim_cluster.ts";
import type { Swarm } from "./swarm.ts";
import type { Trace } from "./trace.ts";
import { nameOf } from "./values.ts";

export type WatchersOptions = {
  readonly cluster: SimCluster;
  readonly random: SeededRandom;
  readonly swarm: Swarm;
  readonly trace: Trace;
  readonly onWrong: (error: unknown) => void;
};

/** An unbroken piece of what one watcher was told. */
type Stretch = { readonly from: Cursor; to: Cursor; readonly told: string[] };

type Session = { readonly node: string; over: boolean; watch: Watch | null; leave: () => void };

/** How long a watcher stays with one node, and how long it rests where none serves it. */
const STAY_MS_MAX = 20_000;
const REST_MS = 200;
const TIMEOUT_MS = 2_000;

/** What was told of changes, by `revision.position`. */
class Truth {
  readonly #changes = new Map<string, { readonly at: Cursor; readonly line: string }>();
  /** By revision and key: no entry changes a key twice here. */
  readonly #items = new Map<string, string>();

  add(at: Cursor, key: string, line: string): void {
    const id = idOf(at);
    const known = this.#changes.get(id);
    this.#items.set(`${at.revision} ${key}`, line);
    if (known === undefined) this.#changes.set(id, { at, line });
    else assert.equal(line, known.line, `one change (${id}), told in two ways`);
  }

  /** A put that was told without its place, among the items with which a watch begins. */
  item(revision: number, key: string, line: string): void {
    const known = this.#items.get(`${revision} ${key}`) ?? line;
    assert.equal(line, known, `an item of revision ${revision}`);
  }

  between({ from, to }: Stretch, prefix: string): string[] {
    return [...this.#changes.values()]
      .filter(({ at, line }) => isBehind(at, from) && !isBehind(at, to) && concerns(line, prefix))
      .sort((one, other) => isBehind(one.at, other.at) ? 1 : -1)
      .map(({ at, line }) => `${idOf(at)} ${line}`);
  }
}

export class Watchers {
  readonly #watchers: readonly Watcher[];
  readonly #truth = new Truth();

  constructor(options: WatchersOptions) {
    const { swarm, random } = options;
    this.#watchers = Array.from({ length: swarm.watchers }, (_, at) => {
      const prefix = at === 0 ? "" : `k${random.below(swarm.keys)}`;
      return new Watcher(`w${at + 1}`, prefix, this.#truth, options);
    });
  }

  start(): void {
    for (const watcher of this.#watchers) void watcher.run();
  }

  /** Their connections to the process of `id` break. */
  nodeEnded(id: string): void {
    for (const watcher of this.#watchers) watcher.nodeEnded(id);
  }

  /** They take what there is at once from now on. */
  hurry(): void {
    for (const watcher of this.#watchers) watcher.hurry();
  }

  /** The names of those whose copy is not yet what `items` says. */
  behind(items: ReadonlyMap<string, string>): string[] {
    return this.#watchers.filter((watcher) => !watcher.has(items)).map(({ name }) => name);
  }

  /** No gap, nothing twice, in order: also as far as clients know better. */
  assertComplete(operations: readonly Operation[]): void {
    for (const operation of operations) this.#learn(operation);
    for (const watcher of this.#watchers) watcher.assertComplete();
  }

  #learn({ key, call, outcome }: Operation): void {
    const written = outcome.kind === "written" && (call.kind === "put" || call.kind === "cas");
    if (written) this.#truth.add(first(outcome.revision), key, put(key, call.value));
    if (outcome.kind === "deleted" && outcome.existed) {
      this.#truth.add(first(outcome.revision), key, deletion(key));
    }
  }
}

class Watcher {
  readonly name: string;
  readonly #prefix: string;
  readonly #truth: Truth;
  readonly #options: WatchersOptions;
  /** Revision and value of each key. */
  #copy = new Map<string, string>();
  /** What a watch begins with, until it is complete. */
  #initial = new Map<string, string>();
  readonly #stretches: Stretch[] = [];
  /** The one that goes on; null: the next watch begins anew. */
  #stretch: Stretch | null = null;
  #session: Session | null = null;
  #hurried = false;

  constructor(name: string, prefix: string, truth: Truth, options: WatchersOptions) {
    this.name = name;
    this.#prefix = prefix;
    this.#truth = truth;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { cluster, random } = this.#options;
    while (true) {
      const node = cluster.ids[random.below(cluster.ids.length)] as string;
      if (cluster.isRunning(node)) await this.#visit(node);
      await this.#sleep(1 + random.below(REST_MS));
    }
  }

  nodeEnded(id: string): void {
    if (this.#session?.node === id) this.#session.leave();
  }

  hurry(): void {
    this.#hurried = true;
  }

  has(items: ReadonlyMap<string, string>): boolean {
    const wanted = [...items].filter(([key]) => key.startsWith(this.#prefix));
    return this.#stretch !== null && wanted.length === this.#copy.size &&
      wanted.every(([key, item]) => this.#copy.get(key) === item);
  }

  assertComplete(): void {
    for (const stretch of this.#stretches) {
      const span = `${this.name} from ${idOf(stretch.from)} to ${idOf(stretch.to)}`;
      assert.deepEqual(stretch.told, this.#truth.between(stretch, this.#prefix), span);
    }
  }

  /** Ends when the node does, when the watch does, or after a while. */
  #visit(node: string): Promise<void> {
    const { cluster, random } = this.#options;
    return new Promise((resolve) => {
      const leave = () => {
        session.over = true;
        session.watch?.end();
        stay.cancel();
        resolve();
      };
      const session: Session = { node, over: false, watch: null, leave };
      const stay = cluster.clock.after(1 + random.below(STAY_MS_MAX), leave);
      this.#session = session;
      cluster.host(node).clock.soon(() => void this.#follow(session).then(leave, this.#wrong));
    });
  }

  async #follow(session: Session): Promise<void> {
    const { cluster, random, swarm } = this.#options;
    if (session.over) return;
    const { clock } = cluster.host(session.node);
    const replica = cluster.node(session.node);
    const service = new Service({ replica, clock, requestTimeoutMs: TIMEOUT_MS });
    const after = this.#stretch?.to;
    const request = { prefix: utf8(this.#prefix), initial: true, after };
    const opened = await service.watch(nobody, request);
    if (session.over) return;
    if (!opened.ok) {
      // A node that has confirmed reads knows all that any other has told.
      assert.notEqual(opened.error.code, "parameterInvalid", `${this.name}, after ${after}`);
      return;
    }
    session.watch = opened.value;
    this.#initial = new Map();
    while (true) {
      const events = await opened.value.next();
      if (session.over || events === null) return;
      for (const event of events) this.#hear(event);
      if (!this.#hurried) await this.#sleep(random.below(swarm.watcherRestMsMax + 1));
    }
  }

  #hear(event: WatchEvent): void {
    switch (event.kind) {
      case "put":
        return this.#put(event);
      case "delete": {
        const key = text(event.key);
        this.#change(event.at, key, deletion(key));
        return void this.#copy.delete(key);
      }
      case "synced":
        this.#copy = this.#initial;
        return this.#begin({ revision: event.revision, position: Infinity });
      case "progress":
        return this.#reach({ revision: event.revision, position: Infinity });
      case "reset":
        this.#options.trace.add(this.name, `reset at ${event.revision}`);
        this.#stretch = null;
        this.#initial = new Map();
    }
  }

  #put({ key, item: { value, revision }, at }: Extract<WatchEvent, { kind: "put" }>): void {
    const [name, line] = [text(key), put(text(key), nameOf(value))];
    if (at === undefined) this.#truth.item(revision, name, line);
    else this.#change(at, name, line);
    const copy = at === undefined ? this.#initial : this.#copy;
    copy.set(name, itemText(revision, value));
  }

  #change(at: Cursor, key: string, line: string): void {
    assert.ok(concerns(line, this.#prefix), `${this.name} asked for ${this.#prefix}, not ${line}`);
    this.#truth.add(at, key, line);
    this.#reach(at);
    this.#stretch?.told.push(`${idOf(at)} ${line}`);
  }

  #begin(from: Cursor): void {
    this.#stretch = { from, to: from, told: [] };
    this.#stretches.push(this.#stretch);
    this.#options.trace.add(this.name, `begins at ${idOf(from)}`);
  }

  #reach(at: Cursor): void {
    const stretch = this.#stretch;
    assert.ok(stretch !== null, `${this.name} hears of changes before its items are complete`);
    const back = isBehind(stretch.to, at);
    assert.ok(!back, `${this.name} was at ${idOf(stretch.to)} and hears of ${idOf(at)}`);
    stretch.to = at;
  }

  readonly #wrong = (error: unknown): void => this.#options.onWrong(error);

  #sleep(ms: number): Promise<void> {
    if (ms === 0) return Promise.resolve();
    return new Promise((resolve) => this.#options.cluster.clock.after(ms, resolve));
  }
}

export function itemText(revision: number, value: Uint8Array): string {
  return `${revision} ${nameOf(value)}`;
}

function put(key: string, name: string): string {
  return `${key} = ${name}`;
}

function deletion(key: string): string {
  return `${key} deleted`;
}

function concerns(line: string, prefix: string): boolean {
  return line.startsWith(prefix);
}

/** Of the only change that the entry `revision` makes. */
function first(revision: number): Cursor {
  return { revision, position: 0 };
}

function idOf({ revision, position }: Cursor): string {
  return `${revision}.${position}`;
}

function isBehind(one: Cursor, other: Cursor): boolean {
  if (one.revision !== other.revision) return one.revision > other.revision;
  return one.position > other.position;
}

function text(key: Uint8Array): string {
  return new TextDecoder().decode(key);
}
