/**
 * Bytes of commands and outcomes. A command is written once, by the node that took the request,
 * and then travels as it is: over links, into the logs, into every state machine.
 *
 * ```
 * command   version u8 (1), time u64 (ms since 1970; 0 until the leader stamps it),
 *           checks: count u16, then kind u8 (1 revision, 2 exists), key, [revision u64]
 *           mutations: count u16, then kind u8 (1 put, 2 delete), key, [content type u16+, value]
 * outcome   kind u8 (1 applied), revision u64, existed: count u16, u8 each
 *           kind u8 (2 check failed), check u16, revision u64
 * ```
 *
 * Keys and values are preceded by their length (u32).
 */

import {
  assert,
  type ByteReader,
  ByteWriter,
  decode,
  DecodeError,
  err,
  limits,
  type Result,
} from "../base/mod.ts";
import type { Check, Command, Mutation, Outcome } from "./types.ts";

const VERSION = 1;
const TIME_OFFSET = 1;
const TEXT_LENGTH_BYTES = 2;

/** A command with the time at which its leader put it into the log. */
export type StampedCommand = Command & { readonly timeMs: number };

export function encodeCommand(command: Command): Uint8Array {
  const { checks, mutations } = command;
  assert(checks.length + mutations.length <= limits.operationsPerCommandMax, "few operations");
  const writer = new ByteWriter(64 + sizeOf(mutations)).u8(VERSION).u64(0);
  writer.u16(checks.length);
  for (const check of checks) {
    if (check.kind === "revision") writer.u8(1).bytes(check.key).u64(check.revision);
    else writer.u8(2).bytes(check.key);
  }
  writer.u16(mutations.length);
  for (const mutation of mutations) {
    if (mutation.kind === "put") {
      writer.u8(1).bytes(mutation.key).text(mutation.contentType).bytes(mutation.value);
    } else {
      writer.u8(2).bytes(mutation.key);
    }
  }
  assert(writer.length <= limits.commandBytesMax, "a command that fits into a frame");
  return writer.finish();
}

/** Keys and values are views of the input. */
export function decodeCommand(bytes: Uint8Array): Result<StampedCommand, string> {
  if (bytes.length > limits.commandBytesMax) return err(`command of ${bytes.length} bytes`);
  return decode(bytes, readCommand);
}

/** Writes the leader's time into an encoded command, in place. */
export function stampCommand(command: Uint8Array, timeMs: number): void {
  assert(command.length > TIME_OFFSET + 8 && timeMs >= 0, "a stamp goes into an encoded command");
  const view = new DataView(command.buffer, command.byteOffset, command.length);
  view.setUint32(TIME_OFFSET, timeMs % 2 ** 32, true);
  view.setUint32(TIME_OFFSET + 4, Math.floor(timeMs / 2 ** 32), true);
}

export function encodeOutcome(outcome: Outcome): Uint8Array {
  const writer = new ByteWriter(32);
  if (outcome.kind === "checkFailed") {
    return writer.u8(2).u16(outcome.check).u64(outcome.revision).finish();
  }
  writer.u8(1).u64(outcome.revision).u16(outcome.existed.length);
  for (const existed of outcome.existed) writer.u8(existed ? 1 : 0);
  return writer.finish();
}

export function decodeOutcome(bytes: Uint8Array): Result<Outcome, string> {
  return decode<Outcome>(bytes, (reader) => {
    if (reader.tag([1, 2], "outcome") === 2) {
      return { kind: "checkFailed", check: reader.u16(), revision: reader.u64() };
    }
    const revision = reader.u64();
    const existed: boolean[] = [];
    for (let left = reader.u16(); left > 0; left--) {
      existed.push(reader.tag([0, 1], "boolean") === 1);
    }
    return { kind: "applied", revision, existed };
  });
}

function readCommand(reader: ByteReader): StampedCommand {
  reader.tag([VERSION], "command version");
  const timeMs = reader.u64();
  const checks: Check[] = [];
  for (let left = readCount(reader, 0); left > 0; left--) checks.push(readCheck(reader));
  const mutations: Mutation[] = [];
  for (let left = readCount(reader, checks.length); left > 0; left--) {
    mutations.push(readMutation(reader));
  }
  return { timeMs, checks, mutations };
}

function readCheck(reader: ByteReader): Check {
  const kind = reader.tag([1, 2], "check kind");
  const key = readKey(reader);
  return kind === 1 ? { kind: "revision", key, revision: reader.u64() } : { kind: "exists", key };
}

function readMutation(reader: ByteReader): Mutation {
  const kind = reader.tag([1, 2], "mutation kind");
  const key = readKey(reader);
  if (kind === 2) return { kind: "delete", key };
  const before = reader.offset;
  const contentType = reader.text();
  if (reader.offset - before > TEXT_LENGTH_BYTES + limits.contentTypeBytesMax) {
    throw new DecodeError("long content type");
  }
  const value = reader.bytes();
  if (value.length > limits.valueBytesCeiling) throw new DecodeError("long value");
  return { kind: "put", key, contentType, value };
}

function readKey(reader: ByteReader): Uint8Array {
  const key = reader.bytes();
  if (key.length === 0 || key.length > limits.keyBytesMax) {
    throw new DecodeError(`key of ${key.length} bytes`);
  }
  return key;
}

function readCount(reader: ByteReader, already: number): number {
  const count = reader.u16();
  if (already + count > limits.operationsPerCommandMax) {
    throw new DecodeError("too many operations");
  }
  return count;
}

function sizeOf(mutations: readonly Mutation[]): number {
  let size = 0;
  for (const mutation of mutations) {
    size += 16 + mutation.key.length;
    if (mutation.kind === "put") size += mutation.value.length + mutation.contentType.length;
  }
  return size;
}
