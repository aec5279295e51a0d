/**
 * Lines of a file or of standard input, one after the other.
 */

import { concat, DiskError, fromUtf8 } from "../base/mod.ts";
import type { Context } from "./context.ts";
import { CommandError } from "./error.ts";

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

export type Line = { readonly number: number; readonly text: string; readonly bytes: number };

/** Empty lines are left out, but counted. Throws {@link CommandError} for what is no text. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  bytesMax: number,
): AsyncGenerator<Line, void, void> {
  let rest: Uint8Array[] = [];
  let length = 0;
  let number = 0;
  const complete = (last: Uint8Array): Line => {
    const bytes = concat([...rest, last]);
    rest = [];
    length = 0;
    const text = fromUtf8(bytes);
    number++;
    if (text.ok) return { number, text: text.value, bytes: bytes.length + 1 };
    throw new CommandError(`line ${number} is not UTF-8 text`);
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = complete(chunk.subarray(start, end));
      if (line.text.trim() !== "") yield line;
      start = end + 1;
    }
    rest.push(chunk.slice(start));
    length += chunk.length - start;
    if (length > bytesMax) {
      throw new CommandError(`line ${number + 1} is longer than ${bytesMax} bytes`);
    }
  }
  const line = complete(new Uint8Array(0));
  if (line.text.trim() !== "") yield line;
}

export async function* chunksOfFile(
  context: Context,
  path: string,
): AsyncGenerator<Uint8Array, void, void> {
  const { disk, clock } = context.ports;
  try {
    const file = disk.open(path, "read");
    try {
      const buffer = new Uint8Array(CHUNK_BYTES);
      for (let offset = 0;;) {
        const count = file.readAt(offset, buffer);
        if (count === 0) return;
        offset += count;
        yield buffer.slice(0, count);
        await clock.yield();
      }
    } finally {
      file.close();
    }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    throw new CommandError(`cannot read ${path}: ${error.reason}`);
  }
}
