/**
 * One caller's view of the changes under a prefix.
 *
 * A watch keeps no changes of its own: it is a cursor into the history that the node keeps for all.
 * So a slow caller costs nothing and holds nobody up; when history has moved on without him he is
 * told by `reset`, never by a gap. So he is when he may see other keys than before.
 *
 * Invariant: what `next` gives is every change under the prefix behind the last one given, in order
 * and each once, or ends in a `reset`.
 */

import { type Clock, hasPrefix, limits, ok, type Result } from "../base/mod.ts";
import type { Change, Cursor, Item, Revision, View } from "../kv/mod.ts";
import type { Replica } from "../node/mod.ts";
import type { Access, Caller, Sight } from "./access.ts";
import type { ServiceError } from "./errors.ts";

export type WatchEvent =
  /** The key holds this since `at`; without a cursor it did before the watch began. */
  | { kind: "put"; key: Uint8Array; item: Item; at?: Cursor }
  | { kind: "delete"; key: Uint8Array; at: Cursor }
  /** All items as of `revision` were told; changes follow. */
  | { kind: "synced"; revision: Revision }
  /** Nothing more has happened up to `revision`. */
  | { kind: "progress"; revision: Revision }
  /** Changes up to `revision` are lost to this watch: what is under the prefix must be read anew. */
  | { kind: "reset"; revision: Revision }
  /** Nothing follows: the caller counts no more, or has to ask again. */
  | { kind: "closed"; error: ServiceError };

export type WatchRequest = {
  /** Empty: all keys. */
  readonly prefix: Uint8Array;
  /** Behind it the watch begins. Absent: now. */
  readonly after?: Cursor | undefined;
  /** Begin with the items as they are, unless `after` is given; and once more after a reset. */
  readonly initial: boolean;
};

export type WatchOptions = {
  readonly replica: Pick<Replica, "state" | "advances">;
  readonly clock: Clock;
  readonly request: WatchRequest;
  readonly access: Access;
  readonly caller: Caller;
};

export class Watch {
  readonly #options: WatchOptions;
  readonly #prefix: Uint8Array;
  #cursor: Cursor;
  #toldAtMs: number;
  /** There is more to look at than one turn allows. */
  #more = false;
  /** The initial items that are still to be told, and where they come from. */
  #items: Iterator<[key: Uint8Array, item: Item]> | null = null;
  #view: View | null = null;
  #ended = false;
  /** What the caller may see, by what counted at `#version` of the access. */
  #sight: Sight;
  #version: number;
  #wake: (() => void) | null = null;

  /** An error when the caller may not watch anything, as far as that is known. */
  static begin(options: WatchOptions): Result<Watch, ServiceError> {
    const { access, caller } = options;
    const sight = access.readable(caller, "watch");
    return sight.ok ? ok(new Watch(options, sight.value)) : sight;
  }

  private constructor(options: WatchOptions, sight: Sight) {
    const { replica, request } = options;
    this.#options = options;
    this.#sight = sight;
    this.#version = options.access.version;
    this.#prefix = request.prefix;
    this.#cursor = request.after ?? replica.state.now;
    this.#toldAtMs = options.clock.now();
    if (request.initial && request.after === undefined) this.#begin();
  }

  /** How far it has come. */
  get revision(): Revision {
    return this.#cursor.revision;
  }

  /** The next events, as soon as there are any; null after `end` or a reset that nothing follows. */
  async next(): Promise<readonly WatchEvent[] | null> {
    while (!this.#ended) {
      const events = this.#look();
      if (events.length > 0) return this.#told(events);
      const waitMs = this.#toldAtMs + limits.watchProgressIntervalMs - this.#options.clock.now();
      if (this.#more) await this.#options.clock.yield();
      else if (waitMs <= 0) return this.#told([this.#progress()]);
      else await this.#wait(waitMs);
    }
    return null;
  }

  #look(): WatchEvent[] {
    const told = this.#follow();
    if (told !== null) return told;
    return this.#items === null ? this.#changes() : this.#initial(this.#items);
  }

