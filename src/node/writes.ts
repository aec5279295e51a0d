/**
 * The way of a write through this node: waiting for a leader, then into this node's own log or, in
 * one frame per loop turn, to the node that leads; and back with its outcome.
 */

import { type Clock, err, type Histogram, limits, type Result } from "../base/mod.ts";
import {
  type Command,
  encodeCommand,
  type Outcome,
  outcomeBytesMax,
  stampCommand,
} from "../kv/mod.ts";
import type { Forward, ForwardReply, Links } from "../peers/mod.ts";
import type { Entry, Index, NodeId, Raft } from "../raft/mod.ts";
import { acceptForward } from "./inbound.ts";
import { Outbound } from "./outbound.ts";
import { Proposals } from "./proposals.ts";
import type { Reply } from "./reply.ts";
import { failures, type Submission } from "./submission.ts";
import type { Failure } from "./types.ts";

export type WritesOptions = {
  readonly clock: Clock;
  readonly raft: Raft;
  readonly links: Links;
  /** Which process on its data directory this is. */
  readonly boot: number;
  /** Nothing can be stored on this node. */
  readonly isDiskFull: () => boolean;
};

export class Writes {
  readonly #options: WritesOptions;
  readonly #proposals = new Proposals();
  readonly #outbound: Outbound;
  /** A leader that said it does not lead: nothing is sent there again before the next tick. */
  #held: NodeId | null = null;
  /** Since when what waits is held back, to leave together with an acknowledgement. */
  #gatheringSince: number | null = null;

  constructor(options: WritesOptions) {
    this.#options = options;
    this.#outbound = new Outbound(options.boot);
  }

  /** Writes whose fate is open. */
  get count(): number {
    return this.#proposals.count + this.#outbound.count;
  }

  /** Commands put into this node's own log, and those in each frame that went to a leader. */
  get meters(): { readonly proposals: number; readonly forwardCommands: Histogram } {
    return { proposals: this.#proposals.total, forwardCommands: this.#outbound.frameCommands };
  }

  /** Takes a client's command; the next `dispatch` sends it on its way. Never rejects. */
  submit(command: Command, deadlineAt: number): Promise<Result<Outcome, Failure>> {
    return new Promise((settle) => {
      const submission = {
        command: encodeCommand(command),
        outcomeBytesMax: outcomeBytesMax(command),
        deadlineAt,
        settle,
      };
      if (!this.#outbound.push(submission)) {
        settle(err(failures.overloaded("writes", this.#leader)));
      }
    });
  }

  /**
   * Brings what waits into a log: this node's own, or the leader's; to the leader with the next
   * acknowledgement, if this node is about to send one. Call it at the end of each turn, and when a
   * write of this node was completed.
   */
  dispatch(self: NodeId): void {
    const leader = this.#leader;
    if (this.#outbound.waiting === 0 || leader === null || leader === this.#held) return;
    if (leader === self) return this.#proposeWaiting();
    const { clock, links } = this.#options;
    // Who cannot send to this node cannot answer: asked, it would leave the fate of writes open.
    if (!links.hears(leader) || this.#isGathering()) return;
    this.#outbound.forward(
      leader,
      clock.now(),
      (to, forward) => links.send(to, { kind: "forward", ...forward }),
    );
  }

  onForward(from: NodeId, forward: Forward): void {
    const { clock, links } = this.#options;
    acceptForward(
      from,
      forward,
      clock.now(),
      (submissions) => this.#propose(submissions),
      (to, id, replies) => links.send(to, { kind: "forwardReply", id, replies }),
    );
  }

  onForwardReply(from: NodeId, { id, replies }: ForwardReply): void {
    if (this.#outbound.replied(from, id, replies) === "refused") this.#held = from;
  }

  applied(entry: Entry, outcome: Outcome | null): void {
    this.#proposals.applied(entry, outcome, this.#leader);
  }

  /** A snapshot replaced the state up to `index`. */
  skippedTo(index: Index): void {
    this.#proposals.skippedTo(index, this.#leader);
  }

  disconnected(peer: NodeId): void {
    this.#outbound.disconnected(peer);
  }

  tick(): void {
    const now = this.#options.clock.now();
    this.#held = null;
    this.#proposals.expire(now, this.#leader);
    this.#outbound.expire(now, this.#leader);
  }

  /** Settles everything that is still open, honestly. */
  close(): void {
    this.#proposals.failAll(failures.timedOut(this.#leader));
    this.#outbound.close(this.#leader);
  }

  /** Not for long: a disk that hangs here is no reason for clients of this node to wait. */
  #isGathering(): boolean {
    const now = this.#options.clock.now();
    this.#gatheringSince ??= now;
    const endsAt = this.#gatheringSince + limits.forwardGatherMsMax;
    if (this.#options.raft.isStoring && now < endsAt) return true;
    this.#gatheringSince = null;
    return false;
  }

  #proposeWaiting(): void {
    const submissions = this.#outbound.drain();
    const answer = this.#propose(submissions);
    if (answer === "proposed") return;
    if (answer === "notLeader") {
      this.#held = this.#leader;
      return this.#outbound.putBack(submissions, this.#leader);
    }
    for (const submission of submissions) submission.settle(answer);
  }

  /** Puts commands into the log; any other answer means that nothing was done with any of them. */
  #propose(submissions: readonly Submission[]): Reply | "proposed" {
    const { clock, raft, isDiskFull } = this.#options;
    if (raft.role !== "leader") return "notLeader";
    if (isDiskFull()) return err(failures.diskFull(this.#leader));
    if (!this.#proposals.hasRoom()) return err(failures.overloaded("proposals", this.#leader));
    const timeMs = clock.wallTime();
    for (const { command } of submissions) stampCommand(command, timeMs);
    const first = raft.propose(submissions.map(({ command }) => command));
    if (!first.ok) return "notLeader";
    this.#proposals.add(first.value, submissions);
    return "proposed";
  }

  get #leader(): NodeId | null {
    return this.#options.raft.leader;
  }
}
