/**
 * What the leader answers to one forwarded command:
 *
 * ```
 * u8 tag   0 outcome (as kv encodes it)
 *          1 failure: code, effect, reason, leader as texts (u16 length each)
 *          2 not the leader: nothing was done, try whoever leads now
 * ```
 */

import {
  type ByteReader,
  ByteWriter,
  decode,
  DecodeError,
  err,
  ok,
  type Result,
} from "../base/mod.ts";
import { decodeOutcome, type Outcome, writeOutcome } from "../kv/mod.ts";
import type { Failure, FailureCode } from "./types.ts";

export type Reply = Result<Outcome, Failure> | "notLeader";

const CODES: readonly FailureCode[] = [
  "noLeader",
  "overloaded",
  "timeout",
  "leaderChanged",
  "diskFull",
  "stopping",
];

/** Views of one buffer: one for each would cost more than what it holds. */
export function encodeReplies(replies: readonly Reply[]): Uint8Array[] {
  const writer = new ByteWriter(32 * replies.length);
  const ends = replies.map((reply) => writeReply(writer, reply).length);
  const bytes = writer.finish();
  return ends.map((end, at) => bytes.subarray(at === 0 ? 0 : ends[at - 1], end));
}

function writeReply(writer: ByteWriter, reply: Reply): ByteWriter {
  if (reply === "notLeader") return writer.u8(2);
  if (reply.ok) return writeOutcome(writer.u8(0), reply.value);
  const { code, effect, reason, leader } = reply.error;
  return writer.u8(1).text(code).text(effect).text(reason).text(leader ?? "");
}

export function decodeReply(bytes: Uint8Array): Result<Reply, string> {
  if (bytes[0] === 0) {
    const outcome = decodeOutcome(bytes.subarray(1));
    return outcome.ok ? ok(ok(outcome.value)) : outcome;
  }
  return decode<Reply>(bytes, (reader) => {
    if (reader.tag([1, 2], "reply") === 2) return "notLeader";
    return err(readFailure(reader));
  });
}

function readFailure(reader: ByteReader): Failure {
  const text = reader.text();
  const code = CODES.find((code) => code === text);
  const effect = reader.text() === "none" ? "none" : "unknown";
  if (code === undefined) throw new DecodeError("unknown failure code");
  return { code, effect, reason: reader.text(), leader: reader.text() || null };
}
