/**
 * As much of HPACK (RFC 7541) as a lean gRPC client needs: request headers are encoded once, without
 * the dynamic table; of an answer's headers only the gRPC status is read. The client announces a
 * dynamic table of size 0, so that no answer depends on one before.
 */

import { bytesEqual, utf8 } from "../../src/base/mod.ts";

/** Positions in the static table (appendix A). */
const STATIC = {
  "POST": 3, // of :method
  "http": 6, // of :scheme
  ":path": 4,
  ":authority": 1,
  "content-type": 31,
} as const;

const INDEXED = 0x80;
/** Literals that change nothing in the table have these four bits free for the name's position. */
const LITERAL_PREFIX_BITS = 4;
const WITH_INDEXING = 0x40;
const SIZE_UPDATE = 0x20;

const STATUS_NAME = utf8("grpc-status");
/** The same in Huffman code, which senders prefer for being shorter. */
const STATUS_NAME_HUFFMAN = Uint8Array.of(0x9a, 0xca, 0xc8, 0xb2, 0x12, 0x34, 0xda, 0x8f);

/** The header block of a call to the gRPC method at `path`. */
export function encodeRequestHeaders(path: string, authority: string): Uint8Array {
  return Uint8Array.from([
    INDEXED | STATIC.POST,
    INDEXED | STATIC.http,
    ...literal(STATIC[":path"], path),
    ...literal(STATIC[":authority"], authority),
    ...literal(STATIC["content-type"], "application/grpc"),
    ...literal("te", "trailers"),
  ]);
}

/** Without indexing; the name is a position in the static table, or spelled out. */
function literal(name: number | string, value: string): number[] {
  const head = typeof name === "number"
    ? encodeInteger(name, LITERAL_PREFIX_BITS)
    : [0, ...encodeString(name)];
  return [...head, ...encodeString(value)];
}

function encodeString(text: string): number[] {
  const bytes = utf8(text);
  return [...encodeInteger(bytes.length, 7), ...bytes];
}

/** Section 5.1. The bits above the prefix are 0. */
export function encodeInteger(value: number, prefixBits: number): number[] {
  const max = (1 << prefixBits) - 1;
  if (value < max) return [value];
  const bytes = [max];
  let rest = value - max;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

/** The value of `grpc-status` in a header block, or null when it has none. */
export function grpcStatusOf(block: Uint8Array): number | null {
  return new BlockReader(block).grpcStatus();
}

class BlockReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  grpcStatus(): number | null {
    while (this.#at < this.#bytes.length) {
      const first = this.#bytes[this.#at] as number;
      if (first >= INDEXED) {
        this.#integer(7);
      } else if (first < WITH_INDEXING && first >= SIZE_UPDATE) {
        this.#integer(5);
      } else {
        const name = this.#integer(first >= WITH_INDEXING ? 6 : LITERAL_PREFIX_BITS);
        const isStatus = name === 0 && isStatusName(this.#string());
        const value = this.#string();
        // Digits are never longer as they are than in Huffman code, so nobody codes them.
        if (isStatus) return Number(new TextDecoder().decode(value));
      }
    }
    return null;
  }

  /** As it stands there, Huffman code or not. */
  #string(): Uint8Array {
    const length = this.#integer(7);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #integer(prefixBits: number): number {
    const max = (1 << prefixBits) - 1;
    let value = this.#byte() & max;
    if (value < max) return value;
    for (let shift = 0;; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new Error("a header block that is cut off");
    return byte;
  }
}

function isStatusName(name: Uint8Array): boolean {
  return [STATUS_NAME, STATUS_NAME_HUFFMAN].some((known) => bytesEqual(known, name));
}
