/**
 * Whether a message can be acted on at all. Codecs bound sizes; this bounds meaning.
 */

import type { Append, Index, Message, NodeId } from "./types.ts";

export function isWellFormed(message: Message, self: NodeId): boolean {
  if (message.to !== self || message.from === self) return false;
  if (!isCount(message.term) || message.term === 0) return false;
  switch (message.kind) {
    case "append":
      return isAppendWellFormed(message);
    case "accepted":
      return isCount(message.matched);
    case "rejected":
      return isCount(message.previous) && message.hint.index <= message.previous;
    case "heartbeat":
      return isCount(message.commit) && isCount(message.round);
    case "install":
      return message.snapshot.position.index > 0 &&
        message.snapshot.position.term <= message.term;
    default:
      return true;
  }
}

/** Entries follow `previous` without a gap, in terms that never decrease and never pass its own. */
function isAppendWellFormed({ term, previous, commit, entries }: Append): boolean {
  if (!isCount(commit) || !isCount(previous.index)) return false;
  let last = previous;
  for (const entry of entries) {
    if (entry.index !== last.index + 1 || entry.term < last.term) return false;
    last = entry;
  }
  return last.term <= term;
}

function isCount(value: Index): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
