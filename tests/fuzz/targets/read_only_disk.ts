/** Just enough of a disk to read files from it: a simulated one costs most of a case's time. */

import { type Disk, DiskError, type DiskFile } from "../../../src/base/mod.ts";
import type { Files } from "../bundle.ts";

export class ReadOnlyDisk implements Disk {
  readonly #files: Files;

  constructor(files: Files) {
    this.#files = files;
  }

  list(path: string): string[] {
    return [...this.#files.keys()].filter((name) =>
      name.startsWith(`${path}/`) && !name.includes("/", path.length + 1)
    ).map((name) => name.slice(path.length + 1)).sort();
  }

  read(path: string): Uint8Array {
    const bytes = this.#files.get(path);
    if (bytes === undefined) throw new DiskError("missing", path, "read", "no such file");
    return bytes;
  }

  exists(path: string): boolean {
    return this.#files.has(path);
  }

  open(path: string): DiskFile {
    const bytes = this.read(path);
    return {
      path,
      readAt(offset, buffer) {
        const part = bytes.subarray(offset, offset + buffer.length);
        buffer.set(part);
        return part.length;
      },
      size: () => bytes.length,
      writeAt: refuse,
      truncate: refuse,
      sync: refuse,
      close() {},
    };
  }

  permissions = refuse;
  makeDirectory = refuse;
  rename = refuse;
  remove = refuse;
  syncDirectory = refuse;
  lock = refuse;
  freeBytes = refuse;
}

function refuse(): never {
  throw new Error("nothing is written while a log is read");
}
