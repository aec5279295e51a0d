/**
 * Opens the data directory: lock, identity, recovery, and only then the first change. A refusal
 * leaves every byte as it was found.
 */

import { assert, err, hex, ok, type Result, u32At } from "../base/mod.ts";
import type { Index, Recovered } from "../raft/mod.ts";
import { decide, DIRECTORY_TABLE, type DirectoryConditions } from "./decision.ts";
import { attempt, attemptAsync, type StorageError, storageError } from "./errors.ts";
import { frameBytes, FrameWriter } from "./frame.ts";
import { identityPath, readIdentity, writeIdentity } from "./identity.ts";
import { initialise, makeFolders } from "./initialise.ts";
import {
  type FoundLog,
  type FoundState,
  recoverLog,
  recoverState,
  segmentSequences,
} from "./recovery.ts";
import { compareOwner, segmentName, TEMPORARY } from "./segment.ts";
import { SnapshotFiles } from "./snapshots.ts";
import type { DataDirectory, Decision, Identity, OpenOptions } from "./types.ts";
import { SegmentedWal } from "./wal.ts";
import { explain } from "./walk.ts";

/** Locks, checks and recovers the data directory at `path`; makes it when there is none. */
export async function openDataDirectory(
  options: OpenOptions,
): Promise<Result<DataDirectory, StorageError>> {
  const { disk, path } = options;
  assert(options.cluster.length === 16, "a cluster id has 16 bytes");
  assert(options.node !== "", "a node has a name");
  const made = attempt(() => disk.makeDirectory(path));
  if (!made.ok) return made;
  const locked = attempt(() => disk.lock(`${path}/LOCK`));
  if (!locked.ok) return locked;
  if (!locked.value.ok) {
    const reason = "the data directory is in use by another process";
    return err(storageError("busy", path, reason));
  }
  const lock = locked.value.value;
  const opened = await openLocked(options);
  if (!opened.ok) {
    lock.release();
    return opened;
  }
  const { wal } = opened.value;
  return ok(Object.assign(opened.value, {
    async release() {
      await wal.close();
      lock.release();
    },
  }));
}

type Opened = Omit<DataDirectory, "release" | "wal"> & { readonly wal: SegmentedWal };

async function openLocked(options: OpenOptions): Promise<Result<Opened, StorageError>> {
  const judged = judgeDirectory(options);
  if (!judged.ok) return judged;
  if (judged.value === undefined) {
    const initialised = await attemptAsync(() => initialise(options));
    if (!initialised.ok) return initialised;
  }
  const before = readIdentity(options.disk, options.hash, identityPath(options.path));
  if (!before.ok) return before;
  assert(before.value !== undefined, "an initialised directory has an identity");
  return await recover(options, before.value);
}

/** The identity; undefined when the directory is to be initialised. */
function judgeDirectory(options: OpenOptions): Result<Identity | undefined, StorageError> {
  const { disk, hash, path } = options;
  const read = readIdentity(disk, hash, identityPath(path));
  if (!read.ok && read.error.code !== "corrupt" && read.error.code !== "version") return read;
  const found = attempt(() => ({
    log: logCondition(options),
    snapshots: disk.list(`${path}/snapshots`).some((name) => !name.endsWith(TEMPORARY)),
  }));
  if (!found.ok) return found;
  const identity = identityCondition(read, options);
  const row = decide(DIRECTORY_TABLE, { identity, ...found.value });
  if (row.action === "refuse") {
    const reason = explain(row.reason, describeIdentity(read, options));
    return err(storageError(row.code ?? "corrupt", identityPath(path), reason));
  }
  return row.action === "initialise" || !read.ok ? ok(undefined) : read;
}

function identityCondition(
  read: Result<Identity | undefined, StorageError>,
  options: OpenOptions,
): DirectoryConditions["identity"] {
  if (!read.ok) return read.error.code === "version" ? "newer" : "damaged";
  if (read.value === undefined) return "absent";
  const { cluster, node } = options;
  const owner = compareOwner(read.value, { cluster, node, directory: read.value.directory });
  return owner === "otherCluster" || owner === "otherNode" ? owner : "sound";
}

function describeIdentity(
  read: Result<Identity | undefined, StorageError>,
  options: OpenOptions,
): string | undefined {
  if (!read.ok) return read.error.reason;
  if (read.value === undefined) return undefined;
  const { cluster, node } = read.value;
  return `it is node ${node} of cluster ${hex(cluster)}, ` +
    `this process is node ${options.node} of cluster ${hex(options.cluster)}`;
}

