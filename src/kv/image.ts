/**
 * The image: all replicated state as a sequence of blocks, which a snapshot stores and another
 * node loads. Every block begins with what it holds, so that sections can be added.
 *
 * ```
 * header   kind u8 (1), format u8 (1), applied u64, time u64 (ms), items u64
 * items    kind u8 (2), count u32, then key, content type (u16 length), revision u64, value
 * records  kind u8 (3), count u32, then of u8 (1 token, 2 policy), name (u16 length),
 *          revision u64, body
 * requests kind u8 (4), count u32, then name (u16 length), time u64 (ms), proof u32, outcome
 * forgotten kind u8 (5), time u64 (ms) of the last request that was forgotten
 * expiries kind u8 (6), count u32, then key, time u64 (ms) at which the item expires
 * ```
 *
 * The later sections follow the items, where there is anything in them. Keys, values, bodies and outcomes are
 * preceded by their length (u32). Invariant S5: an image that loads gives the digest of the state that it was taken
 * from; anything else is refused as a whole.
 */

import { ByteWriter, limits } from "../base/mod.ts";
import type { Run } from "./byte_queue.ts";
import type { Held } from "./items.ts";
import { writeRecordName } from "./records.ts";
import type { StateRecord } from "./types.ts";
import type { View } from "./views.ts";

export const HEADER = 1;
export const ITEMS = 2;
export const RECORDS = 3;
export const REQUESTS = 4;
export const FORGOTTEN = 5;
export const EXPIRIES = 6;
export const FORMAT = 1;

/** Of a block: what it holds, and how many. */
export const HEAD_BYTES = 5;

/** A frozen state, to be closed. `blocks` may be read once, at any pace, while the state moves on. */
export class Image {
  readonly applied: number;
  readonly digest: string;
  readonly #timeMs: number;
  readonly #size: number;
  readonly #items: View;
  readonly #expiries: Iterable<[keyText: string, expiresMs: number]>;
  readonly #records: readonly StateRecord[];
  readonly #requests: Iterable<Run>;
  readonly #requestsForgottenMs: number;

  constructor(frozen: {
    applied: number;
    timeMs: number;
    size: number;
    digest: string;
    items: View;
    expiries: Iterable<[keyText: string, expiresMs: number]>;
    records: readonly StateRecord[];
    requests: Iterable<Run>;
    requestsForgottenMs: number;
  }) {
    this.applied = frozen.applied;
    this.digest = frozen.digest;
    this.#timeMs = frozen.timeMs;
    this.#size = frozen.size;
    this.#items = frozen.items;
    this.#expiries = frozen.expiries;
    this.#records = frozen.records;
    this.#requests = frozen.requests;
    this.#requestsForgottenMs = frozen.requestsForgottenMs;
  }

  /** Nothing is kept for it any more. Idempotent. */
  close(): void {
    this.#items.close();
  }

  /** Each block is at most `limits.imageBlockBytes`, unless one item alone is larger. */
  *blocks(): Generator<Uint8Array, void, undefined> {
    yield new ByteWriter().u8(HEADER).u8(FORMAT).u64(this.applied).u64(this.#timeMs)
      .u64(this.#size).finish();
    yield* section(ITEMS, this.#items.entries(), itemBytes, writeItem);
    yield* section(RECORDS, this.#records, recordBytes, writeRecord);
    for (const { count, bytes } of this.#requests) {
      yield new ByteWriter(HEAD_BYTES + bytes.length).u8(REQUESTS).u32(count).raw(bytes).finish();
    }
    yield* section(EXPIRIES, this.#expiries, expiryBytes, writeExpiry);
    if (this.#requestsForgottenMs === 0) return;
    yield new ByteWriter().u8(FORGOTTEN).u64(this.#requestsForgottenMs).finish();
  }
}

function* section<T>(
  kind: number,
  parts: Iterable<T>,
  sizeOf: (part: T) => number,
  write: (block: ByteWriter, part: T) => void,
): Generator<Uint8Array, void, undefined> {
  let block: ByteWriter | null = null;
  let count = 0;
  for (const part of parts) {
    if (block !== null && block.length + sizeOf(part) > limits.imageBlockBytes) {
      yield block.patchU32(1, count).finish();
      block = null;
      count = 0;
    }
    block ??= new ByteWriter(limits.imageBlockBytes).u8(kind).u32(0);
    write(block, part);
    count++;
  }
  if (block !== null) yield block.patchU32(1, count).finish();
}

function itemBytes({ keyBytes, typeBytes, length }: Held): number {
  return 18 + keyBytes + typeBytes + length;
}

function writeItem(block: ByteWriter, held: Held): void {
  block.bytes(held.key).text(held.contentType).u64(held.revision).bytes(held.value);
}

function expiryBytes([text]: [string, number]): number {
  return 12 + text.length;
}

function writeExpiry(block: ByteWriter, [text, expiresMs]: [string, number]): void {
  block.latin1(text).u64(expiresMs);
}

function recordBytes({ name, body }: StateRecord): number {
  return 15 + 3 * name.length + body.length;
}

function writeRecord(block: ByteWriter, record: StateRecord): void {
  writeRecordName(block, { of: record.kind, name: record.name });
  block.u64(record.revision).bytes(record.body);
}
