/** What a message claims must be true, and durable where it says so, when it leaves. */

import { limits } from "../../../src/base/mod.ts";
import type { Accepted, Append, Message } from "../../../src/raft/mod.ts";
import { entryBytes } from "../../../src/raft/log.ts";
import type { Node } from "./node.ts";
import { showMessage } from "./notation.ts";
import { check, type Oracle } from "./oracle.ts";

export function checkClaims(
  oracle: Oracle,
  nodes: ReadonlyMap<string, Node>,
  node: Node,
  message: Message,
): void {
  const { term, commit } = node.raft!.status;
  const wrong = (why: string) => (): string => `${why}: ${showMessage(message)}`;
  check(message.from === node.id && message.to !== node.id, wrong("misdirected"));
  const isPreVote = (message.kind === "voteRequest" && message.pre) ||
    (message.kind === "voteReply" && message.pre && message.granted);
  check(isPreVote || message.term <= term, wrong("from the future"));
  const { hard } = node.disk.durable;
  switch (message.kind) {
    case "voteRequest":
      if (message.pre) return;
      checkVote(node.id);
      return;
    case "voteReply":
      if (message.pre || !message.granted) return;
      checkVote(message.to);
      return;
    case "accepted":
      check(isDurable(nodes, node, message), wrong("not durable"));
      return;
    case "append":
      checkAppend(oracle, node, message);
      return;
    case "heartbeat":
      check(message.commit <= commit, wrong("commit from the future"));
      return;
    case "install":
      oracle.checkSnapshot(node, message.snapshot.position, message.snapshot.membership);
  }

  function checkVote(candidate: string): void {
    const isStored = hard.term > message.term ||
      (hard.term === message.term && hard.vote === candidate);
    check(isStored, wrong("vote not durable"));
    oracle.voted(node.id, message.term, candidate);
  }
}

function isDurable(nodes: ReadonlyMap<string, Node>, node: Node, message: Accepted): boolean {
  const { durable } = node.disk;
  if (durable.hard.term !== message.term) return durable.hard.term > message.term;
  if (durable.last.index < message.matched) return false;
  const leader = nodes.get(message.to);
  if (leader?.status?.role !== "leader" || leader.status.term !== message.term) return true;
  const term = leader.raft!.termAt(message.matched);
  return term === undefined || durable.holds(message.matched, term);
}

function checkAppend(oracle: Oracle, node: Node, message: Append): void {
  const { raft } = node;
  const { previous, entries, commit } = message;
  const wrong = (why: string) => (): string => `${why}: ${showMessage(message)}`;
  check(commit <= raft!.status.commit, wrong("commit from the future"));
  // What a leader said before it lost its office, in the same turn, may leave after its log changed.
  const isCurrent = message.term === raft!.status.term;
  const known = isCurrent ? raft!.termAt(previous.index) : undefined;
  check(known === undefined || known === previous.term, wrong("previous not in the log"));
  const bytes = entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
  check(
    entries.length <= limits.appendEntriesMax &&
      (entries.length <= 1 || bytes <= limits.appendBytesMax),
    wrong("too large"),
  );
  if (entries.length === 0) return;
  const before = node.unanswered.get(message.to) ?? { count: 0, bytes: 0 };
  const now = { count: before.count + 1, bytes: before.bytes + bytes };
  node.unanswered.set(message.to, now);
  oracle.withinFlight(node, message.to, now.count, now.bytes);
}