function logCondition({ disk, path }: OpenOptions): DirectoryConditions["log"] {
  const walPath = `${path}/wal`;
  const sequences = segmentSequences(disk, walPath);
  if (sequences.length === 0) return "none";
  if (sequences.length > 1 || sequences[0] !== 1) return "used";
  const file = attempt(() => disk.open(`${walPath}/${segmentName(1)}`, "read"));
  if (!file.ok) return "used"; // whatever it is, it is nothing to write over
  try {
    // A head frame and nothing behind it. Its check matters not: damage is for recovery to find.
    const start = new Uint8Array(12);
    const lengthBytes = file.value.readAt(0, start) < start.length ? 0 : u32At(start, 8);
    return file.value.size() === frameBytes(lengthBytes) ? "fresh" : "used";
  } finally {
    file.value.close();
  }
}

async function recover(
  options: OpenOptions,
  before: Identity,
): Promise<Result<Opened, StorageError>> {
  const { disk, hash, clock, cluster, path } = options;
  const walPath = `${path}/wal`;
  const snapshotsPath = `${path}/snapshots`;
  const incomingPath = `${path}/incoming`;
  const log = recoverLog({ disk, hash, walPath, owner: before });
  if (!log.ok) return log;
  const snapshots = new SnapshotFiles({
    disk,
    hash,
    clock,
    cluster,
    path: snapshotsPath,
    incomingPath,
  });
  const state = recoverState(log.value.replay, snapshots, snapshotsPath);
  if (!state.ok) return state;
  const identity = { ...before, boot: before.boot + 1 };
  const settled = await attemptAsync(() => settle(options, log.value, identity));
  if (!settled.ok) return settled;
  const decisions = [...log.value.decisions, ...state.value.decisions];
  report(options, identity, decisions);
  return ok(assemble(options, { log: log.value, state: state.value, identity, snapshots }));
}

/** The first changes: what was only in the page cache becomes durable, what is torn goes. */
async function settle(options: OpenOptions, log: FoundLog, identity: Identity): Promise<void> {
  const { disk, path, hash } = options;
  const file = disk.open(log.lastFrame.path, "write");
  try {
    if (log.cut !== undefined) file.truncate(log.cut.offset);
    // The process before may have died between a failed sync and its exit. The kernel then calls
    // pages clean that never reached the device, and a sync alone would skip them: only writing
    // the frame again makes sure. All frames before it are durable (W2).
    file.writeAt(log.lastFrame.offset, log.lastFrame.bytes);
    await file.sync();
  } finally {
    file.close();
  }
  makeFolders(disk, path);
  for (const folder of ["wal", "snapshots"]) {
    const folderPath = `${path}/${folder}`;
    const names = disk.list(folderPath).filter((name) => name.endsWith(TEMPORARY));
    for (const name of names) disk.remove(`${folderPath}/${name}`);
    await disk.syncDirectory(folderPath);
  }
  const { boot } = identity;
  const owner = { ...identity };
  await writeIdentity(disk, new FrameWriter(hash), { path: identityPath(path), owner, boot });
}

function report(
  options: OpenOptions,
  identity: Identity,
  decisions: readonly Decision[],
): void {
  const { log, path } = options;
  for (const { row, path, offset, reason } of decisions) {
    log.warn("recovery decision", { row, path, offset, reason });
  }
  log.info("data directory open", {
    path,
    directory: hex(identity.directory),
    boot: identity.boot,
  });
}

function assemble(
  options: OpenOptions,
  parts: { log: FoundLog; state: FoundState; identity: Identity; snapshots: SnapshotFiles },
): Opened {
  const { disk, hash, clock, path, settings, events } = options;
  const { log, state, identity, snapshots } = parts;
  snapshots.startFrom(state.snapshot);
  const wal = new SegmentedWal(
    { disk, hash, clock, path: `${path}/wal`, owner: identity, settings, events },
    {
      segments: log.segments,
      end: log.end,
      roomEnd: log.fileBytes,
      shape: state.shape,
      newSegment: log.cut !== undefined || state.fellBack,
    },
  );
  const decisions = [...log.decisions, ...state.decisions];
  let recovered: Recovered | null = state.recovered;
  return {
    identity,
    get recovered() {
      assert(recovered !== null, "what was recovered is read before it is forgotten");
      return recovered;
    },
    forgetRecovered() {
      recovered = null;
    },
    wal,
    snapshots,
    decisions,
    async retire(index: Index) {
      const through = await wal.retire(index);
      return wal.status().state === "failed" ? ok() : await snapshots.retire(through);
    },
  };
}
