/**
 * The Disk port in memory. It lasts as long as the object: a node that is stopped and started again
 * on the same disk finds its data.
 */

import {
  type Clock,
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

/** More than anybody looks at: the memory of the process ends first. */
const FREE_BYTES = 2 ** 40;
const CAPACITY_BYTES_MIN = 4096;

type Entry = MemoryInode | "directory";

export class MemoryDisk implements Disk {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>([["/", "directory"]]);
  readonly #locks = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  open(path: string, mode: OpenMode): DiskFile {
    const name = normal(path);
    const found = this.#entries.get(name);
    if (mode !== "create") return new MemoryFile(path, this.#file(path, "open"), this.#clock);
    if (found !== undefined) throw failure("exists", path, "open", "file exists");
    if (this.#entries.get(parentOf(name)) !== "directory") throw missing(path, "open");
    const inode = new MemoryInode();
    this.#entries.set(name, inode);
    return new MemoryFile(path, inode, this.#clock);
  }

  read(path: string, sizeBytesMax: number): Uint8Array {
    const { bytes } = this.#file(path, "read");
    if (bytes.length <= sizeBytesMax) return bytes.slice();
    throw failure("io", path, "read", `longer than ${sizeBytesMax} bytes`);
  }

  list(path: string): string[] {
    const name = normal(path);
    const found = this.#entries.get(name);
    if (found === undefined) return [];
    if (found !== "directory") throw failure("io", path, "list", "not a directory");
    const names = [...this.#entries.keys()].filter((each) => parentOf(each) === name);
    return names.filter((each) => each !== "/").map((each) => each.slice(each.lastIndexOf("/") + 1))
      .sort();
  }

  exists(path: string): boolean {
    return this.#entries.has(normal(path));
  }

  permissions(path: string): { readonly mode: number; readonly isOwn: boolean } {
    const found = this.#entries.get(normal(path));
    if (found === undefined) throw missing(path, "permissions");
    return { mode: found === "directory" ? 0o700 : 0o600, isOwn: true };
  }

  makeDirectory(path: string): void {
    const name = normal(path);
    if (name !== "/") this.makeDirectory(parentOf(name));
    const found = this.#entries.get(name) ?? "directory";
    if (found !== "directory") throw failure("exists", path, "makeDirectory", "a file is there");
    this.#entries.set(name, "directory");
  }

  rename(from: string, to: string): void {
    const inode = this.#file(from, "rename");
    if (this.#entries.get(parentOf(normal(to))) !== "directory") throw missing(to, "rename");
    this.#entries.delete(normal(from));
    this.#entries.set(normal(to), inode);
  }

  remove(path: string): void {
    this.#entries.delete(normal(path));
  }

  async syncDirectory(path: string): Promise<void> {
    if (this.#entries.get(normal(path)) !== "directory") throw missing(path, "syncDirectory");
    await this.#clock.yield();
  }

  lock(path: string): Result<DiskLock, DiskError> {
    const name = normal(path);
    if (this.#locks.has(name)) return err(failure("busy", path, "lock", "held by another node"));
    if (!this.#entries.has(name)) this.open(path, "create").close();
    this.#locks.add(name);
    let held = true;
    const release = (): void => {
      if (held) this.#locks.delete(name);
      held = false;
    };
    return ok({ release });
  }

  freeBytes(): number {
    return FREE_BYTES;
  }

  #file(path: string, operation: string): MemoryInode {
    const found = this.#entries.get(normal(path));
    if (found === undefined) throw missing(path, operation);
    if (found === "directory") throw failure("io", path, operation, "a directory");
    return found;
  }
}

/** What a file holds, however many have it open and whatever its name is by now. */
class MemoryInode {
  #buffer = new Uint8Array(0);
  #size = 0;

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#size);
  }

  write(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    if (end > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#buffer.length, CAPACITY_BYTES_MIN));
      larger.set(this.bytes);
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, offset);
    this.#size = Math.max(this.#size, end);
  }

  /** What is beyond the size is always zero. */
  truncate(sizeBytes: number): void {
    if (sizeBytes > this.#size) this.write(sizeBytes, new Uint8Array(0));
    else this.#buffer.fill(0, sizeBytes, this.#size);
    this.#size = sizeBytes;
  }
}

class MemoryFile implements DiskFile {
  readonly path: string;
  readonly #inode: MemoryInode;
  readonly #clock: Clock;
  #open = true;

  constructor(path: string, inode: MemoryInode, clock: Clock) {
    this.path = path;
    this.#inode = inode;
    this.#clock = clock;
  }

  readAt(offset: number, buffer: Uint8Array): number {
    const part = this.#opened("read").bytes.subarray(offset, offset + buffer.length);
    buffer.set(part);
    return part.length;
  }

  writeAt(offset: number, bytes: Uint8Array): void {
    this.#opened("write").write(offset, bytes);
  }

  size(): number {
    return this.#opened("size").bytes.length;
  }

  truncate(sizeBytes: number): void {
    this.#opened("truncate").truncate(sizeBytes);
  }

  async sync(): Promise<void> {
    this.#opened("sync");
    await this.#clock.yield(); // as a device would: later, and not before the timers that are due
  }

  close(): void {
    this.#open = false;
  }

  #opened(operation: string): MemoryInode {
    if (this.#open) return this.#inode;
    throw failure("io", this.path, operation, "the file is closed");
  }
}

/** Absolute, without empty parts and dots. */
function normal(path: string): string {
  return `/${path.split("/").filter((part) => part !== "" && part !== ".").join("/")}`;
}

function parentOf(name: string): string {
  return name.slice(0, name.lastIndexOf("/")) || "/";
}

function missing(path: string, operation: string): DiskError {
  return failure("missing", path, operation, "no such file or directory");
}

function failure(
  code: DiskErrorCode,
  path: string,
  operation: string,
  reason: string,
): DiskError {
  return new DiskError(code, path, operation, reason);
}
