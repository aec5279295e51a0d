/**
 * Commands that other nodes forwarded to this one, as the leader: checked, proposed, and answered
 * in one frame per frame, once the last of them is settled.
 */

import { err, type Result } from "../base/mod.ts";
import { decodeCommand, type Outcome } from "../kv/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import { encodeReplies, type Reply } from "./reply.ts";
import type { Submission } from "./submission.ts";
import type { Failure } from "./types.ts";

export type Forward = {
  readonly id: number;
  readonly deadlineMs: number;
  readonly commands: readonly Uint8Array[];
};

export type SendReplies = (to: NodeId, id: number, replies: Uint8Array[]) => void;

/**
 * Proposes the commands of one frame and sends its answers. `propose` returns false when this node
 * does not lead, and then settles nothing.
 */
export function acceptForward(
  from: NodeId,
  forward: Forward,
  nowMs: number,
  propose: (submissions: readonly Submission[]) => Reply | "proposed",
  send: SendReplies,
): void {
  const { id, commands } = forward;
  const replies: Reply[] = new Array(commands.length);
  let open = commands.length;
  const settle = (position: number, reply: Reply) => {
    replies[position] = reply;
    if (--open === 0) send(from, id, encodeReplies(replies));
  };
  const submissions: Submission[] = [];
  commands.forEach((command, position) => {
    // Every node would have to apply it, so what this node cannot read must not reach the log.
    const readable = decodeCommand(command);
    if (!readable.ok) return settle(position, unreadable(readable.error));
    submissions.push({
      command,
      deadlineAt: nowMs + forward.deadlineMs,
      settle: (result) => settle(position, result),
    });
  });
  if (submissions.length === 0) return;
  const answer = propose(submissions);
  if (answer === "proposed") return;
  commands.forEach((_, position) => {
    if (replies[position] === undefined) settle(position, answer);
  });
}

function unreadable(reason: string): Result<Outcome, Failure> {
  return err({
    code: "leaderChanged",
    effect: "none",
    reason: `the leader cannot read the forwarded command: ${reason}`,
    leader: null,
  });
}
