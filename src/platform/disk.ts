/**
 * The Disk port on the operating system's files.
 */

import { statfsSync } from "node:fs";
import {
  type Disk,
  DiskError,
  type DiskErrorCode,
  type DiskFile,
  type DiskLock,
  err,
  ok,
  type OpenMode,
  type Result,
} from "../base/mod.ts";

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
/** Errors that mean that no byte more can be stored. */
const FULL_CODES: readonly unknown[] = ["ENOSPC", "EDQUOT"];

export function nativeDisk(): Disk {
  return {
    open: (path, mode) => new NativeFile(path, openFile(path, mode)),
    read: readWhole,
    list,
    exists,
    permissions(path) {
      const { mode, uid } = guard(path, "stat", () => Deno.statSync(path));
      // Where a system knows neither, files have no such bits that could be wrong.
      return { mode: (mode ?? FILE_MODE) & 0o777, isOwn: uid === null || uid === Deno.uid() };
    },
    makeDirectory(path) {
      guard(path, "make directory", () => {
        Deno.mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
      });
    },
    rename: (from, to) => guard(from, "rename", () => Deno.renameSync(from, to)),
    remove,
    syncDirectory,
    lock,
    freeBytes: (path) =>
      guard(path, "stat file system", () => {
        const { bavail, bsize } = statfsSync(path);
        return bavail * bsize;
      }),
  };
}

class NativeFile implements DiskFile {
  readonly path: string;
  readonly #file: Deno.FsFile;

  constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#file = file;
  }

  readAt(offset: number, buffer: Uint8Array): number {
    return guard(this.path, "read", () => {
      this.#file.seekSync(offset, Deno.SeekMode.Start);
      let filled = 0;
      while (filled < buffer.length) {
        const count = this.#file.readSync(buffer.subarray(filled));
        if (count === null || count === 0) break;
        filled += count;
      }
      return filled;
    });
  }

  writeAt(offset: number, bytes: Uint8Array): void {
    guard(this.path, "write", () => {
      this.#file.seekSync(offset, Deno.SeekMode.Start);
      let written = 0;
      while (written < bytes.length) {
        const count = this.#file.writeSync(bytes.subarray(written));
        // A full device first takes a part without an error; only the next write tells.
        if (count === 0) throw new DiskError("full", this.path, "write", "nothing was written");
        written += count;
      }
    });
  }

  size(): number {
    return guard(this.path, "stat", () => this.#file.statSync().size);
  }

  truncate(sizeBytes: number): void {
    guard(this.path, "truncate", () => this.#file.truncateSync(sizeBytes));
  }

  async sync(): Promise<void> {
    try {
      await this.#file.syncData();
    } catch (error) {
      throw syncError(this.path, "sync", error);
    }
  }

  close(): void {
    guard(this.path, "close", () => this.#file.close());
  }
}

function openFile(path: string, mode: OpenMode): Deno.FsFile {
  return guard(path, "open", () => {
    if (mode === "read") return Deno.openSync(path, { read: true });
    if (mode === "write") return Deno.openSync(path, { read: true, write: true });
    return Deno.openSync(path, { read: true, write: true, createNew: true, mode: FILE_MODE });
  });
}

function readWhole(path: string, sizeBytesMax: number): Uint8Array {
  const file = new NativeFile(path, openFile(path, "read"));
  try {
    const size = file.size();
    if (size > sizeBytesMax) {
      const reason = `${size} bytes, at most ${sizeBytesMax} expected`;
      throw new DiskError("io", path, "read", reason);
    }
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, file.readAt(0, bytes));
  } finally {
    file.close();
  }
}

function list(path: string): string[] {
  try {
    return guard(path, "list", () => Array.from(Deno.readDirSync(path), ({ name }) => name).sort());
  } catch (error) {
    if (error instanceof DiskError && error.code === "missing") return [];
    throw error;
  }
}

function exists(path: string): boolean {
  try {
    guard(path, "stat", () => Deno.lstatSync(path));
    return true;
  } catch (error) {
    if (error instanceof DiskError && error.code === "missing") return false;
    throw error;
  }
}

function remove(path: string): void {
  try {
    guard(path, "remove", () => Deno.removeSync(path));
  } catch (error) {
    if (!(error instanceof DiskError && error.code === "missing")) throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = openFile(path, "read");
  try {
    await directory.sync();
  } catch (error) {
    throw syncError(path, "sync directory", error);
  } finally {
    directory.close();
  }
}

function lock(path: string): Result<DiskLock, DiskError> {
  const file = guard(
    path,
    "lock",
    () => Deno.openSync(path, { read: true, write: true, create: true, mode: FILE_MODE }),
  );
  const held = guard(path, "lock", () => file.tryLockSync(true));
  if (!held) {
    file.close();
    return err(new DiskError("busy", path, "lock", "another process holds the lock"));
  }
  let released = false;
  return ok({
    release(): void {
      if (released) return;
      released = true;
      file.close(); // which gives up the lock
    },
  });
}

function guard<T>(path: string, operation: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof DiskError) throw error;
    throw new DiskError(codeOf(error), path, operation, reasonOf(error));
  }
}

/** After a failed sync nobody knows what is stored, so it never counts as merely "full". */
function syncError(path: string, operation: string, error: unknown): DiskError {
  return new DiskError("io", path, operation, reasonOf(error));
}

function codeOf(error: unknown): DiskErrorCode {
  if (error instanceof Deno.errors.NotFound) return "missing";
  if (error instanceof Deno.errors.AlreadyExists) return "exists";
  if (error instanceof Deno.errors.PermissionDenied) return "denied";
  if (error instanceof Deno.errors.NotCapable) return "denied";
  const code = (error as { code?: unknown }).code;
  if (FULL_CODES.includes(code)) return "full";
  return code === "EROFS" ? "denied" : "io";
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
