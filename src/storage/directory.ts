import type { Result } from "../base/mod.ts";
import type { StorageError } from "./errors.ts";
import type { DataDirectory, OpenOptions } from "./types.ts";

/** Locks, checks and recovers the data directory at `path`; makes it when there is none. */
export function openDataDirectory(
  _options: OpenOptions,
): Promise<Result<DataDirectory, StorageError>> {
  throw new Error("not written yet");
}
