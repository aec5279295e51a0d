/**
 * From the blocks of an image back to a state.
 */

import {
  type ByteReader,
  decode,
  DecodeError,
  err,
  type Hash,
  limits,
  ok,
  type Result,
} from "../base/mod.ts";
import { decodeFirstOutcome } from "./command.ts";
import { EXPIRIES, FORGOTTEN, FORMAT, HEADER, ITEMS, RECORDS, REQUESTS } from "./image.ts";
import { readRecordBody, readRecordName } from "./records.ts";
import { readRequestName } from "./requests.ts";
import { KvState } from "./store.ts";

/** Builds a state from the blocks of an image, in their order. */
export class ImageLoader {
  readonly #state: KvState;
  #itemsLeft: number | null = null;

  constructor(hash: Hash) {
    this.#state = new KvState(hash);
  }

  block(bytes: Uint8Array): Result<void, string> {
    return decode(bytes, (reader) => {
      const kind = reader.tag(
        [HEADER, ITEMS, RECORDS, REQUESTS, FORGOTTEN, EXPIRIES],
        "image block",
      );
      if (kind !== HEADER && this.#itemsLeft === null) {
        throw new DecodeError("an image block before the header");
      }
      this.#read[kind]?.(reader);
    });
  }

  readonly #read: Readonly<Record<number, (reader: ByteReader) => void>> = {
    [HEADER]: (reader) => this.#readHeader(reader),
    [ITEMS]: (reader) => this.#readItems(reader),
    [RECORDS]: (reader) => this.#readRecords(reader),
    [REQUESTS]: (reader) => this.#readRequests(reader),
    [FORGOTTEN]: (reader) => this.#state.requests.restoreForgotten(reader.u64()),
    [EXPIRIES]: (reader) => this.#readExpiries(reader),
  };

  /** The whole state, if it is complete and gives `digest`. */
  finish(digest: string): Result<KvState, string> {
    if (this.#itemsLeft === null) return err("incomplete image: the header is missing");
    if (this.#itemsLeft > 0) return err(`incomplete image: ${this.#itemsLeft} items missing`);
    const actual = this.#state.digest();
    return actual === digest
      ? ok(this.#state)
      : err(`the image's digest is ${digest}, its content gives ${actual}`);
  }

  #readHeader(reader: ByteReader): void {
    if (this.#itemsLeft !== null) throw new DecodeError("a second image header");
    reader.tag([FORMAT], "image format");
    const applied = reader.u64();
    this.#state.restoreCounters(applied, reader.u64());
    this.#itemsLeft = reader.u64();
  }

  #readItems(reader: ByteReader): void {
    const count = reader.u32();
    const left = this.#itemsLeft ?? 0;
    if (count > left) throw new DecodeError(`${count} items where ${left} are expected`);
    for (let read = 0; read < count; read++) {
      const key = reader.bytes();
      const contentType = reader.text();
      const revision = reader.u64();
      if (revision > this.#state.applied) {
        throw new DecodeError(`an item of ${revision} in an image at ${this.#state.applied}`);
      }
      this.#state.restoreItem(key, { contentType, revision, value: reader.bytes() });
    }
    this.#itemsLeft = left - count;
  }

  #readRecords(reader: ByteReader): void {
    const count = reader.u32();
    if (this.#state.recordsCount + count > limits.recordsMax) {
      throw new DecodeError(`${count} records are too many`);
    }
    for (let read = 0; read < count; read++) {
      const { of, name } = readRecordName(reader);
      const revision = reader.u64();
      this.#state.restoreRecord({ kind: of, name, revision, body: readRecordBody(reader) });
    }
  }

  /** Behind the items that they are about. */
  #readExpiries(reader: ByteReader): void {
    const count = reader.u32();
    for (let read = 0; read < count; read++) {
      const key = reader.bytes();
      const expiresMs = reader.u64();
      if (expiresMs === 0 || !this.#state.restoreExpiry(key, expiresMs)) {
        throw new DecodeError("an expiry that comes twice, or without its item");
      }
    }
  }

  #readRequests(reader: ByteReader): void {
    const count = reader.u32();
    if (this.#state.requests.size + count > limits.requestsMax) {
      throw new DecodeError(`${count} requests are too many`);
    }
    for (let read = 0; read < count; read++) {
      const start = reader.offset;
      const name = readRequestName(reader);
      reader.u64();
      reader.u32();
      const readable = decodeFirstOutcome(reader.bytes());
      if (!readable.ok || this.#state.requests.get(name) !== undefined) {
        throw new DecodeError("a request that comes twice, or without an outcome");
      }
      this.#state.requests.restore(reader.since(start));
    }
  }
}
