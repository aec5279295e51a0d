/**
 * Everything about snapshots that concerns one node: taking its own when the log has grown enough,
 * giving up what they cover, sending them to followers, and taking them in.
 */

import { assert } from "../base/mod.ts";
import type { Links, SnapshotAck, SnapshotChunk } from "../peers/mod.ts";
import type { Index, Install, NodeId, Raft } from "../raft/mod.ts";
import type { DataDirectory, StorageError } from "../storage/mod.ts";
import type { Applier } from "./applier.ts";
import type { NodeOptions } from "./options.ts";
import { SnapshotIntake } from "./snapshot_intake.ts";
import { SnapshotSender } from "./snapshot_sender.ts";
import { Snapshotter, type SnapshotterMetrics } from "./snapshotter.ts";

export type SnapshotsOptions = {
  readonly node: NodeOptions;
  readonly directory: DataDirectory;
  readonly links: Links;
  readonly raft: Raft;
  readonly applier: Applier;
  /** Feeds something into Raft and schedules a turn. */
  readonly input: (act: () => void) => void;
  readonly onFailure: (error: StorageError) => void;
};

export type SnapshotMetrics = SnapshotterMetrics & {
  /** From the leader. */
  readonly received: number;
};

/** How much larger than `snapshotBytes` the state may be before more of the log is waited for. */
const STATE_TO_LOG_MAX = 4;

export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #snapshotter: Snapshotter;
  readonly #sender: SnapshotSender;
  readonly #intake: SnapshotIntake;
  /** The snapshot before the newest: what is older than it is given up. */
  #previous: Index;

  constructor(options: SnapshotsOptions) {
    const { node, directory, links, raft, input } = options;
    const { clock, log } = node.ports;
    const store = directory.snapshots;
    this.#options = options;
    this.#previous = directory.recovered.snapshot.position.index;
    this.#snapshotter = new Snapshotter({ clock, log, store });
    this.#sender = new SnapshotSender({
      clock,
      log,
      store,
      send: (to, chunk) => links.send(to, chunk),
      onFailure: (to) => input(() => raft.lost(to)),
      patienceMs: 5 * node.timing.electionTimeoutMs,
    });
    this.#intake = new SnapshotIntake({
      self: node.self,
      log,
      store,
      send: (to, ack) => links.send(to, ack),
      standing: () => raft.status,
      deliver: (install) => input(() => raft.step(install)),
    });
  }

  get metrics(): SnapshotMetrics {
    return { ...this.#snapshotter.metrics, received: this.#intake.received };
  }

  /** Starts a snapshot when enough of the log follows the last one. */
  takeWhenDue(): void {
    const { applier, node } = this.#options;
    const { bytes, entries } = applier.sinceSnapshot;
    const scale = this.#scale();
    const due = bytes >= scale * node.storage.snapshotBytes ||
      entries >= this.#entriesDue(entries, scale * node.storage.snapshotEntries);
    if (due && this.#snapshotter.idle && !applier.isRestoring) void this.#take();
  }

  /**
   * What both settings are multiplied by once the state is large: one of gigabytes, written after
   * every 100,000 entries, would keep a node and its disk busy with little else. A power of two, so
   * that the multiples below stay multiples when it changes.
   */
  #scale(): number {
    const { applier, node } = this.#options;
    let scale = 1;
    while (STATE_TO_LOG_MAX * scale * node.storage.snapshotBytes < applier.kv.sizeBytes) scale *= 2;
    return scale;
  }

  /**
   * How many entries behind the last snapshot make the next one due: as far as the next multiple of
   * `interval`, counted from another index on each voter. So they take turns, and a majority is not
   * slowed down by its own snapshot.
   */
  #entriesDue(entries: number, interval: number): number {
    const { applier, node, raft } = this.#options;
    const { voters } = raft.membership;
    const rank = Math.max(0, voters.findIndex(({ id }) => id === node.self));
    const last = applier.applied - entries + Math.floor(rank * interval / voters.length);
    return interval - last % interval;
  }

  /** The mark of the snapshot at `index` is durable: the one before it bounds what is kept. */
  async marked(index: Index): Promise<void> {
    assert(index >= this.#previous, "snapshots are marked in order");
    const bound = this.#previous;
    this.#previous = index;
    const retired = await this.#options.directory.retire(bound);
    if (!retired.ok) this.#options.onFailure(retired.error);
  }

  /** Without a link nothing begins: a transfer is given up only after a long silence. */
  send(install: Install): void {
    const { links, raft, input } = this.#options;
    if (links.isUp(install.to)) this.#sender.start(install);
    else input(() => raft.lost(install.to));
  }

  onChunk(from: NodeId, chunk: SnapshotChunk): void {
    this.#intake.onChunk(from, chunk);
  }

  onAck(from: NodeId, ack: SnapshotAck): void {
    this.#sender.acknowledged(from, ack);
  }

  disconnected(peer: NodeId): void {
    this.#sender.cancel(peer);
  }

  tick(): void {
    this.#sender.tick();
  }

  close(): void {
    this.#sender.cancelAll();
    this.#intake.suspend();
  }

  async #take(): Promise<void> {
    const { raft, applier, input } = this.#options;
    const ref = raft.snapshotAt(applier.applied);
    const image = applier.kv.freeze();
    applier.snapshotStarted();
    const durable = await this.#snapshotter.take(ref, image);
    if (durable) input(() => raft.compact(ref));
  }
}
