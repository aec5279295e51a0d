/**
 * Bytes of the messages between nodes. Positions, entries, memberships and snapshots are spelled
 * as `raft/codec.ts` says; texts have a u16 length, bytes a u32 length.
 */

import {
  assert,
  type ByteReader,
  type ByteWriter,
  decode,
  DecodeError,
  type Hash,
  type Result,
  unreachable,
} from "../base/mod.ts";
import {
  type Entry,
  type Message,
  readEntry,
  readPosition,
  readSnapshotRef,
  writeEntry,
  writePosition,
  writeSnapshotRef,
} from "../raft/mod.ts";
import { type Frame, writeFrame } from "./frame.ts";
import type { Ends, PeerMessage } from "./types.ts";

/** Kinds 1 to 9 belong to the handshake. */
const RAFT_KINDS = {
  voteRequest: 10,
  voteReply: 11,
  append: 12,
  accepted: 13,
  rejected: 14,
  heartbeat: 15,
  echo: 16,
  readRequest: 17,
  readReply: 18,
  timeoutNow: 19,
} as const;

const KINDS = {
  forward: 30,
  forwardReply: 31,
  snapshotChunk: 32,
  snapshotAck: 33,
  statusRequest: 34,
  statusReply: 35,
} as const;

/** Appends `message` as one frame. */
export function encodeMessage(writer: ByteWriter, hash: Hash, message: PeerMessage): void {
  if (message.kind !== "raft") {
    return writeFrame(writer, hash, KINDS[message.kind], (body) => writeOther(body, message));
  }
  const inner = message.message;
  // The bytes of a snapshot travel as chunks, whose last one stands for this message.
  assert(inner.kind !== "install", "an install message travels as chunks");
  writeFrame(writer, hash, RAFT_KINDS[inner.kind], (body) => writeRaft(body, inner));
}

/** Bytes views in the result share the frame's body. */
export function decodeMessage(frame: Frame, ends: Ends): Result<PeerMessage, string> {
  return decode(frame.body, (reader) => readMessage(frame.kind, reader, ends));
}

/** About how many bytes the message takes, in a queue and as a frame; rather more than less. */
export function messageBytes(message: PeerMessage): number {
  switch (message.kind) {
    case "raft":
      return 64 + (message.message.kind === "append" ? entriesBytes(message.message.entries) : 0);
    case "forward":
      return 64 + sumBytes(message.commands);
    case "forwardReply":
      return 64 + sumBytes(message.replies);
    case "snapshotChunk":
      return 256 + message.bytes.length;
    case "statusReply":
      return 64 + message.status.length;
    default:
      return 64;
  }
}

// --- Raft ---------------------------------------------------------------------------------------

type Travelling = Exclude<Message, { kind: "install" }>;

function writeRaft(body: ByteWriter, message: Travelling): void {
  body.u64(message.term);
  switch (message.kind) {
    case "voteRequest":
      body.u8(message.pre ? 1 : 0).u8(message.transfer ? 1 : 0);
      return writePosition(body, message.last);
    case "voteReply":
      body.u8(message.pre ? 1 : 0).u8(message.granted ? 1 : 0);
      return;
    case "append":
      writePosition(body, message.previous);
      body.u64(message.commit).u32(message.entries.length);
      for (const entry of message.entries) writeEntry(body, entry);
      return;
    case "accepted":
      body.u64(message.matched);
      return;
    case "rejected":
      body.u64(message.previous);
      return writePosition(body, message.hint);
    case "heartbeat":
      body.u64(message.commit).u64(message.round);
      return;
    case "echo":
      body.u64(message.round);
      return;
    case "readRequest":
      body.u64(message.attempt);
      return;
    case "readReply":
      body.u64(message.attempt).u64(message.index);
      return;
    case "timeoutNow":
      return;
    default:
      return unreachable(message);
  }
}

