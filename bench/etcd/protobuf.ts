/** The few bits of Protocol Buffers that the calls of the bench need. */

import { concat } from "../../src/base/mod.ts";

const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** A field that holds bytes or a message. */
export function bytesField(number: number, content: Uint8Array): Uint8Array {
  const head = [...varint(number << 3 | LENGTH_DELIMITED), ...varint(content.length)];
  return concat([Uint8Array.from(head), content]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

/** Looks for fields of a message where it lies. Fields are written in the order of their numbers. */
export class MessageReader {
  /** Of the field that was found: its value, when it is a number; exact below 2^53. */
  value = 0;
  /** Of the field that was found: where its content lies, when it is bytes or a message. */
  start = 0;
  end = 0;
  readonly bytes: Uint8Array;
  #at: number;
  readonly #until: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.#at = start;
    this.#until = end;
  }

  /** Goes on to the next field with this number; false when there is none. */
  find(number: number): boolean {
    while (this.#at < this.#until) if (this.#next() === number) return true;
    return false;
  }

  /** The message in the field that was found. */
  inner(): MessageReader {
    return new MessageReader(this.bytes, this.start, this.end);
  }

  /** The number of the next field, whose content is kept. */
  #next(): number {
    const tag = this.#varint();
    const type = tag & 7;
    if (type === VARINT) {
      this.value = this.#varint();
    } else if (type === LENGTH_DELIMITED) {
      const length = this.#varint();
      this.start = this.#at;
      this.end = this.#at += length;
    } else {
      throw new Error(`a protobuf field of type ${type} is not expected`);
    }
    return tag >>> 3;
  }

  /** Arithmetic instead of shifts, which would cut at 32 bits. */
  #varint(): number {
    let value = 0;
    for (let unit = 1;; unit *= 0x80) {
      const byte = this.bytes[this.#at++];
      if (byte === undefined) throw new Error("a protobuf message that is cut off");
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  }
}
