/** One node of the explored cluster: the core under test, its disk and its state machine. */

import type {
  Entry,
  Index,
  Membership,
  Message,
  NodeId,
  RaftStatus,
  ReadTicket,
  Recovered,
} from "../../../src/raft/mod.ts";
import { ORIGIN, Raft } from "../../../src/raft/mod.ts";
import type { Dice } from "./dice.ts";
import { Disk } from "./disk.ts";
import type { Options } from "./options.ts";

/** A read that waits for its grant, and the least index that it may be served at. */
export type WaitingRead = { readonly ticket: ReadTicket; readonly floor: Index };

export type Input = { readonly what: () => string; readonly act: (raft: Raft) => void };

/** The state machine: how far it has got, and the digest of all that it applied. */
export type State = { index: Index; digest: number };

export class Node {
  readonly disk: Disk;
  /** Durable images by index, as digests. */
  readonly images = new Map<Index, number>([[0, 0]]);
  raft: Raft | null = null;
  incarnation = 0;
  paused = false;
  /** What arrived during a pause. */
  readonly inbox: Input[] = [];
  isTurnDue = false;
  isApplyDue = false;
  /** When the write before will be on disk: writes complete in order. */
  diskBusyUntil = 0;
  tickEvery: number;

  state: State = { index: 0, digest: 0 };
  /** The commit index of the last `take()`: entries up to here may be applied. */
  commit: Index = 0;
  reads: WaitingRead[] = [];
  /** AppendEntries with entries, and their bytes, since the peer was last heard or given up. */
  readonly unanswered = new Map<NodeId, { count: number; bytes: number }>();

  constructor(readonly id: NodeId, bootstrap: Membership, tickEvery: number) {
    this.disk = new Disk({
      hard: { term: 0, vote: null, commit: 0 },
      snapshot: { position: ORIGIN, membership: bootstrap },
      entries: [],
    });
    this.tickEvery = tickEvery;
  }

  start(options: Options, dice: Dice): Recovered {
    const recovered = this.disk.crash();
    const { electionTicks, heartbeatTicks } = options;
    this.raft = new Raft({ id: this.id, random: dice.fork(), electionTicks, heartbeatTicks }, {
      ...recovered,
    });
    this.incarnation++;
    const { index } = recovered.snapshot.position;
    const digest = this.images.get(index);
    if (digest === undefined) throw new Error(`${this.id} has no image of ${index}`);
    this.state = { index, digest };
    this.commit = index;
    return recovered;
  }

  /** Everything in memory is gone; of the pending writes the first `survivors` had completed. */
  crash(survivors: number): void {
    for (let i = 0; i < survivors; i++) this.disk.complete();
    this.raft = null;
    this.paused = false;
    this.inbox.length = 0;
    this.isTurnDue = this.isApplyDue = false;
    this.diskBusyUntil = 0;
    this.reads = [];
    this.unanswered.clear();
    this.disk.crash();
  }

  get isUp(): boolean {
    return this.raft !== null;
  }

  get status(): RaftStatus | null {
    return this.raft?.status ?? null;
  }

  get isLeading(): boolean {
    return this.raft?.status.role === "leader";
  }

  /** `n1@3`, with what a reader wants to know next. */
  describe(): string {
    const status = this.raft?.status;
    if (!status) return `${this.id} down`;
    const { role, term, last, commit, stable } = status;
    const mark = role === "leader" ? "*" : role === "candidate" ? "?" : "";
    return `${this.id}@${term}${mark} last ${last.index}@${last.term} stable ${stable} ` +
      `commit ${commit}`;
  }
}

/** The next digest of a state machine that applies `entry`. */
export function digestAfter(digest: number, entry: Entry): number {
  let sum = digest ^ Math.imul(entry.index, 0x9e3779b1) ^ Math.imul(entry.term, 0x85ebca6b);
  sum = Math.imul(sum ^ entry.kind.length, 0xc2b2ae35);
  for (const byte of entry.payload) sum = Math.imul(sum ^ byte, 0x01000193);
  return sum ^ (sum >>> 15);
}

/** Whether an answer of `from` tells the leader how much has arrived. */
export function answersAppend(message: Message): boolean {
  return message.kind === "accepted" || message.kind === "rejected";
}