function readRaft(kind: number, reader: ByteReader, ends: Ends): Message | null {
  const head = { from: ends.from, to: ends.to };
  const term = () => reader.u64();
  switch (kind) {
    case RAFT_KINDS.voteRequest:
      return {
        kind: "voteRequest",
        ...head,
        term: term(),
        pre: readFlag(reader),
        transfer: readFlag(reader),
        last: readPosition(reader),
      };
    case RAFT_KINDS.voteReply:
      return {
        kind: "voteReply",
        ...head,
        term: term(),
        pre: readFlag(reader),
        granted: readFlag(reader),
      };
    case RAFT_KINDS.append:
      return {
        kind: "append",
        ...head,
        term: term(),
        previous: readPosition(reader),
        commit: reader.u64(),
        entries: readMany(reader, readEntry),
      };
    case RAFT_KINDS.accepted:
      return { kind: "accepted", ...head, term: term(), matched: reader.u64() };
    case RAFT_KINDS.rejected:
      return {
        kind: "rejected",
        ...head,
        term: term(),
        previous: reader.u64(),
        hint: readPosition(reader),
      };
    case RAFT_KINDS.heartbeat:
      return {
        kind: "heartbeat",
        ...head,
        term: term(),
        commit: reader.u64(),
        round: reader.u64(),
      };
    case RAFT_KINDS.echo:
      return { kind: "echo", ...head, term: term(), round: reader.u64() };
    case RAFT_KINDS.readRequest:
      return { kind: "readRequest", ...head, term: term(), attempt: reader.u64() };
    case RAFT_KINDS.readReply:
      return {
        kind: "readReply",
        ...head,
        term: term(),
        attempt: reader.u64(),
        index: reader.u64(),
      };
    case RAFT_KINDS.timeoutNow:
      return { kind: "timeoutNow", ...head, term: term() };
    default:
      return null;
  }
}

// --- The rest -----------------------------------------------------------------------------------

function writeOther(body: ByteWriter, message: Exclude<PeerMessage, { kind: "raft" }>): void {
  switch (message.kind) {
    case "forward":
      body.u64(message.id).u32(message.deadlineMs);
      return writeMany(body, message.commands);
    case "forwardReply":
      body.u64(message.id);
      return writeMany(body, message.replies);
    case "snapshotChunk":
      body.u64(message.term);
      writeSnapshotRef(body, message.snapshot);
      body.u64(message.sizeBytes).u64(message.offset).u64(message.attempt).bytes(message.bytes);
      return;
    case "snapshotAck":
      body.u64(message.term);
      writePosition(body, message.position);
      body.u64(message.offset).u64(message.attempt).u8(message.done ? 1 : 0);
      body.text(message.refused ?? "");
      return;
    case "statusRequest":
      body.u64(message.id);
      return;
    case "statusReply":
      body.u64(message.id).bytes(message.status);
      return;
    default:
      return unreachable(message);
  }
}

function readMessage(kind: number, reader: ByteReader, ends: Ends): PeerMessage {
  const message = readRaft(kind, reader, ends);
  if (message !== null) return { kind: "raft", message };
  switch (kind) {
    case KINDS.forward:
      return {
        kind: "forward",
        id: reader.u64(),
        deadlineMs: reader.u32(),
        commands: readMany(reader, (reader) => reader.bytes()),
      };
    case KINDS.forwardReply:
      return {
        kind: "forwardReply",
        id: reader.u64(),
        replies: readMany(reader, (reader) => reader.bytes()),
      };
    case KINDS.snapshotChunk:
      return {
        kind: "snapshotChunk",
        term: reader.u64(),
        snapshot: readSnapshotRef(reader),
        sizeBytes: reader.u64(),
        offset: reader.u64(),
        attempt: reader.u64(),
        bytes: reader.bytes(),
      };
    case KINDS.snapshotAck:
      return readSnapshotAck(reader);
    case KINDS.statusRequest:
      return { kind: "statusRequest", id: reader.u64() };
    case KINDS.statusReply:
      return { kind: "statusReply", id: reader.u64(), status: reader.bytes() };
    default:
      throw new DecodeError(`unknown message kind ${kind}`);
  }
}

function readSnapshotAck(reader: ByteReader): PeerMessage {
  const term = reader.u64();
  const position = readPosition(reader);
  const offset = reader.u64();
  const attempt = reader.u64();
  const done = readFlag(reader);
  const refused = reader.text();
  const ack = { kind: "snapshotAck", term, position, offset, attempt, done } as const;
  return refused === "" ? ack : { ...ack, refused };
}

function writeMany(body: ByteWriter, many: readonly Uint8Array[]): void {
  body.u32(many.length);
  for (const one of many) body.bytes(one);
}

/** Every item takes at least four bytes, so a count that claims more is refused before its loop. */
function readMany<T>(reader: ByteReader, read: (reader: ByteReader) => T): T[] {
  const count = reader.u32();
  if (count * 4 > reader.remaining) throw new DecodeError(`${count} items claimed`);
  const items: T[] = [];
  for (let left = count; left > 0; left--) items.push(read(reader));
  return items;
}

function readFlag(reader: ByteReader): boolean {
  return reader.tag([0, 1], "flag") === 1;
}

function entriesBytes(entries: readonly Entry[]): number {
  return sumBytes(entries.map((entry) => entry.payload)) + 21 * entries.length;
}

function sumBytes(many: readonly Uint8Array[]): number {
  return many.reduce((sum, one) => sum + 4 + one.length, 0);
}
