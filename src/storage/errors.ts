/**
 * What can go wrong in a data directory, as a value that a person can act on: which file, which
 * byte, why, and what to do now. Exceptions of the Disk port end here.
 */

import { DiskError, err, ok, type Result } from "../base/mod.ts";

export type StorageErrorCode =
  /** Another process holds the lock of the data directory. */
  | "busy"
  /** The directory or a file in it belongs to another cluster, node or data directory. */
  | "foreign"
  /** Bytes that were once durable are not what was written. */
  | "corrupt"
  /** A file that must be there is not. */
  | "missing"
  /** Written by a newer version of the format. */
  | "version"
  /** No space left on the file system. */
  | "full"
  /** The operating system refused access. */
  | "denied"
  /** The device or file system reported any other failure. */
  | "io"
  /** The caller's input does not fit: another size, offset or position than agreed. */
  | "mismatch";

export type StorageError = {
  readonly code: StorageErrorCode;
  readonly path: string;
  /** Where in the file, in bytes. */
  readonly offset?: number;
  /** One clause that says what was found. */
  readonly reason: string;
  /** One sentence that says what to do. */
  readonly remedy: string;
};

/** The cure for data that cannot be trusted: never by guessing, always from the other members. */
const RESTORE_FROM_PEERS =
  "Restore this node from its peers: move the data directory aside and replace the member " +
  "(docs/runbooks.md, “A node lost its data”).";

const REMEDIES: Record<StorageErrorCode, string> = {
  busy: "Stop the other process, or give this node a data directory of its own.",
  foreign: "Point this node at its own data directory, or correct the cluster or the identity.",
  corrupt: RESTORE_FROM_PEERS,
  missing: RESTORE_FROM_PEERS,
  version: "Start the version of Keva that wrote this directory, or a newer one.",
  full: "Free space on this file system; what is stored is safe.",
  denied: "Give the user that runs Keva read and write access to the data directory.",
  io: "Check the device and its file system, then start again.",
  mismatch: "Start the transfer again from its beginning.",
};

export function storageError(
  code: StorageErrorCode,
  path: string,
  reason: string,
  offset?: number,
): StorageError {
  const where = offset === undefined ? {} : { offset };
  return { code, path, ...where, reason, remedy: REMEDIES[code] };
}

/** The error as one line for a log or a terminal. */
export function describeStorageError(error: StorageError): string {
  const where = error.offset === undefined ? error.path : `${error.path} at byte ${error.offset}`;
  return `${where}: ${error.reason}. ${error.remedy}`;
}

export function fromDiskError(error: DiskError): StorageError {
  const code = error.code === "exists" ? "io" : error.code;
  return storageError(code, error.path, `${error.operation} failed: ${error.reason}`);
}

/** Runs disk calls; a {@link DiskError} becomes a Result, any other exception is a bug and flies. */
export function attempt<T>(run: () => T): Result<T, StorageError> {
  try {
    return ok(run());
  } catch (error) {
    if (error instanceof DiskError) return err(fromDiskError(error));
    throw error;
  }
}

/** {@link attempt} for calls that wait for the device. */
export async function attemptAsync<T>(run: () => Promise<T>): Promise<Result<T, StorageError>> {
  try {
    return ok(await run());
  } catch (error) {
    if (error instanceof DiskError) return err(fromDiskError(error));
    throw error;
  }
}
