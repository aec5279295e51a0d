/** The parts that commands of every kind are written in, each with its bounds. */

import { type ByteReader, type ByteWriter, DecodeError, limits } from "../base/mod.ts";
import type { KeyMutation } from "./types.ts";

const TEXT_LENGTH_BYTES = 2;

export function writeKeyMutation(writer: ByteWriter, mutation: KeyMutation): void {
  if (mutation.kind === "delete") return void writer.u8(2).bytes(mutation.key);
  writer.u8(1).bytes(mutation.key).text(mutation.contentType).bytes(mutation.value);
}

/** Behind its `kind`. */
export function readKeyMutation(reader: ByteReader, kind: number): KeyMutation {
  const key = readKey(reader);
  if (kind === 2) return { kind: "delete", key };
  const contentType = readContentType(reader);
  return { kind: "put", key, contentType, value: readValue(reader) };
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
