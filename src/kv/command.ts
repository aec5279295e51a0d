/**
 * Bytes of commands and outcomes. A command is written once, by the node that took the request,
 * and then travels as it is: over links, into the logs, into every state machine.
 *
 * ```
 * command   plain, or kind u8 (16), time u64, name of the request, plain with a time of 0
 * plain     kind u8 (1 write, 3 transaction), time u64 (ms since 1970; 0 until the leader stamps it),
 *           checks: count u16, then kind u8 and
 *             1 revision       key, revision u64
 *             2 exists         key
 *             3 value          key, value
 *             32 record        of u8 (1 token, 2 policy), name, revision u64
 *           of a write, mutations: count u16, then kind u8 and
 *             1 put            key, content type, value
 *             2 delete         key
 *             16 put for       lifetime u64 (ms, not 0), key, content type, value
 *             17 put until     time u64 (ms since 1970, not 0), key, content type, value
 *             18 expire        count u32
 *             32 set record    of u8, name, body
 *             33 delete record of u8, name
 *           of a transaction, twice (for when all checks hold, and else): count u16, then steps
 * outcome   kind u8 (1 applied), revision u64, existed: count u16, u8 each
 *           kind u8 (2 check failed), check u16, revision u64
 *           kind u8 (3 transacted), revision u64, failed check u16 (ffff: none),
 *             results: count u16, each as `steps.ts` has it
 *           kind u8 (4 step failed), else u8 (0 or 1), step u16, reason u8 (in their order, from 1)
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
  setU32At,
} from "../base/mod.ts";
import { KEY_MUTATIONS, readKey, readKeyMutation, readValue, writeKeyMutation } from "./parts.ts";
import { readRecordBody, readRecordName, writeRecordName } from "./records.ts";
import { readRequestName, writeRequestName } from "./requests.ts";
import { readResult, readStep, resultBytesMax, writeResult, writeStep } from "./steps.ts";
import type {
  Check,
  Command,
  FirstOutcome,
  Mutation,
  Outcome,
  Step,
  StepFailure,
} from "./types.ts";

const WRITE = 1;
const TRANSACTION = 3;
const NAMED = 16;
const EXPIRE = 18;
const MUTATIONS = [...KEY_MUTATIONS, EXPIRE, 32, 33];
const TIME_OFFSET = 1;
const NO_CHECK = 0xffff;
const STEP_FAILURES: readonly StepFailure[] = [
  "notANumber",
  "overflow",
  "valueTooLong",
  "tooManyItems",
  "tooManyBytes",
  "resultsTooLong",
];
const STEP_FAILURE_TAGS = STEP_FAILURES.map((_, at) => at + 1);
/** Kinds of the outcomes of a command that did not repeat another. */
const FIRST_OUTCOMES = [1, 2, 3, 4, 32];

/** A command with the time at which its leader put it into the log. */
export type StampedCommand = Command & {
  readonly timeMs: number;
  readonly named?: Named;
};

/** Of a named request: its name in UTF-8, and the bytes that tell it from another. Views. */
export type Named = { readonly name: Uint8Array; readonly plain: Uint8Array };

export function encodeCommand(command: Command): Uint8Array {
  const { checks, request } = command;
  const isWrite = "mutations" in command;
  const parts = isWrite ? [command.mutations] : [command.steps, command.elseSteps];
  const operations = parts.reduce((sum, { length }) => sum + length, checks.length);
  assert(operations <= limits.operationsPerCommandMax, "few operations");
  const writer = new ByteWriter(64 + parts.reduce((sum, part) => sum + sizeOf(part), 0));
  if (request !== undefined) writeRequestName(writer.u8(NAMED).u64(0), request);
  writer.u8(isWrite ? WRITE : TRANSACTION).u64(0);
  writeMany(writer, checks, writeCheck);
  if (isWrite) writeMany(writer, command.mutations, writeMutation);
  else {
    writeMany(writer, command.steps, writeStep);
    writeMany(writer, command.elseSteps, writeStep);
  }
  assert(writer.length <= limits.commandBytesMax, "a command that fits into a frame");
  return writer.finish();
}

/** How large the outcome of `command` can become, when that is more than a few bytes. */
export function outcomeBytesMax(command: Command): number {
  return "mutations" in command ? 0 : resultBytesMax(command);
}

/** Keys and values are views of the input. */
export function decodeCommand(bytes: Uint8Array): Result<StampedCommand, string> {
  if (bytes.length > limits.commandBytesMax) return err(`command of ${bytes.length} bytes`);
  return decode(bytes, readCommand);
}

/** Writes the leader's time into an encoded command, in place. */
export function stampCommand(command: Uint8Array, timeMs: number): void {
  assert(command.length > TIME_OFFSET + 8 && timeMs >= 0, "a stamp goes into an encoded command");
  setU32At(command, TIME_OFFSET, timeMs % 2 ** 32);
  setU32At(command, TIME_OFFSET + 4, Math.floor(timeMs / 2 ** 32));
}

function writeCheck(writer: ByteWriter, check: Check): void {
  switch (check.kind) {
    case "revision":
      return void writer.u8(1).bytes(check.key).u64(check.revision);
    case "exists":
      return void writer.u8(2).bytes(check.key);
    case "value":
      return void writer.u8(3).bytes(check.key).bytes(check.value);
    case "record":
      writeRecordName(writer.u8(32), check);
      writer.u64(check.revision);
  }
}

function writeMutation(writer: ByteWriter, mutation: Mutation): void {
  switch (mutation.kind) {
    case "put":
    case "delete":
      return writeKeyMutation(writer, mutation);
    case "expire":
      return void writer.u8(EXPIRE).u32(mutation.countMax);
    case "setRecord":
      writeRecordName(writer.u8(32), mutation);
      return void writer.bytes(mutation.body);
    case "deleteRecord":
      return writeRecordName(writer.u8(33), mutation);
  }
}

