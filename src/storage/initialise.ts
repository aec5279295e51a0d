/**
 * Makes a new data directory. The identity comes last: a directory without one has never been
 * used, and whatever an interrupted attempt has left is simply made again.
 */

import { type Disk, DiskError } from "../base/mod.ts";
import { ORIGIN } from "../raft/mod.ts";
import { FrameWriter } from "./frame.ts";
import { identityPath, writeIdentity } from "./identity.ts";
import type { Checkpoint } from "./log_shape.ts";
import { createSegment, ID_BYTES } from "./segment.ts";
import type { OpenOptions } from "./types.ts";

const FIRST_SEQUENCE = 1;
/** No frame stands before the first one. */
const NO_CHECK = 0;

export function makeFolders(disk: Disk, path: string): void {
  for (const folder of ["wal", "snapshots", "incoming"]) disk.makeDirectory(`${path}/${folder}`);
}

/** Throws DiskError. */
export async function initialise(options: OpenOptions): Promise<void> {
  const { disk, hash, random, path, cluster, node, bootstrap } = options;
  makeFolders(disk, path);
  const owner = { cluster, node, directory: random.bytes(ID_BYTES) };
  const frame = new FrameWriter(hash);
  const start: Checkpoint = {
    hard: { term: 0, vote: null, commit: 0 },
    mark: { position: ORIGIN, membership: bootstrap },
    last: ORIGIN,
  };
  const segment = await createSegment(disk, frame, {
    walPath: `${path}/wal`,
    sequence: FIRST_SEQUENCE,
    previous: NO_CHECK,
    head: { ...owner, ...start },
  });
  segment.file.close();
  // The folders' own names must not vanish with a power failure that the identity survives.
  await disk.syncDirectory(path);
  for (const ancestor of ancestors(path)) await syncIfAllowed(disk, ancestor);
  await writeIdentity(disk, frame, { path: identityPath(path), owner, boot: 0 });
}

/** A folder that this process may not open is not one that it has just made. */
async function syncIfAllowed(disk: Disk, path: string): Promise<void> {
  try {
    await disk.syncDirectory(path);
  } catch (error) {
    if (!(error instanceof DiskError && error.code === "denied")) throw error;
  }
}

/** The folders that hold `path`, from the inside out. */
export function ancestors(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  const root = path.startsWith("/") ? "/" : ".";
  const folders: string[] = [];
  for (let length = parts.length - 1; length > 0; length--) {
    const inner = parts.slice(0, length).join("/");
    folders.push(root === "/" ? `/${inner}` : inner);
  }
  return [...folders, root];
}
