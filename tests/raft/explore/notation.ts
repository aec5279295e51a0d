/** Traces in the project's notation: `n1@3` is node n1 in term 3, `5@2` is index 5 of term 2. */

import type { Entry, Membership, Message, Position, Write } from "../../../src/raft/mod.ts";
import { memberIds } from "../../../src/raft/mod.ts";

export function at({ index, term }: Position): string {
  return `${index}@${term}`;
}

export function showEntries(entries: readonly Entry[]): string {
  return entries.map((entry) => at(entry) + (entry.kind === "command" ? "" : ` ${entry.kind}`))
    .join(", ");
}

export function showMembership({ voters, learners }: Membership): string {
  const ids = memberIds({ voters, learners: [] }).join(" ");
  return learners.length === 0
    ? `{${ids}}`
    : `{${ids}; learners ${memberIds({ voters: [], learners }).join(" ")}}`;
}

export function showMessage(message: Message): string {
  return `${message.from}@${message.term} → ${message.to} ${message.kind} ${details(message)}`;
}

function details(message: Message): string {
  switch (message.kind) {
    case "voteRequest":
      return `${message.pre ? "pre " : ""}${message.transfer ? "transfer " : ""}last ${
        at(message.last)
      }`;
    case "voteReply":
      return `${message.pre ? "pre " : ""}${message.granted ? "granted" : "refused"}`;
    case "append":
      return `after ${at(message.previous)} [${
        showEntries(message.entries)
      }] commit ${message.commit}`;
    case "accepted":
      return `matched ${message.matched}`;
    case "rejected":
      return `previous ${message.previous} hint ${at(message.hint)}`;
    case "heartbeat":
      return `commit ${message.commit} round ${message.round}`;
    case "echo":
      return `round ${message.round}`;
    case "readRequest":
      return `attempt ${message.attempt % 2 ** 20}`;
    case "readReply":
      return `attempt ${message.attempt % 2 ** 20} index ${message.index}`;
    case "install":
      return `${at(message.snapshot.position)} ${showMembership(message.snapshot.membership)}`;
    case "timeoutNow":
      return "";
  }
}

export function showWrite({ id, hard, truncateFrom, snapshot, entries, thenSend }: Write): string {
  const parts = [`write ${id}:`];
  if (hard) parts.push(`hard ${hard.term} ${hard.vote} ${hard.commit}`);
  if (truncateFrom !== undefined) parts.push(`truncate ${truncateFrom}`);
  if (snapshot) parts.push(`mark ${at(snapshot.position)}`);
  parts.push(`[${showEntries(entries)}]`);
  if (thenSend.length > 0) parts.push(`then ${thenSend.map(({ kind }) => kind).join(" ")}`);
  return parts.join(" ");
}