export function writeOutcome(writer: ByteWriter, outcome: Outcome): ByteWriter {
  switch (outcome.kind) {
    case "applied":
      writer.u8(1).u64(outcome.revision);
      return writeMany(writer, outcome.existed, writeBoolean);
    case "checkFailed":
      return writer.u8(2).u16(outcome.check).u64(outcome.revision);
    case "transacted":
      writer.u8(3).u64(outcome.revision).u16(outcome.failedCheck ?? NO_CHECK);
      return writeMany(writer, outcome.results, writeResult);
    case "stepFailed":
      writeBoolean(writer.u8(4), outcome.isElse);
      return writer.u16(outcome.step).u8(STEP_FAILURES.indexOf(outcome.reason) + 1);
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
    const kind = reader.tag([...FIRST_OUTCOMES, 16, 17], "outcome");
    if (kind === 17) return { kind: "requestReused" };
    if (kind !== 16) return readOutcomeOf(reader, kind);
    return { kind: "repeated", first: readFirstOutcome(reader) };
  });
}

/** Of a request that did not repeat another. */
export function decodeFirstOutcome(bytes: Uint8Array): Result<FirstOutcome, string> {
  return decode<FirstOutcome>(bytes, readFirstOutcome);
}

function readFirstOutcome(reader: ByteReader): FirstOutcome {
  return readOutcomeOf(reader, reader.tag(FIRST_OUTCOMES, "first outcome"));
}

function readOutcomeOf(reader: ByteReader, kind: number): FirstOutcome {
  switch (kind) {
    case 1:
      return {
        kind: "applied",
        revision: reader.u64(),
        existed: readMany(reader, readBoolean),
      };
    case 2:
      return { kind: "checkFailed", check: reader.u16(), revision: reader.u64() };
    case 3: {
      const revision = reader.u64();
      const check = reader.u16();
      const failedCheck = check === NO_CHECK ? null : check;
      return { kind: "transacted", revision, failedCheck, results: readMany(reader, readResult) };
    }
    case 4: {
      const isElse = readBoolean(reader);
      const step = reader.u16();
      const reason = STEP_FAILURES[reader.tag(STEP_FAILURE_TAGS, "reason") - 1] as StepFailure;
      return { kind: "stepFailed", isElse, step, reason };
    }
    default:
      return { kind: "recordsFull" };
  }
}

function readCommand(reader: ByteReader): StampedCommand {
  const kind = reader.tag([WRITE, TRANSACTION, NAMED], "command");
  const timeMs = reader.u64();
  if (kind !== NAMED) return readPlain(reader, kind, timeMs);
  const name = readRequestName(reader);
  const plain = reader.ahead;
  const named = reader.tag([WRITE, TRANSACTION], "named command");
  if (reader.u64() !== 0) throw new DecodeError("a second time");
  return { ...readPlain(reader, named, timeMs), named: { name, plain } };
}

/** Behind its kind and time. With the time at once: a copy of each command would cost more. */
function readPlain(reader: ByteReader, kind: number, timeMs: number): StampedCommand {
  const checks = readMany(reader, readCheck);
  if (kind === WRITE) {
    return { timeMs, checks, mutations: readMany(reader, readMutation, checks.length) };
  }
  const steps = readMany(reader, readStep, checks.length);
  const elseSteps = readMany(reader, readStep, checks.length + steps.length);
  return { timeMs, checks, steps, elseSteps };
}

function readCheck(reader: ByteReader): Check {
  const kind = reader.tag([1, 2, 3, 32], "check kind");
  if (kind === 32) return { kind: "record", ...readRecordName(reader), revision: reader.u64() };
  const key = readKey(reader);
  if (kind === 1) return { kind: "revision", key, revision: reader.u64() };
  return kind === 2 ? { kind: "exists", key } : { kind: "value", key, value: readValue(reader) };
}

function readMutation(reader: ByteReader): Mutation {
  const kind = reader.tag(MUTATIONS, "mutation kind");
  if (kind === EXPIRE) return { kind: "expire", countMax: reader.u32() };
  if (kind === 33) return { kind: "deleteRecord", ...readRecordName(reader) };
  if (kind === 32) {
    return { kind: "setRecord", ...readRecordName(reader), body: readRecordBody(reader) };
  }
  return readKeyMutation(reader, kind);
}

function writeBoolean(writer: ByteWriter, value: boolean): void {
  writer.u8(value ? 1 : 0);
}

function readBoolean(reader: ByteReader): boolean {
  return reader.tag([0, 1], "boolean") === 1;
}

/** `already` were read before: all together are bounded. */
function readMany<T>(reader: ByteReader, read: (reader: ByteReader) => T, already = 0): T[] {
  const count = reader.u16();
  if (already + count > limits.operationsPerCommandMax) {
    throw new DecodeError("too many operations");
  }
  const many = new Array<T>(count); // one that grows begins with room for seventeen
  for (let at = 0; at < count; at++) many[at] = read(reader);
  return many;
}

function writeMany<T>(
  writer: ByteWriter,
  many: readonly T[],
  write: (writer: ByteWriter, one: T) => void,
): ByteWriter {
  writer.u16(many.length);
  for (const one of many) write(writer, one);
  return writer;
}

function sizeOf(parts: readonly (Mutation | Step)[]): number {
  let size = 0;
  for (const part of parts) {
    size += 16;
    if ("key" in part) size += part.key.length;
    if ("value" in part) size += part.value.length;
    if (part.kind === "setRecord") size += part.name.length + part.body.length;
  }
  return size;
}
