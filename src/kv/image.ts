/**
 * The image: all replicated state as a sequence of blocks, which a snapshot stores and another
 * node loads. Every block begins with what it holds, so that sections can be added.
 *
 * ```
 * header   kind u8 (1), format u8 (1), applied u64, time u64 (ms), items u64
 * items    kind u8 (2), count u32, then key, content type (u16 length), revision u64, value
 * ```
 *
 * Keys and values are preceded by their length (u32). Invariant S5: an image that loads gives the
 * digest of the state that it was taken from; anything else is refused as a whole.
 */

import { ByteWriter, limits } from "../base/mod.ts";
import type { Cell } from "./slabs.ts";

export const HEADER = 1;
export const ITEMS = 2;
export const FORMAT = 1;

/** A frozen state. `blocks` may be read once, at any pace, while the live state moves on. */
export class Image {
  readonly applied: number;
  readonly digest: string;
  readonly #timeMs: number;
  readonly #size: number;
  readonly #items: Iterable<[string, Cell]>;

  constructor(frozen: {
    applied: number;
    timeMs: number;
    size: number;
    digest: string;
    items: Iterable<[string, Cell]>;
  }) {
    this.applied = frozen.applied;
    this.digest = frozen.digest;
    this.#timeMs = frozen.timeMs;
    this.#size = frozen.size;
    this.#items = frozen.items;
  }

  /** Each block is at most `limits.imageBlockBytes`, unless one item alone is larger. */
  *blocks(): Generator<Uint8Array, void, undefined> {
    yield new ByteWriter().u8(HEADER).u8(FORMAT).u64(this.applied).u64(this.#timeMs)
      .u64(this.#size).finish();
    let block = startItems();
    let count = 0;
    for (const [text, cell] of this.#items) {
      if (count > 0 && block.length + itemBytes(text, cell) > limits.imageBlockBytes) {
        yield finishItems(block, count);
        block = startItems();
        count = 0;
      }
      block.latin1(text).text(cell.contentType).u64(cell.revision).bytes(cell.value);
      count++;
    }
    if (count > 0) yield finishItems(block, count);
  }
}

function startItems(): ByteWriter {
  return new ByteWriter(limits.imageBlockBytes).u8(ITEMS).u32(0);
}

function finishItems(block: ByteWriter, count: number): Uint8Array {
  return block.patchU32(1, count).finish();
}

function itemBytes(text: string, { contentType, length }: Cell): number {
  return 18 + text.length + 3 * contentType.length + length;
}
