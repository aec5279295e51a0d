/**
 * Several files as one input: for each its name (u8 length), its size (u32) and its bytes. Any
 * bytes are some bundle, since what does not fit is cut.
 */

import { ByteWriter, DiskError, fromUtf8, utf8 } from "../../src/base/mod.ts";
import { SimDisk } from "../support/sim_disk.ts";

export type Files = ReadonlyMap<string, Uint8Array>;

export function packFiles(files: Files): Uint8Array {
  const writer = new ByteWriter();
  for (const [path, bytes] of files) {
    writer.u8(utf8(path).length).raw(utf8(path)).bytes(bytes);
  }
  return writer.finish();
}

/** The files are views of `input`. */
export function unpackFiles(input: Uint8Array): Files {
  const files = new Map<string, Uint8Array>();
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  for (let at = 0; at < input.length;) {
    const nameEnd = at + 1 + (input[at] as number);
    if (nameEnd + 4 > input.length) break;
    const name = fromUtf8(input.subarray(at + 1, nameEnd));
    const end = Math.min(input.length, nameEnd + 4 + view.getUint32(nameEnd, true));
    if (name.ok) files.set(name.value, input.subarray(nameEnd + 4, end));
    at = end;
  }
  return files;
}

/** A disk that holds the files, durably; names that cannot be are left out. */
export function diskWith(files: Files): SimDisk {
  const disk = new SimDisk();
  for (const [path, bytes] of files) {
    try {
      const folder = path.split("/").slice(0, -1).join("/");
      disk.makeDirectory(folder);
      const file = disk.open(path, "create");
      file.writeAt(0, bytes);
      file.close();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
  }
  return disk.afterCrash("keep");
}

/** All files below `path`; none when it is a file itself. */
export function filesOn(disk: SimDisk, path: string): Files {
  const files = new Map<string, Uint8Array>();
  for (const name of namesIn(disk, path) ?? []) {
    const inner = `${path}/${name}`;
    if (namesIn(disk, inner) === undefined) files.set(inner, disk.read(inner, FILE_BYTES_MAX));
    else for (const [path, bytes] of filesOn(disk, inner)) files.set(path, bytes);
  }
  return files;
}

function namesIn(disk: SimDisk, path: string): string[] | undefined {
  try {
    return disk.list(path);
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}

const FILE_BYTES_MAX = 1024 * 1024;
