/**
 * The replica: turns the loop that joins Raft, storage, peers and the state machine.
 *
 * Everything that happens in one loop turn (messages, proposals, reads, completed writes, ticks)
 * goes into Raft first; at the end of the turn `take()` says what came of all of it together: one
 * write, one message per follower, one read round. So batching grows with load and costs no delay
 * without it.
 */

import { Bell, err, hex, type Result, type Timer } from "../base/mod.ts";
import type { Command, KvState, Outcome } from "../kv/mod.ts";
import type { Authorised, LinkKeys, Links, PeerMessage } from "../peers/mod.ts";
import {
  type Index,
  majority,
  type Membership,
  type Message,
  type NodeId,
  Raft,
  type RaftStatus,
  type Write,
} from "../raft/mod.ts";
import { type DataDirectory, describeStorageError, type StorageError } from "../storage/mod.ts";
import { Applier } from "./applier.ts";
import { ClusterView, encodeStatus } from "./cluster_view.ts";
import { Expirer } from "./expirer.ts";
import { Members } from "./members.ts";
import { Reads } from "./reads.ts";
import { Snapshots } from "./snapshots.ts";
import type { NodeOptions, Started } from "./options.ts";
import { failures } from "./submission.ts";
import type { ClusterStatus, Failure, NodeMetrics, NodeStatus, Replica } from "./types.ts";
import { Vitals } from "./vitals.ts";
import { Writes } from "./writes.ts";

/** An election timeout is this many ticks. */
const ELECTION_TICKS = 20;

export class Node implements Replica {
  readonly id: NodeId;
  readonly advances = new Bell();
  readonly #options: NodeOptions;
  readonly #raft: Raft;
  readonly #directory: DataDirectory;
  readonly #links: Links;
  readonly #applier: Applier;
  readonly #writes: Writes;
  readonly #reads = new Reads();
  readonly #snapshots: Snapshots;
  readonly #cluster: ClusterView;
  readonly #members: Members;
  readonly #vitals: Vitals;
  readonly #expirer: Expirer;
  readonly #ticker: Timer;

  #turnScheduled = false;
  #stopping = false;
  #stopped = false;
  #diskFull = false;
  #spaceTimer: Timer | null = null;

