/** The parts that commands of every kind are written in, each with its bounds. */

import { assert, type ByteReader, type ByteWriter, DecodeError, limits } from "../base/mod.ts";
import type { KeyMutation, Lifetime } from "./types.ts";

const TEXT_LENGTH_BYTES = 2;

const PUT = 1;
const DELETE = 2;
const PUT_FOR = 16;
const PUT_UNTIL = 17;
export const KEY_MUTATIONS: readonly number[] = [PUT, DELETE, PUT_FOR, PUT_UNTIL];

export function writeKeyMutation(writer: ByteWriter, mutation: KeyMutation): void {
  if (mutation.kind === "delete") return void writer.u8(DELETE).bytes(mutation.key);
  writeLifetime(writer, mutation.lifetime);
  writer.bytes(mutation.key).text(mutation.contentType).bytes(mutation.value);
}

/** With the kind that it makes of a put. */
function writeLifetime(writer: ByteWriter, lifetime: Lifetime | undefined): void {
  if (lifetime === undefined) return void writer.u8(PUT);
  const [kind, ms] = "afterMs" in lifetime
    ? [PUT_FOR, lifetime.afterMs]
    : [PUT_UNTIL, lifetime.atMs];
  assert(ms > 0, "an item stays for a while");
  writer.u8(kind).u64(ms);
}

/** Behind its `kind`. */
export function readKeyMutation(reader: ByteReader, kind: number): KeyMutation {
  if (kind === DELETE) return { kind: "delete", key: readKey(reader) };
  const lifetime = kind === PUT ? {} : { lifetime: readLifetime(reader, kind) };
  const key = readKey(reader);
  const contentType = readContentType(reader);
  return { kind: "put", key, contentType, value: readValue(reader), ...lifetime };
}

function readLifetime(reader: ByteReader, kind: number): Lifetime {
  const ms = reader.u64();
  if (ms === 0) throw new DecodeError("a lifetime of nothing");
  return kind === PUT_FOR ? { afterMs: ms } : { atMs: ms };
}

export function readKey(reader: ByteReader): Uint8Array {
  const key = reader.bytes();
  if (key.length === 0 || key.length > limits.keyBytesMax) {
    throw new DecodeError(`key of ${key.length} bytes`);
  }
  return key;
}

export function readContentType(reader: ByteReader): string {
  const before = reader.offset;
  const contentType = reader.text();
  if (reader.offset - before > TEXT_LENGTH_BYTES + limits.contentTypeBytesMax) {
    throw new DecodeError("long content type");
  }
  return contentType;
}

export function readValue(reader: ByteReader): Uint8Array {
  const value = reader.bytes();
  if (value.length > limits.valueBytesCeiling) throw new DecodeError("long value");
  return value;
}