  /** Idempotent. Without it, what it looks at may be kept for ever. */
  end(): void {
    this.#ended = true;
    this.#view?.close();
    this.#wake?.();
  }

  /**
   * Before anything is told: what the caller may see now. Null while that is what it was. Else what
   * he was told is no copy any more of what he may see, so he has to begin anew.
   */
  #follow(): WatchEvent[] | null {
    const { access, caller } = this.#options;
    if (access.version === this.#version) return null;
    this.#version = access.version;
    const sight = access.readable(caller, "watch");
    if (!sight.ok) {
      this.#ended = true;
      return [{ kind: "closed", error: sight.error }];
    }
    const isSame = sight.value.basis === this.#sight.basis;
    this.#sight = sight.value;
    return isSame ? null : [this.#reset()];
  }

  #begin(): void {
    const { replica, request } = this.#options;
    this.#cursor = replica.state.now;
    this.#view?.close();
    this.#view = replica.state.view();
    this.#items = this.#view.items(request.prefix)[Symbol.iterator]();
    this.#more = true;
  }

  #initial(items: Iterator<[Uint8Array, Item]>): WatchEvent[] {
    const events: WatchEvent[] = [];
    let bytes = 0;
    const { watchChangesPerTurnMax: countMax, watchBytesPerTurnMax: bytesMax } = limits;
    for (let left = countMax; left > 0 && bytes < bytesMax; left--) {
      const next = items.next();
      if (next.done === true) {
        this.#items = null;
        this.#view?.close();
        this.#more = false;
        events.push({ kind: "synced", revision: this.#cursor.revision });
        break;
      }
      const [key, item] = next.value;
      if (this.#isSeen(key)) events.push({ kind: "put", key, item });
      bytes += key.length + item.value.length;
    }
    return events;
  }

  #changes(): WatchEvent[] {
    const { history } = this.#options.replica.state;
    const { watchChangesPerTurnMax: countMax, watchBytesPerTurnMax: bytesMax } = limits;
    const stretch = history.since(this.#cursor, { countMax, bytesMax });
    if (stretch === null) return [this.#reset()];
    const { changes, more } = stretch;
    const last = changes.at(-1);
    if (last !== undefined) this.#cursor = last;
    this.#more = more;
    return changes.filter((change) => this.#concerns(change)).map(eventOf);
  }

  #isSeen(key: Uint8Array): boolean {
    const { sees } = this.#sight;
    return sees === null || sees(key);
  }

  #concerns(change: Change): boolean {
    return hasPrefix(change.key, this.#prefix) && this.#isSeen(change.key);
  }

  #reset(): WatchEvent {
    const { replica, request } = this.#options;
    this.#cursor = replica.state.now;
    if (request.initial) this.#begin();
    else this.#ended = true;
    return { kind: "reset", revision: this.#cursor.revision };
  }

  #told(events: readonly WatchEvent[]): readonly WatchEvent[] {
    this.#toldAtMs = this.#options.clock.now();
    return events;
  }

  /** So that a caller who comes back later need not go through what does not concern him. */
  #progress(): WatchEvent {
    this.#cursor = this.#options.replica.state.now;
    return { kind: "progress", revision: this.#cursor.revision };
  }

  /** Until something happens, for `waitMs` at most. */
  #wait(waitMs: number): Promise<void> {
    const { replica, clock, access } = this.#options;
    return new Promise((resolve) => {
      const done = (): void => {
        this.#wake = null;
        timer.cancel();
        for (const silence of listening) silence();
        resolve();
      };
      const timer = clock.after(waitMs, done);
      const listening = [replica.advances.listen(done), access.changes.listen(done)];
      this.#wake = done;
    });
  }
}

function eventOf(change: Change): WatchEvent {
  const { key, revision, position } = change;
  const at = { revision, position };
  if (change.deleted) return { kind: "delete", key, at };
  return { kind: "put", key, item: change.item, at };
}
