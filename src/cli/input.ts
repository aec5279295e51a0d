/** What a command takes from a file or from standard input. */

import { DiskError, limits } from "../base/mod.ts";
import type { Context } from "./context.ts";
import { CommandError } from "./error.ts";

export function readFile(context: Context, path: string): Uint8Array {
  const { disk } = context.ports;
  try {
    const file = disk.open(path, "read");
    try {
      const size = file.size();
      if (size > limits.valueBytesCeiling) throw tooLarge(path);
      const value = new Uint8Array(size);
      return value.subarray(0, file.readAt(0, value));
    } finally {
      file.close();
    }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    throw new CommandError(`cannot read ${path}: ${error.reason}`);
  }
}

export function tooLarge(what: string): CommandError {
  return new CommandError(
    `${what} is longer than ${limits.valueBytesCeiling} bytes, more than any node accepts`,
  );
}
