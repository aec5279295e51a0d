/**
 * Commands that were accepted from clients of this node, from arrival until somebody's log has
 * them: waiting while no leader is known, then proposed here or forwarded to the leader in one
 * frame per loop turn.
 *
 * Invariant N2: a forwarded command is sent again only after its receiver said that it did nothing
 * with it. What was sent and not answered ends with effect unknown.
 *
 * Invariant N7: an answer settles only the frame that it answers. The leader may answer a frame of
 * the process before this one, so no process gives its frames the numbers of another.
 */

import { BoundedQueue, err, Histogram, limits } from "../base/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import { decodeReply } from "./reply.ts";
import { failures, type Submission } from "./submission.ts";
import type { Failure } from "./types.ts";

/** Sends one frame to the leader; false when it certainly did not leave. */
export type SendForward = (
  to: NodeId,
  forward: { readonly id: number; readonly deadlineMs: number; readonly commands: Uint8Array[] },
) => boolean;

type Flight = { readonly to: NodeId; readonly submissions: readonly Submission[] };

/**
 * Past this a forward frame takes no further command, so that the largest still fits behind it; and
 * as far for the outcomes, which come back in one frame too.
 */
const FORWARD_BYTES_MAX = limits.peerFrameBytesMax - limits.commandBytesMax - 1024 * 1024;

/** Frames of one process, and processes before their numbers come again: neither is ever reached. */
const FRAMES_PER_BOOT = 2 ** 36;
const BOOTS = 2 ** 17;

export class Outbound {
  /** Commands in each frame that went to a leader. */
  readonly frameCommands = Histogram.ofBatches();
  #waiting = new BoundedQueue<Submission>(
    { itemsMax: limits.forwardsMax, weightMax: limits.forwardBytesMax },
    (submission) => submission.command.length,
  );
  #flights = new Map<number, Flight>();
  #lastId: number;
  #inFlight = 0;
  #inFlightBytes = 0;

  /** `boot` counts the processes on this node's data directory. */
  constructor(boot: number) {
    this.#lastId = (boot % BOOTS) * FRAMES_PER_BOOT;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Commands whose fate is open, wherever they are. */
  get count(): number {
    return this.#waiting.length + this.#inFlight;
  }

  /** False, and nothing kept, when too many are waiting. */
  push(submission: Submission): boolean {
    const full = this.#inFlight + this.#waiting.length >= limits.forwardsMax ||
      this.#inFlightBytes + this.#waiting.weight >= limits.forwardBytesMax;
    return !full && this.#waiting.push(submission);
  }

  /** Takes everything that waits, to be proposed on this very node. */
  drain(): Submission[] {
    return this.#waiting.drain();
  }

  /** Puts back what turned out not to be proposable; it keeps waiting for a leader. */
  putBack(submissions: readonly Submission[], leader: NodeId | null): void {
    for (const submission of submissions) {
      if (!this.#waiting.push(submission)) submission.settle(err(failures.noLeader(leader)));
    }
  }

  /** Sends everything that waits to `leader`. */
  forward(leader: NodeId, nowMs: number, send: SendForward): void {
    while (this.#waiting.length > 0) {
      const submissions = this.#takeFrame();
      const id = ++this.#lastId;
      const commands = submissions.map(({ command }) => command);
      const deadlineAt = Math.max(...submissions.map((submission) => submission.deadlineAt));
      const deadlineMs = Math.max(1, Math.ceil(deadlineAt - nowMs));
      if (!send(leader, { id, deadlineMs, commands })) {
        this.putBack(submissions, leader);
        return;
      }
      this.#flights.set(id, { to: leader, submissions });
      this.frameCommands.observe(submissions.length);
      this.#inFlight += submissions.length;
      this.#inFlightBytes += bytesOf(submissions);
    }
  }

  /**
   * The leader's answers to the frame `id`. `refused`: some command found no leader there and waits
   * again; `stray`: nothing in flight was answered.
   */
  replied(
    from: NodeId,
    id: number,
    replies: readonly Uint8Array[],
  ): "settled" | "refused" | "stray" {
    const flight = this.#flights.get(id);
    if (flight?.to !== from || flight.submissions.length !== replies.length) return "stray";
    this.#land(id, flight);
    const again: Submission[] = [];
    flight.submissions.forEach((submission, position) => {
      const reply = decodeReply(replies[position] as Uint8Array);
      if (!reply.ok) submission.settle(err(failures.timedOut(from)));
      else if (reply.value === "notLeader") again.push(submission);
      else submission.settle(reply.value);
    });
    this.putBack(again, null);
    return again.length > 0 ? "refused" : "settled";
  }

  /** The link to `peer` broke: its answers to what it was sent can no longer be relied on. */
  disconnected(peer: NodeId): void {
    for (const [id, flight] of this.#flights) {
      if (flight.to !== peer) continue;
      this.#land(id, flight);
      settleAll(flight.submissions, failures.connectionLost(peer));
    }
  }

  expire(nowMs: number, leader: NodeId | null): void {
    const waiting = this.#waiting.drain();
    for (const submission of waiting) {
      if (submission.deadlineAt <= nowMs) submission.settle(err(failures.noLeader(leader)));
      else this.#waiting.push(submission);
    }
    for (const [id, flight] of this.#flights) {
      if (flight.submissions.some(({ deadlineAt }) => deadlineAt > nowMs)) continue;
      this.#land(id, flight);
      settleAll(flight.submissions, failures.timedOut(leader));
    }
  }

  /** Nothing more will leave: what waits never happened, what is in flight is unknown. */
  close(leader: NodeId | null): void {
    settleAll(this.#waiting.drain(), failures.stopping(leader));
    for (const [id, flight] of this.#flights) {
      this.#land(id, flight);
      settleAll(flight.submissions, failures.timedOut(leader));
    }
  }

  #takeFrame(): Submission[] {
    const submissions: Submission[] = [];
    let bytes = 0;
    let outcomeBytes = 0;
    while (this.#waiting.length > 0 && Math.max(bytes, outcomeBytes) < FORWARD_BYTES_MAX) {
      const submission = this.#waiting.shift() as Submission;
      bytes += submission.command.length;
      outcomeBytes += submission.outcomeBytesMax ?? 0;
      submissions.push(submission);
    }
    return submissions;
  }

  #land(id: number, flight: Flight): void {
    this.#flights.delete(id);
    this.#inFlight -= flight.submissions.length;
    this.#inFlightBytes -= bytesOf(flight.submissions);
  }
}

function bytesOf(submissions: readonly Submission[]): number {
  return submissions.reduce((sum, { command }) => sum + command.length, 0);
}

function settleAll(submissions: readonly Submission[], failure: Failure): void {
  for (const submission of submissions) submission.settle(err(failure));
}
