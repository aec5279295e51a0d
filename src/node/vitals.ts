/**
 * How a node is: the status that it tells anybody, and the metrics for those who watch it closely.
 * Everything is counted where it happens; this file only asks around.
 */

import { Histogram, Recent } from "../base/mod.ts";
import type { Links } from "../peers/mod.ts";
import type { NodeId, Raft, Role } from "../raft/mod.ts";
import type { DataDirectory } from "../storage/mod.ts";
import type { Applier } from "./applier.ts";
import type { Members } from "./members.ts";
import type { NodeOptions } from "./options.ts";
import type { Reads } from "./reads.ts";
import type { Snapshots } from "./snapshots.ts";
import type { NodeMetrics, NodeStatus } from "./types.ts";
import type { Writes } from "./writes.ts";

export type VitalsOptions = {
  readonly node: NodeOptions;
  readonly tickMs: number;
  readonly directory: DataDirectory;
  readonly links: Links;
  readonly raft: Raft;
  readonly applier: Applier;
  readonly writes: Writes;
  readonly reads: Reads;
  readonly snapshots: Snapshots;
  readonly members: Members;
  readonly isDiskFull: () => boolean;
};

/** What the status calls recent are the last one to two of these. */
const PERIOD_MS = 60_000;

export class Vitals {
  readonly #options: VitalsOptions;
  readonly #startedAt: number;
  readonly #startedAtWall: number;
  readonly #appendEntries = Histogram.ofBatches();
  readonly #loopDelayMs = Histogram.ofLatency();
  readonly #recentLoopDelayMs = new Recent(this.#loopDelayMs);
  readonly #recentSyncMs: Recent;
  #periodStartedAt: number;
  #tickDueAt: number;
  /** What the log was told last of this node's role. */
  #said: { readonly role: Role | null; readonly leader: NodeId | null } = {
    role: null,
    leader: null,
  };
  /** Whom this node followed last, maybe itself. */
  #leader: NodeId | null = null;
  #leaderChanges = 0;

  constructor(options: VitalsOptions) {
    this.#options = options;
    this.#startedAt = this.#periodStartedAt = options.node.ports.clock.now();
    this.#startedAtWall = options.node.ports.clock.wallTime();
    this.#tickDueAt = this.#startedAt + options.tickMs;
    this.#recentSyncMs = new Recent(options.directory.wal.meters.syncMs);
  }

  /** The node's ticker ran: as late as it is, so late is whatever else waits for the event loop. */
  ticked(nowMs: number): void {
    const { tickMs } = this.#options;
    this.#loopDelayMs.observe(Math.max(0, nowMs - this.#tickDueAt));
    // As the Clock port has it: the rhythm is kept, but missed ticks are not made up for.
    const nextDueAt = this.#tickDueAt + tickMs;
    this.#tickDueAt = nextDueAt > nowMs ? nextDueAt : nowMs + tickMs;
    if (nowMs - this.#periodStartedAt < PERIOD_MS) return;
    this.#periodStartedAt = nowMs;
    this.#recentLoopDelayMs.turn();
    this.#recentSyncMs.turn();
  }

  /** An AppendEntries with this many entries leaves. */
  appended(entryCount: number): void {
    if (entryCount > 0) this.#appendEntries.observe(entryCount);
  }

  /** Once per turn: a new role or leader is counted and logged, for which candidates are too brief. */
  reviewRole(): void {
    const { node, raft } = this.#options;
    const { role, leader } = raft;
    if ((role === this.#said.role && leader === this.#said.leader) || role === "candidate") return;
    this.#said = { role, leader };
    if (leader !== null && leader !== this.#leader) {
      this.#leader = leader;
      this.#leaderChanges++;
    }
    const { term, last, isVoter } = raft.status;
    node.ports.log.info(role === "leader" ? "leading" : "following", {
      at: `${node.self}@${term}`,
      leader: leader ?? "none",
      last: `${last.index}@${last.term}`,
      voter: isVoter,
    });
  }

  status(): NodeStatus {
    const { node, raft, applier: { kv }, members, isDiskFull } = this.#options;
    const { clock, disk } = node.ports;
    const { trouble } = members;
    const { role, term, leader, last, commit, first, snapshot, isVoter } = raft.status;
    const fsyncP99Ms = this.#recentSyncMs.quantile(0.99);
    const loopDelayP99Ms = this.#recentLoopDelayMs.quantile(0.99);
    return {
      id: node.self,
      version: node.version,
      role: isVoter ? role : "learner",
      term,
      leader,
      lastIndex: last.index,
      commit,
      applied: kv.applied,
      snapshotIndex: snapshot.index,
      firstIndex: first,
      items: kv.size,
      digest: kv.digest(),
      uptimeMs: Math.round(clock.now() - this.#startedAt),
      diskFreeBytes: disk.freeBytes(node.directory),
      diskFull: isDiskFull(),
      ...(trouble !== null && { trouble }),
      ...(fsyncP99Ms !== undefined && { fsyncP99Ms }),
      ...(loopDelayP99Ms !== undefined && { loopDelayP99Ms }),
    };
  }

  metrics(): NodeMetrics {
    const { node, directory: { wal }, links, raft, writes, reads, snapshots } = this.#options;
    const { ignored, elections, readRounds } = raft.status;
    const peers = node.members.map(({ id }) => id).filter((id) => id !== node.self);
    return {
      status: this.status(),
      startedAtMs: this.#startedAtWall,
      raft: {
        leaderChanges: this.#leaderChanges,
        elections,
        ignored,
        readRounds,
        matched: raft.matched,
        appendEntries: this.#appendEntries.snapshot(),
      },
      wal: {
        ...wal.status(),
        syncMs: wal.meters.syncMs.snapshot(),
        frameEntries: wal.meters.frameEntries.snapshot(),
      },
      writes: {
        pending: writes.count,
        proposals: writes.meters.proposals,
        forwardCommands: writes.meters.forwardCommands.snapshot(),
      },
      reads: { pending: reads.count, batchReads: reads.batchReads.snapshot() },
      links: { ...links.counters, up: new Map(peers.map((peer) => [peer, links.isUp(peer)])) },
      snapshots: snapshots.metrics,
      loopDelayMs: this.#loopDelayMs.snapshot(),
      process: node.ports.process.usage(),
    };
  }
}