  constructor(options: NodeOptions, started: Started) {
    const { clock } = options.ports;
    const { directory, links, kv } = started;
    this.id = options.self;
    this.#options = options;
    this.#directory = directory;
    this.#links = links;
    const tickMs = options.timing.electionTimeoutMs / ELECTION_TICKS;
    const heartbeatTicks = Math.round(options.timing.heartbeatIntervalMs / tickMs);
    this.#raft = new Raft({
      id: options.self,
      directory: hex(directory.identity.directory),
      random: options.ports.random,
      electionTicks: ELECTION_TICKS,
      heartbeatTicks: Math.min(Math.max(1, heartbeatTicks), Math.floor(ELECTION_TICKS / 3)),
    }, directory.recovered);
    this.#applier = new Applier({
      clock,
      hash: options.ports.hash,
      snapshots: directory.snapshots,
      hooks: {
        onApplied: (entry, outcome) => this.#writes.applied(entry, outcome),
        onRestored: (index) => this.#restored(index),
        onFailure: (reason) => this.#halt(reason),
      },
    }, kv);
    this.#writes = new Writes({
      clock,
      raft: this.#raft,
      links,
      boot: directory.identity.boot,
      isDiskFull: () => this.#diskFull,
    });
    this.#snapshots = new Snapshots({
      node: options,
      directory,
      links,
      raft: this.#raft,
      applier: this.#applier,
      input: (act) => this.#input(act),
      onFailure: (error) => this.onStorageFailure(error),
    });
    this.#cluster = new ClusterView({
      clock,
      ask: (to, id) => links.send(to, { kind: "statusRequest", id }),
      timeoutMs: Math.min(500, options.timing.electionTimeoutMs),
    });
    this.#members = new Members({
      clock,
      log: options.ports.log,
      self: options.self,
      directory: directory.identity.directory,
      raft: this.#raft,
      links,
    });
    this.#vitals = new Vitals({
      node: options,
      tickMs,
      directory,
      links,
      raft: this.#raft,
      applier: this.#applier,
      writes: this.#writes,
      reads: this.#reads,
      snapshots: this.#snapshots,
      members: this.#members,
      isDiskFull: () => this.#diskFull,
    });
    this.#expirer = new Expirer({
      clock,
      raft: this.#raft,
      applier: this.#applier,
      execute: (command, deadlineAt) => this.execute(command, deadlineAt),
    });
    directory.forgetRecovered();
    this.#ticker = clock.every(tickMs, () => this.#tick());
    this.#schedule();
  }

  // --- Replica ----------------------------------------------------------------------------------

  execute(command: Command, deadlineAt: number): Promise<Result<Outcome, Failure>> {
    if (this.#stopping) return Promise.resolve(err(failures.stopping(this.#raft.leader)));
    this.#schedule();
    return this.#writes.submit(command, deadlineAt);
  }

  linearize(deadlineAt: number): Promise<Result<void, Failure>> {
    if (this.#stopped) return Promise.resolve(err(failures.stopping(this.#raft.leader)));
    this.#schedule();
    return this.#reads.wait(this.#raft.read(), deadlineAt);
  }

  get state(): KvState {
    return this.#applier.kv;
  }

  /** Where this node stands in the protocol: cheap enough to be watched after every event. */
  get consensus(): RaftStatus {
    return this.#raft.status;
  }

  get membership(): Membership {
    return this.#raft.membership;
  }

  /** The last entry that this node's memory reflects, and the digest of all it holds there. */
  get applied(): Index {
    return this.#applier.applied;
  }

  get digest(): string {
    return this.#applier.kv.digest();
  }

  authorise(authorised: Authorised): void {
    this.#links.authorise(authorised);
  }

  renewLinks(): void {
    this.#links.renew();
  }

  linkKeys(): LinkKeys {
    return this.#links.keys();
  }

  status(): NodeStatus {
    return this.#vitals.status();
  }

  metrics(): NodeMetrics {
    return this.#vitals.metrics();
  }

  async clusterStatus(): Promise<ClusterStatus> {
    const members = await Promise.all(
      this.#options.members.map(async ({ id, peer, client }) => {
        const status = id === this.id ? this.status() : await this.#cluster.ask(id);
        const addresses = { peerAddress: peer, clientAddress: client };
        return { id, ...addresses, reachable: status !== undefined, ...(status && { status }) };
      }),
    );
    return { cluster: this.#options.clusterName, answeredBy: this.id, members };
  }

  // --- Events from peers and storage, wired by start.ts -------------------------------------------

  onMessage(from: NodeId, message: PeerMessage): void {
    if (this.#stopped) return;
    switch (message.kind) {
      case "raft":
        return this.#input(() => this.#raft.step(message.message));
      case "forward":
        return this.#input(() => this.#writes.onForward(from, message));
      case "forwardReply":
        return this.#writes.onForwardReply(from, message);
      case "snapshotChunk":
        return this.#snapshots.onChunk(from, message);
      case "snapshotAck":
        return this.#snapshots.onAck(from, message);
      case "statusRequest":
        this.#links.send(from, {
          kind: "statusReply",
          id: message.id,
          status: encodeStatus(this.status()),
        });
        return;
      case "statusReply":
        return this.#cluster.answered(from, message.id, message.status);
    }
  }

  onPeerUp(peer: NodeId): void {
    this.#input(() => this.#raft.connected(peer));
  }

  onPeerDown(peer: NodeId): void {
    this.#snapshots.disconnected(peer);
    this.#writes.disconnected(peer);
    this.#input(() => this.#raft.disconnected(peer));
  }

  onStored(writes: readonly Write[]): void {
    if (this.#stopped) return;
    const last = writes.at(-1);
    if (last === undefined) return;
    this.#input(() => this.#raft.stored(last.id));
    for (const write of writes) {
      for (const message of write.thenSend) this.#send(message);
      if (write.snapshot) void this.#snapshots.marked(write.snapshot.position.index);
    }
    this.#writes.dispatch(this.id);
  }

  onStorageFailure(error: StorageError): void {
    this.#halt(describeStorageError(error));
  }

  /** No entry can be stored here: hand over, refuse writes, and look for space once a second. */
  onDiskFull(error: StorageError): void {
    if (!this.#diskFull) {
      this.#options.ports.log.error("disk full", { reason: describeStorageError(error) });
    }
    this.#diskFull = true;
    this.#input(() => {
      if (!this.#raft.transfer()) this.#raft.stepDown();
    });
    this.#spaceTimer?.cancel();
    this.#spaceTimer = this.#options.ports.clock.after(1_000, () => {
      if (!this.#stopped) this.#directory.wal.retry();
    });
  }

  onDiskSpace(): void {
    this.#diskFull = false;
    this.#options.ports.log.info("disk has space again");
  }

  // --- Life ---------------------------------------------------------------------------------------

  /**
   * Leaves in good order within `patienceMs`: hands leadership over, waits for the outcome of what
   * is under way, answers the rest honestly, and gives the data directory up.
   */
  async stop(patienceMs: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const { ports, timing } = this.#options;
    const giveUpAt = ports.clock.now() + patienceMs;
    const handsOver = this.#mayHandOver();
    this.#input(() => this.#raft.transfer());
    await this.#untilQuiet(giveUpAt);
    if (handsOver) {
      // Others may go on forwarding here until they hear the new leader: they are sent away, which
      // leaves no doubt, where a link that closes on their commands would.
      await this.#sleep(2 * timing.heartbeatIntervalMs);
      await this.#untilQuiet(giveUpAt);
    }
    await this.#close();
  }

  async #untilQuiet(giveUpAt: number): Promise<void> {
    const { clock } = this.#options.ports;
    const open = () => this.#writes.count + this.#reads.count > 0;
    const busy = () => this.#mayHandOver() || open() || this.#links.busy;
    while (busy() && clock.now() < giveUpAt && !this.#stopped) await this.#sleep(5);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.ports.clock.after(ms, resolve));
  }

  /** Whether there is leadership to hand over, and a majority to take it. */
  #mayHandOver(): boolean {
    const voters = this.#raft.membership.voters.length;
    const reachable = this.#links.upCount >= majority(voters);
    return this.#raft.role === "leader" && voters > 1 && reachable;
  }

  async #close(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#ticker.cancel();
    this.#spaceTimer?.cancel();
    this.#writes.close();
    this.#reads.failAll(failures.stopping(this.#raft.leader));
    this.#cluster.close();
    this.#snapshots.close();
    this.#links.close();
    await this.#directory.release();
  }

  /** The data or the protocol state cannot be trusted any more: stop at once and say why. */
  #halt(reason: string): void {
    if (this.#stopped) return;
    this.#options.ports.log.error("node halted", { reason });
    void this.#close().then(() => this.#options.onHalt(reason));
  }

  // --- The loop -----------------------------------------------------------------------------------

  #input(act: () => void): void {
    if (this.#stopped) return;
    act();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#turnScheduled || this.#stopped) return;
    this.#turnScheduled = true;
    this.#options.ports.clock.soon(() => this.#turn());
  }

  #turn(): void {
    this.#turnScheduled = false;
    if (this.#stopped) return;
    this.#writes.dispatch(this.id);
    const ready = this.#raft.take();
    if (ready.halt !== null) return this.#halt(ready.halt);
    this.#members.review();
    for (const message of ready.send) this.#send(message);
    if (ready.write) this.#directory.wal.append(ready.write);
    if (ready.restore) this.#applier.restore(ready.restore);
    for (const grant of ready.grants) this.#reads.granted(grant);
    if (this.#applier.advance(this.#raft)) this.#schedule();
    this.#reads.applied(this.#applier.applied);
    this.advances.ring(this.#applier.applied);
    this.#snapshots.takeWhenDue();
    this.#vitals.reviewRole();
  }

  #tick(): void {
    const now = this.#options.ports.clock.now();
    this.#vitals.ticked(now);
    this.#input(() => this.#raft.tick());
    this.#writes.tick();
    this.#input(() => this.#members.tick());
    this.#reads.expire(now, this.#raft.leader, this.#members.trouble);
    this.#snapshots.tick();
    this.#expirer.tick();
    // A leader whose disk has stalled holds everybody up (its own vote no longer counts anyway).
    const stalled = this.#directory.wal.status().pendingSyncMs;
    if (stalled > this.#options.timing.electionTimeoutMs) this.#input(() => this.#raft.transfer());
  }

  #send(message: Message): void {
    if (message.kind === "install") return this.#snapshots.send(message);
    if (message.kind === "append") this.#vitals.appended(message.entries.length);
    const sent = this.#links.send(message.to, { kind: "raft", message });
    if (!sent && message.kind === "append") this.#raft.lost(message.to);
  }

  #restored(index: Index): void {
    this.#writes.skippedTo(index);
    this.#schedule();
  }
}
