/** One node of a script: its Raft while it runs, and what its disk has been given and has stored. */

import type { Random } from "../../../src/base/mod.ts";
import {
  type Index,
  type Membership,
  type NodeId,
  Raft,
  type ReadTicket,
  type Role,
  type SnapshotRef,
  type Write,
} from "../../../src/raft/mod.ts";
import { Disk } from "./disk.ts";

/** A read that waits; linearizable only when granted at `floor` or above. */
export type WaitingRead = { readonly ticket: ReadTicket; readonly floor: Index };

export type Timing = { readonly electionTicks: number; readonly heartbeatTicks: number };

export class SimNode {
  readonly id: NodeId;
  /** What is stored: all that survives a crash. */
  disk: Disk;
  /** What the disk will hold once all pending writes are stored: the log as the core sees it. */
  log: Disk;
  pending: Write[] = [];
  /** Null while the node is down. */
  raft: Raft | null = null;
  halted = false;
  /** Inputs are gathered into one turn until the script ends it. */
  gathering = false;
  /** Read by the state machine, which applies at once what is committed. */
  applied: Index = 0;
  reads: WaitingRead[] = [];
  /** The snapshot that is being written. */
  snapshot: SnapshotRef | null = null;
  /** How often it asked for votes, for each voter asked. */
  campaigns = 0;
  /** What the transcript has said of its role. */
  standing = "";
  /** The highest values seen in this incarnation. */
  peak: { term: number; commit: Index; role: Role } = { term: 0, commit: 0, role: "follower" };

  constructor(id: NodeId, membership: Membership) {
    this.id = id;
    this.disk = new Disk(membership);
    this.log = this.disk.copy();
  }

  start(timing: Timing, random: Random): Raft {
    this.pending = [];
    this.reads = [];
    this.snapshot = null;
    this.log = this.disk.copy();
    this.halted = this.gathering = false;
    this.applied = this.disk.snapshot.position.index;
    this.raft = new Raft({ id: this.id, random, ...timing }, this.disk.recovered());
    const { term, commit, role } = this.raft.status;
    this.peak = { term, commit, role };
    return this.raft;
  }

  stop(): void {
    this.raft = null;
    this.standing = "";
  }

  get term(): number {
    return this.raft?.status.term ?? this.disk.hard.term;
  }
}
