/**
 * Bytes of commands and outcomes. A command is written once, by the node that took the request,
 * and then travels as it is: over links, into the logs, into every state machine.
 *
 * ```
 * command   plain, or kind u8 (16), time u64, name of the request, plain with a time of 0
 * plain     version u8 (1), time u64 (ms since 1970; 0 until the leader stamps it),
 *           checks: count u16, then kind u8 and
 *             1 revision       key, revision u64
 *             2 exists         key
 *             32 record        of u8 (1 token, 2 policy), name, revision u64
 *           mutations: count u16, then kind u8 and
 *             1 put            key, content type, value
 *             2 delete         key
 *             32 set record    of u8, name, body
 *             33 delete record of u8, name
 * outcome   kind u8 (1 applied), revision u64, existed: count u16, u8 each
 *           kind u8 (2 check failed), check u16, revision u64
 *           kind u8 (16 repeated), outcome of the first time
 *           kind u8 (17 request reused)
 *           kind u8 (32 records full)
 * ```
 *
 * Keys, values and bodies are preceded by their length as u32, content types and names as u16.
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
import { readRecordBody, readRecordName, writeRecordName } from "./records.ts";
import { readRequestName, writeRequestName } from "./requests.ts";
import type { Check, Command, FirstOutcome, Mutation, Outcome } from "./types.ts";

const VERSION = 1;
const NAMED = 16;
const TIME_OFFSET = 1;
const TEXT_LENGTH_BYTES = 2;

/** A command with the time at which its leader put it into the log. */
export type StampedCommand = Command & {
  readonly timeMs: number;
  /** Of a named request: the bytes that tell it from another. A view. */
  readonly plain?: Uint8Array;
};

export function encodeCommand(command: Command): Uint8Array {
  const { checks, mutations, request } = command;
  assert(checks.length + mutations.length <= limits.operationsPerCommandMax, "few operations");
  const writer = new ByteWriter(64 + sizeOf(mutations));
  if (request !== undefined) writeRequestName(writer.u8(NAMED).u64(0), request);
  writer.u8(VERSION).u64(0);
  writer.u16(checks.length);
  for (const check of checks) writeCheck(writer, check);
  writer.u16(mutations.length);
  for (const mutation of mutations) writeMutation(writer, mutation);
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

function writeCheck(writer: ByteWriter, check: Check): void {
  switch (check.kind) {
    case "revision":
      return void writer.u8(1).bytes(check.key).u64(check.revision);
    case "exists":
      return void writer.u8(2).bytes(check.key);
    case "record":
      writeRecordName(writer.u8(32), check);
      writer.u64(check.revision);
  }
}

function writeMutation(writer: ByteWriter, mutation: Mutation): void {
  switch (mutation.kind) {
    case "put":
      writer.u8(1).bytes(mutation.key).text(mutation.contentType).bytes(mutation.value);
      return;
    case "delete":
      return void writer.u8(2).bytes(mutation.key);
    case "setRecord":
      writeRecordName(writer.u8(32), mutation);
      return void writer.bytes(mutation.body);
    case "deleteRecord":
      return writeRecordName(writer.u8(33), mutation);
  }
}

export function encodeOutcome(outcome: Outcome): Uint8Array {
  return writeOutcome(new ByteWriter(32), outcome).finish();
}

function writeOutcome(writer: ByteWriter, outcome: Outcome): ByteWriter {
  switch (outcome.kind) {
    case "applied":
      writer.u8(1).u64(outcome.revision).u16(outcome.existed.length);
      for (const existed of outcome.existed) writer.u8(existed ? 1 : 0);
      return writer;
    case "checkFailed":
      return writer.u8(2).u16(outcome.check).u64(outcome.revision);
    case "repeated":
      return writeOutcome(writer.u8(16), outcome.first);
    case "requestReused":
      return writer.u8(17);
    case "recordsFull":
      return writer.u8(32);
  }
}

export function decodeOutcome(bytes: Uint8Array): Result<Outcome, string> {
  return decode<Outcome>(bytes, (reader) => {
    const kind = reader.tag([1, 2, 16, 17, 32], "outcome");
    if (kind === 17) return { kind: "requestReused" };
    if (kind !== 16) return readFirstOutcome(reader, kind);
    const first = readFirstOutcome(reader, reader.tag([1, 2, 32], "first outcome"));
    return { kind: "repeated", first };
  });
}

/** Of a request that did not repeat another. */
export function decodeFirstOutcome(bytes: Uint8Array): Result<FirstOutcome, string> {
  return decode<FirstOutcome>(bytes, (reader) => {
    return readFirstOutcome(reader, reader.tag([1, 2, 32], "first outcome"));
  });
}

function readFirstOutcome(reader: ByteReader, kind: number): FirstOutcome {
  if (kind === 32) return { kind: "recordsFull" };
  if (kind === 2) {
    return { kind: "checkFailed", check: reader.u16(), revision: reader.u64() };
  }
  const revision = reader.u64();
  const existed: boolean[] = [];
  for (let left = reader.u16(); left > 0; left--) {
    existed.push(reader.tag([0, 1], "boolean") === 1);
  }
  return { kind: "applied", revision, existed };
}

function readCommand(reader: ByteReader): StampedCommand {
  const kind = reader.tag([VERSION, NAMED], "command");
  const timeMs = reader.u64();
  if (kind === VERSION) return { timeMs, ...readPlain(reader) };
  const request = readRequestName(reader);
  const plain = reader.ahead;
  reader.tag([VERSION], "command version");
  if (reader.u64() !== 0) throw new DecodeError("a second time");
  return { timeMs, request, plain, ...readPlain(reader) };
}

function readPlain(reader: ByteReader): Command {
  const checks: Check[] = [];
  for (let left = readCount(reader, 0); left > 0; left--) checks.push(readCheck(reader));
  const mutations: Mutation[] = [];
  for (let left = readCount(reader, checks.length); left > 0; left--) {
    mutations.push(readMutation(reader));
  }
  return { checks, mutations };
}

function readCheck(reader: ByteReader): Check {
  const kind = reader.tag([1, 2, 32], "check kind");
  if (kind === 32) return { kind: "record", ...readRecordName(reader), revision: reader.u64() };
  const key = readKey(reader);
  return kind === 1 ? { kind: "revision", key, revision: reader.u64() } : { kind: "exists", key };
}

function readMutation(reader: ByteReader): Mutation {
  const kind = reader.tag([1, 2, 32, 33], "mutation kind");
  if (kind === 33) return { kind: "deleteRecord", ...readRecordName(reader) };
  if (kind === 32) {
    return { kind: "setRecord", ...readRecordName(reader), body: readRecordBody(reader) };
  }
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
    size += 16;
    if ("key" in mutation) size += mutation.key.length;
    if (mutation.kind === "put") size += mutation.value.length + mutation.contentType.length;
    if (mutation.kind === "setRecord") size += mutation.name.length + mutation.body.length;
  }
  return size;
}
