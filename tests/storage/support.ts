/** A data directory under test: fixed identities, and events that are kept instead of acted on. */

import assert from "node:assert/strict";
import { type Disk, type Log, type Result, utf8 } from "../../src/base/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";
import type { Entry, HardState, Membership, SnapshotRef, Write } from "../../src/raft/mod.ts";
import {
  type DataDirectory,
  openDataDirectory,
  type OpenOptions,
  type StorageError,
} from "../../src/storage/mod.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

export const hash = nativeHash();
export const DATA = "data";
export const CLUSTER = utf8("cluster-16-bytes");
export const BOOTSTRAP: Membership = {
  voters: [{ id: "n1", directory: "" }, { id: "n2", directory: "" }, { id: "n3", directory: "" }],
  learners: [],
};

export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLog,
};

/** What the log has told its owner. */
export class Events {
  readonly stored: Write[] = [];
  readonly failures: StorageError[] = [];
  readonly full: StorageError[] = [];
  spaceCount = 0;
  /** Called for each batch of stored writes. */
  onBatch: ((writes: readonly Write[]) => void) | undefined;

  onStored(writes: readonly Write[]): void {
    this.stored.push(...writes);
    this.onBatch?.(writes);
  }
  onFailure(error: StorageError): void {
    this.failures.push(error);
  }
  onFull(error: StorageError): void {
    this.full.push(error);
  }
  onSpace(): void {
    this.spaceCount++;
  }
}

export type Overrides = Partial<Omit<OpenOptions, "settings" | "events">> & {
  segmentBytes?: number;
  events?: Events;
  seed?: number;
};

export function optionsFor(disk: Disk, overrides: Overrides = {}): OpenOptions {
  const { segmentBytes = 64 * 1024 * 1024, events = new Events(), seed = 1, ...rest } = overrides;
  return {
    disk,
    hash,
    random: new SeededRandom(seed),
    clock: new VirtualClock(),
    log: silentLog,
    path: DATA,
    cluster: CLUSTER,
    node: "n1",
    bootstrap: BOOTSTRAP,
    settings: { segmentBytes },
    events: {
      onStored: (writes) => events.onStored(writes),
      onFailure: (error) => events.onFailure(error),
      onFull: (error) => events.onFull(error),
      onSpace: () => events.onSpace(),
    },
    ...rest,
  };
}

export type Open = DataDirectory & { events: Events };

export async function openOn(disk: Disk, overrides: Overrides = {}): Promise<Open> {
  const events = overrides.events ?? new Events();
  const opened = await openDataDirectory(optionsFor(disk, { ...overrides, events }));
  return { ...value(opened), events };
}

export async function refusalOn(disk: Disk, overrides: Overrides = {}): Promise<StorageError> {
  const opened = await openDataDirectory(optionsFor(disk, overrides));
  if (opened.ok) await opened.value.release();
  assert.ok(!opened.ok, "it must be refused");
  return opened.error;
}

export function value<T>(result: Result<T, unknown>): T {
  if (!result.ok) assert.fail(JSON.stringify(result.error));
  return result.value;
}

export function failure<E>(result: Result<unknown, E>): E {
  assert.ok(!result.ok, "it must fail");
  return result.error;
}

export function entry(index: number, term: number, payload: Uint8Array | string = ""): Entry {
  const bytes = typeof payload === "string" ? utf8(payload) : payload;
  return { index, term, kind: "command", payload: bytes };
}

/** Entries `from` to `to`, each with its position as payload. */
export function entries(from: number, to: number, term: number): Entry[] {
  const all: Entry[] = [];
  for (let index = from; index <= to; index++) all.push(entry(index, term, `${index}@${term}`));
  return all;
}

export function write(id: number, parts: Partial<Write>): Write {
  return { id, entries: [], thenSend: [], ...parts };
}

export function hardState(term: number, vote: string | null = null, commit = 0): HardState {
  return { term, vote, commit };
}

export function snapshotAt(index: number, term: number): SnapshotRef {
  return { position: { index, term }, membership: BOOTSTRAP };
}

export async function appendAll(directory: Open, writes: readonly Write[]): Promise<void> {
  const wanted = directory.events.stored.length + writes.length;
  for (const one of writes) directory.wal.append(one);
  await until(() => directory.events.stored.length >= wanted);
}

/** Lets promises settle until `holds`; a test on the simulated disk needs no real time. */
export async function until(holds: () => boolean, turns = 10_000): Promise<void> {
  for (let turn = 0; turn < turns && !holds(); turn++) await Promise.resolve();
  assert.ok(holds(), "it never happened");
}

/** A snapshot file of `blocks` blocks, as the state machine would write it. */
export async function createSnapshot(
  directory: DataDirectory,
  ref: SnapshotRef,
  blocks: readonly Uint8Array[] = [utf8("state")],
): Promise<void> {
  const writer = value(directory.snapshots.create(ref));
  for (const block of blocks) value(await writer.append(block));
  value(await writer.finish(`digest of ${ref.position.index}`));
}

/** The entries as `1@1:payload`, to compare and to read. */
export function shown(list: readonly Entry[]): string[] {
  return list.map(({ index, term, payload }) =>
    `${index}@${term}:${new TextDecoder().decode(payload)}`
  );
}

/** Flips bits or cuts bytes of a file, as rot and interrupted writes would, on any disk. */
export function overwrite(disk: Disk, path: string, offset: number, bytes: Uint8Array): void {
  const file = disk.open(path, "write");
  file.writeAt(offset, bytes);
  file.close();
}

export function cutTo(disk: Disk, path: string, sizeBytes: number): void {
  const file = disk.open(path, "write");
  file.truncate(sizeBytes);
  file.close();
}
