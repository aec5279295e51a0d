/**
 * Bytes of the steps of a transaction and of what they gave: parts of a command and of an outcome.
 *
 * ```
 * step    kind u8 and
 *           1 put            key, content type, value
 *           2 delete         key
 *           16 put for, 17 put until, as in a write
 *           3 get            key
 *           4 delete range   start, has end u8 (0 or 1), end
 *           5 sum            key, operand i64
 *           6 min            key, operand i64
 *           7 max            key, operand i64
 *           8 append         key, most bytes u32, value
 * result  kind u8 and
 *           1 got            exists u8 (0 or 1; 2: and expires), then expires u64 (ms) if it does,
 *                            revision u64, content type, value
 *           2 changed        existed u8
 *           3 deleted        count u32
 *           4 number         i64
 *           5 appended       bytes u32
 * ```
 *
 * Lengths are written as in a command.
 */

import { type ByteReader, type ByteWriter, DecodeError, limits } from "../base/mod.ts";
import {
  KEY_MUTATIONS,
  readContentType,
  readKey,
  readKeyMutation,
  readValue,
  writeKeyMutation,
} from "./parts.ts";
import type { Item, KeyRange, Step, StepResult, Transaction } from "./types.ts";

const NUMBERS = ["sum", "min", "max"] as const;
const FIRST_NUMBER = 5;
const STEPS = [...KEY_MUTATIONS, 3, 4, 5, 6, 7, 8];
/** What a get found. */
const ABSENT = 0;
const PRESENT = 1;
const EXPIRING = 2;
/** Of the results of a transaction that gets nothing, each a few bytes. */
const PLAIN_RESULTS_BYTES_MAX = 4 * 1024;

/** How large the outcome of `transaction` can become. */
export function resultBytesMax({ steps, elseSteps }: Transaction): number {
  const gets = [...steps, ...elseSteps].some(({ kind }) => kind === "get");
  return PLAIN_RESULTS_BYTES_MAX + (gets ? limits.transactionResultBytesMax : 0);
}

export function writeStep(writer: ByteWriter, step: Step): void {
  switch (step.kind) {
    case "put":
    case "delete":
      return writeKeyMutation(writer, step);
    case "get":
      return void writer.u8(3).bytes(step.key);
    case "deleteRange": {
      const { start, end } = step.range;
      writer.u8(4).bytes(start).u8(end === null ? 0 : 1);
      return void (end === null || writer.bytes(end));
    }
    case "append":
      return void writer.u8(8).bytes(step.key).u32(step.bytesMax).bytes(step.value);
    default:
      writer.u8(FIRST_NUMBER + NUMBERS.indexOf(step.kind)).bytes(step.key).i64(step.operand);
  }
}

export function readStep(reader: ByteReader): Step {
  const kind = reader.tag(STEPS, "step kind");
  if (KEY_MUTATIONS.includes(kind)) return readKeyMutation(reader, kind);
  if (kind === 4) return { kind: "deleteRange", range: readRange(reader) };
  const key = readKey(reader);
  if (kind === 3) return { kind: "get", key };
  if (kind === 8) {
    const bytesMax = reader.u32();
    if (bytesMax > limits.valueBytesCeiling) throw new DecodeError("append to a long value");
    return { kind: "append", key, value: readValue(reader), bytesMax };
  }
  return { kind: NUMBERS[kind - FIRST_NUMBER] as "sum", key, operand: reader.i64() };
}

function readRange(reader: ByteReader): KeyRange {
  const start = readBound(reader);
  const end = reader.tag([0, 1], "boolean") === 1 ? readBound(reader) : null;
  return { start, end };
}

/** A bound need not be a key: it may be empty. */
function readBound(reader: ByteReader): Uint8Array {
  const bound = reader.bytes();
  if (bound.length > limits.keyBytesMax) throw new DecodeError(`bound of ${bound.length} bytes`);
  return bound;
}

export function writeResult(writer: ByteWriter, result: StepResult): void {
  switch (result.kind) {
    case "got": {
      const { item } = result;
      if (item === null) return void writer.u8(1).u8(ABSENT);
      if (item.expiresMs === undefined) writer.u8(1).u8(PRESENT);
      else writer.u8(1).u8(EXPIRING).u64(item.expiresMs);
      return void writer.u64(item.revision).text(item.contentType).bytes(item.value);
    }
    case "changed":
      return void writer.u8(2).u8(result.existed ? 1 : 0);
    case "deleted":
      return void writer.u8(3).u32(result.count);
    case "number":
      return void writer.u8(4).i64(result.value);
    case "appended":
      return void writer.u8(5).u32(result.bytes);
  }
}

export function readResult(reader: ByteReader): StepResult {
  switch (reader.tag([1, 2, 3, 4, 5], "result kind")) {
    case 1:
      return { kind: "got", item: readItem(reader) };
    case 2:
      return { kind: "changed", existed: reader.tag([0, 1], "boolean") === 1 };
    case 3:
      return { kind: "deleted", count: reader.u32() };
    case 4:
      return { kind: "number", value: reader.i64() };
    default:
      return { kind: "appended", bytes: reader.u32() };
  }
}

function readItem(reader: ByteReader): Item | null {
  const state = reader.tag([ABSENT, PRESENT, EXPIRING], "item");
  if (state === ABSENT) return null;
  const expires = state === EXPIRING ? { expiresMs: reader.u64() } : {};
  const revision = reader.u64();
  const contentType = readContentType(reader);
  return { value: readValue(reader), contentType, revision, ...expires };
}
