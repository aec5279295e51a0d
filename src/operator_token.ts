/**
 * The file with which whoever can read a node's own files proves that: `operator.token`.
 */

import { type Disk, DiskError, err, ok, type Result, type Secret, utf8 } from "./base/mod.ts";

const FILE = "operator.token";

/** Puts `text` into the file, which only its owner can read, or removes it where there is none. */
export async function writeOperatorToken(
  disk: Disk,
  directory: string,
  text: Secret | undefined,
): Promise<Result<void, string>> {
  const path = `${directory}/${FILE}`;
  const unfinished = `${path}.new`;
  try {
    disk.remove(unfinished);
    if (text === undefined) return ok(disk.remove(path));
    const file = disk.open(unfinished, "create");
    try {
      file.writeAt(0, utf8(`${text.reveal()}\n`));
      await file.sync();
    } finally {
      file.close();
    }
    disk.rename(unfinished, path);
    return ok();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return err(`cannot write ${path}: ${error.reason}`);
  }
}
