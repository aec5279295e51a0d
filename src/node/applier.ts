/**
 * Brings committed entries into the state machine, in slices, so that a long backlog never keeps
 * heartbeats and clients waiting; and replaces the state machine when a snapshot was installed.
 *
 * Invariants:
 * - N4 entries are applied in order, each once; `kv.applied` says how far.
 * - N5 while a snapshot is being loaded nothing is applied, and reads see the old state as a whole.
 */

import { type Clock, err, type Hash, invariant, limits, ok, type Result } from "../base/mod.ts";
import { ImageLoader, type KvState, type Outcome } from "../kv/mod.ts";
import type { Entry, Index, Raft, SnapshotRef } from "../raft/mod.ts";
import { describeStorageError, type SnapshotStore } from "../storage/mod.ts";

export type ApplierHooks = {
  /** An entry was applied; `outcome` is null for entries that are no commands. */
  onApplied(entry: Entry, outcome: Outcome | null): void;
  /** The state machine now stands at `index`, without telling what happened on the way. */
  onRestored(index: Index): void;
  /** A snapshot that was verified before cannot be loaded: this node must not go on. */
  onFailure(reason: string): void;
};

export type ApplierOptions = {
  readonly clock: Clock;
  readonly hash: Hash;
  readonly snapshots: SnapshotStore;
  readonly hooks: ApplierHooks;
};

export class Applier {
  readonly #options: ApplierOptions;
  #kv: KvState;
  #restoring: SnapshotRef | null = null;
  #loading = false;
  /** Payload bytes and entries applied since the last snapshot: when to take the next. */
  #bytesSince = 0;
  #entriesSince = 0;

  constructor(options: ApplierOptions, kv: KvState) {
    this.#options = options;
    this.#kv = kv;
  }

  get kv(): KvState {
    return this.#kv;
  }

  get applied(): Index {
    return this.#kv.applied;
  }

  get isRestoring(): boolean {
    return this.#loading;
  }

  get sinceSnapshot(): { readonly bytes: number; readonly entries: number } {
    return { bytes: this.#bytesSince, entries: this.#entriesSince };
  }

  /** A snapshot was started from the state as it is now. */
  snapshotStarted(): void {
    this.#bytesSince = 0;
    this.#entriesSince = 0;
  }

  /** Applies the next slice of what `raft` has committed; true when more is left. */
  advance(raft: Raft): boolean {
    if (this.#loading) return false;
    const commit = raft.commit;
    if (this.applied >= commit) return false;
    const entries = raft.entries(this.applied + 1, commit, {
      countMax: limits.applyEntriesPerTurnMax,
      bytesMax: limits.applyBytesPerTurnMax,
    });
    const workMax = this.#kv.work + limits.applyWorkPerTurnMax;
    for (const entry of entries) {
      this.#apply(entry);
      if (this.#kv.work >= workMax) break;
    }
    raft.applied(this.applied);
    return this.applied < commit;
  }

  /** Loads `ref` in place of the current state. The newest wins when several follow each other. */
  restore(ref: SnapshotRef): void {
    this.#restoring = ref;
    if (!this.#loading) void this.#load();
  }

  #apply(entry: Entry): void {
    invariant("N4", entry.index === this.applied + 1, () => `${entry.index} after ${this.applied}`);
    let outcome: Outcome | null = null;
    if (entry.kind === "command") outcome = this.#kv.apply(entry.index, entry.payload);
    else this.#kv.applyOther(entry.index);
    this.#bytesSince += entry.payload.length;
    this.#entriesSince++;
    this.#options.hooks.onApplied(entry, outcome);
  }

  async #load(): Promise<void> {
    const { clock, hash, snapshots, hooks } = this.#options;
    this.#loading = true;
    while (this.#restoring !== null) {
      const ref: SnapshotRef = this.#restoring;
      const loaded = await loadSnapshot(snapshots, ref, hash, clock);
      if (this.#restoring !== ref) continue; // a newer one came meanwhile
      this.#restoring = null;
      if (!loaded.ok) return hooks.onFailure(loaded.error);
      this.#kv = loaded.value;
      this.snapshotStarted();
    }
    this.#loading = false;
    hooks.onRestored(this.applied);
  }
}

/** The state machine that the snapshot `ref` holds. */
export async function loadSnapshot(
  snapshots: SnapshotStore,
  ref: SnapshotRef,
  hash: Hash,
  clock: Clock,
): Promise<Result<KvState, string>> {
  const opened = snapshots.open(ref.position);
  if (!opened.ok) return err(describeStorageError(opened.error));
  const reader = opened.value;
  try {
    const loader = new ImageLoader(hash);
    while (true) {
      const block = reader.next();
      if (!block.ok) return err(describeStorageError(block.error));
      if (block.value === undefined) break;
      const taken = loader.block(block.value);
      if (!taken.ok) return err(`snapshot at ${ref.position.index}: ${taken.error}`);
      await clock.yield();
    }
    const state = loader.finish(reader.digest ?? "");
    if (!state.ok) return err(`snapshot at ${ref.position.index}: ${state.error}`);
    if (state.value.applied !== ref.position.index) {
      return err(`snapshot at ${ref.position.index} holds the state at ${state.value.applied}`);
    }
    return ok(state.value);
  } finally {
    reader.close();
  }
}
