/**
 * How transcripts spell things: `n1@3` is node n1 in term 3, `5@2` is index 5 of term 2,
 * `{n1 n2 | n3}` is a membership of two voters and a learner.
 */

import { decodeMembership, type Entry, type Membership } from "../../../src/raft/mod.ts";
import type { Member, Message, NodeId, Position, Term, Write } from "../../../src/raft/mod.ts";

/** Longer runs of entries are shown by their ends. */
const ENTRIES_SHOWN_MAX = 8;

export function showPosition({ index, term }: Position): string {
  return `${index}@${term}`;
}

export function showMembership({ voters, learners }: Membership): string {
  const list = (members: readonly Member[]): string => members.map(showMember).join(" ");
  return `{${list(voters)}${learners.length > 0 ? ` | ${list(learners)}` : ""}}`;
}

function showMember({ id, directory }: Member): string {
  return directory === "" ? id : `${id}/${directory}`;
}

export function showEntry(entry: Entry): string {
  return `${showPosition(entry)} ${showPayload(entry)}`;
}

function showPayload({ kind, payload }: Entry): string {
  if (kind === "noop") return "noop";
  if (kind === "command") return new TextDecoder().decode(payload);
  const membership = decodeMembership(payload);
  return membership.ok ? showMembership(membership.value) : "damaged membership";
}

export function showEntries(entries: readonly Entry[]): string {
  if (entries.length <= ENTRIES_SHOWN_MAX) return entries.map(showEntry).join(", ");
  return `${showEntry(entries[0] as Entry)} … ${showEntry(entries.at(-1) as Entry)}`;
}

/** `attempts` are too large to read, so a script numbers them per node. */
export type AttemptNames = (node: NodeId, attempt: number) => string;

/** `senderTerm` is not `message.term` in pre-votes, which carry the term asked for. */
export function showSent(message: Message, senderTerm: Term, attempts: AttemptNames): string {
  return `${message.from}@${senderTerm} → ${message.to} ${showContent(message, attempts)}`;
}

/** Entries are told where they are sent; their delivery only counts them. */
export function showDelivered(message: Message, senderTerm: Term, attempts: AttemptNames): string {
  const content = message.kind === "append"
    ? `append ${showPosition(message.previous)} +${message.entries.length} commit ${message.commit}`
    : showContent(message, attempts);
  return `${message.to} ← ${message.from}@${senderTerm} ${content}`;
}

function showContent(message: Message, attempts: AttemptNames): string {
  switch (message.kind) {
    case "voteRequest": {
      const ask = message.pre ? `pre-vote for term ${message.term}` : "vote";
      const order = message.transfer ? " on the leader's order" : "";
      return `${ask}? last ${showPosition(message.last)}${order}`;
    }
    case "voteReply": {
      const ask = message.pre ? "pre-vote" : "vote";
      const term = message.pre && message.granted ? ` for term ${message.term}` : "";
      return `${ask}${term} ${message.granted ? "granted" : "refused"}`;
    }
    case "append": {
      const { previous, entries, commit } = message;
      return `append ${showPosition(previous)} [${showEntries(entries)}] commit ${commit}`;
    }
    case "accepted":
      return `accepted ${message.matched}`;
    case "rejected":
      return `rejected ${message.previous}, try ${showPosition(message.hint)}`;
    case "heartbeat":
      return `heartbeat commit ${message.commit} round ${message.round}`;
    case "echo":
      return `echo round ${message.round}`;
    case "readRequest":
      return `read? ${attempts(message.from, message.attempt)}`;
    case "readReply":
      return `read ${attempts(message.to, message.attempt)} at ${message.index}`;
    case "install": {
      const { position, membership } = message.snapshot;
      return `install ${showPosition(position)} ${showMembership(membership)}`;
    }
    case "timeoutNow":
      return "campaign now";
  }
}

export function showWrite({ id, hard, truncateFrom, snapshot, entries }: Write): string {
  const parts: string[] = [];
  if (hard) parts.push(`term ${hard.term} vote ${hard.vote ?? "none"}`);
  if (truncateFrom !== undefined) parts.push(`truncate from ${truncateFrom}`);
  if (snapshot) parts.push(`mark ${showPosition(snapshot.position)}`);
  if (entries.length > 0) parts.push(`[${showEntries(entries)}]`);
  return `#${id} ${parts.length > 0 ? parts.join(", ") : "nothing new"}`;
}
