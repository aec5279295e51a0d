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
import { FORMAT, HEADER, ITEMS, RECORDS } from "./image.ts";
import { readRecordBody, readRecordName } from "./records.ts";
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
      const kind = reader.tag([HEADER, ITEMS, RECORDS], "image block");
      if (kind === HEADER) this.#readHeader(reader);
      else if (kind === RECORDS) this.#readRecords(reader);
      else this.#readItems(reader);
    });
  }

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
    if (this.#itemsLeft === null || count > this.#itemsLeft) {
      throw new DecodeError(`${count} items where ${this.#itemsLeft ?? "no"} are expected`);
    }
    for (let read = 0; read < count; read++) {
      const key = reader.bytes();
      const contentType = reader.text();
      const revision = reader.u64();
      this.#state.restoreItem(key, { contentType, revision, value: reader.bytes() });
    }
    this.#itemsLeft -= count;
  }

  #readRecords(reader: ByteReader): void {
    const count = reader.u32();
    if (this.#itemsLeft === null || this.#state.recordsCount + count > limits.recordsMax) {
      throw new DecodeError(`${count} records too many, or before the header`);
    }
    for (let read = 0; read < count; read++) {
      const { of, name } = readRecordName(reader);
      const revision = reader.u64();
      this.#state.restoreRecord({ kind: of, name, revision, body: readRecordBody(reader) });
    }
  }
}
