/** Messages that no node sent, at least not now: how scripts show what a node does with them. */

import { type Message, type NodeId, ORIGIN } from "../../../src/raft/mod.ts";
import {
  MESSAGE_KINDS,
  parseEntries,
  parseMembership,
  parsePosition,
  type Words,
} from "./words.ts";

/** `forge n1 n2 append term=3 previous=5@2 entries=3,3 commit=5`. */
export function forgeMessage(words: Words): Message {
  const [from, to, name] = [words.next(), words.next(), words.next()];
  const kind = MESSAGE_KINDS.find((known) => known === name);
  if (kind === undefined) throw new Error(`no kind of message: ${name}`);
  const message = withContent(kind, { from, to, term: words.number("term") }, words);
  words.end();
  return message;
}

type Envelope = { from: NodeId; to: NodeId; term: number };

function withContent(kind: Message["kind"], envelope: Envelope, words: Words): Message {
  switch (kind) {
    case "voteRequest": {
      const last = parsePosition(words.text("last"));
      const [pre, transfer] = [words.number("pre", 0) === 1, words.number("transfer", 0) === 1];
      return { kind, ...envelope, pre, transfer, last };
    }
    case "voteReply": {
      const [pre, granted] = [words.number("pre", 0) === 1, words.number("granted") === 1];
      return { kind, ...envelope, pre, granted };
    }
    case "append": {
      const given = words.option("previous");
      const previous = given === undefined ? ORIGIN : parsePosition(given);
      const entries = parseEntries(words.option("entries") ?? "", previous);
      return { kind, ...envelope, previous, entries, commit: words.number("commit", 0) };
    }
    case "accepted":
      return { kind, ...envelope, matched: words.number("matched") };
    case "rejected": {
      const hint = parsePosition(words.text("hint"));
      return { kind, ...envelope, previous: words.number("previous"), hint };
    }
    case "heartbeat": {
      const [commit, round] = [words.number("commit", 0), words.number("round", 0)];
      return { kind, ...envelope, commit, round };
    }
    case "echo":
      return { kind, ...envelope, round: words.number("round", 0) };
    case "readRequest":
      return { kind, ...envelope, attempt: words.number("attempt") };
    case "readReply": {
      const [attempt, index] = [words.number("attempt"), words.number("index")];
      return { kind, ...envelope, attempt, index };
    }
    case "install": {
      const position = parsePosition(words.text("at"));
      const membership = parseMembership(words.text("members"));
      return { kind, ...envelope, snapshot: { position, membership } };
    }
    case "timeoutNow":
      return { kind, ...envelope };
  }
}
