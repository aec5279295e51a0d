/**
 * From the blocks of an image back to a state.
 */

import {
  type ByteReader,
  decode,
  DecodeError,
  err,
  type Hash,
  ok,
  type Result,
} from "../base/mod.ts";
import { FORMAT, HEADER, ITEMS } from "./image.ts";
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
      const kind = reader.tag([HEADER, ITEMS], "image block");
      if (kind === HEADER) this.#readHeader(reader);
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
}
