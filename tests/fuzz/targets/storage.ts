/** What recovery finds on a disk: segments, snapshots, whole data directories. */

import { hex, utf8 } from "../../../src/base/mod.ts";
import { type Recovered, writeSnapshotRef } from "../../../src/raft/mod.ts";
import { FrameWriter } from "../../../src/storage/frame.ts";
import { inspectDirectory } from "../../../src/storage/mod.ts";
import { recoverLog } from "../../../src/storage/recovery.ts";
import type { Owner } from "../../../src/storage/segment.ts";
import { snapshotName } from "../../../src/storage/snapshot_file.ts";
import { SnapshotFileReader } from "../../../src/storage/snapshot_reader.ts";
import { openDataDirectory } from "../../../src/storage/mod.ts";
import {
  appendAll,
  CLUSTER,
  createSnapshot,
  DATA,
  entries,
  hardState,
  hash,
  type Open,
  openOn,
  optionsFor,
  snapshotAt,
  value,
  write,
} from "../../storage/support.ts";
import { SimDisk } from "../../support/sim_disk.ts";
import { diskWith, type Files, filesOn, packFiles, unpackFiles } from "../bundle.ts";
import type { Target } from "../target.ts";
import { expect, expectPrintable } from "./check.ts";
import { ReadOnlyDisk } from "./read_only_disk.ts";
import { repairStorageFrames } from "./storage_frames.ts";

/** The directory id that the first draws of the seeded generator give. */
const OWNER: Owner = await ownerOf();
const SEGMENT_BYTES = 400;

/** The segments of a log. */
export const wal: Target = {
  name: "wal",
  smokeCases: 5_000,
  seeds: async () => (await directories()).map((files) => packFiles(within(files, "/wal/"))),
  repair: (bytes, random) => repairStorageFrames(bytes, OWNER.directory, random),
  run(input) {
    const disk = new ReadOnlyDisk(unpackFiles(input));
    const found = recoverLog({ disk, hash, walPath: `${DATA}/wal`, owner: OWNER });
    if (!found.ok) {
      expectPrintable(found.error.path, "the path");
      return `${found.error.code} ${found.error.reason}`;
    }
    const { replay, end, segments, decisions, lastFrame } = found.value;
    const { startIndex, lastIndex, mark } = replay.shape;
    const kept = replay.entriesAfter(0);
    expect(lastIndex >= mark.position.index, () => `ends at ${lastIndex}, below its mark`);
    expect(lastFrame.bytes.length > 0 && end.sequence > 0, () => "there is no last frame");
    const sizeBytes = kept.reduce((sum, { payload }) => sum + payload.length + 22, 0);
    expect(sizeBytes <= input.length, () => `${sizeBytes} bytes of entries`);
    kept.forEach(({ index }, at) =>
      expect(index === startIndex + 1 + at, () => `entry ${index} at ${startIndex}+${at}`)
    );
    const rows = decisions.map(({ row }) => row);
    return `${segments.length} segments, ${kept.length > 0} ${rows}`;
  },
};

/** All files of a data directory. */
export const directory: Target = {
  name: "directory",
  smokeCases: 500,
  allocationBytesBase: 8 * 1024 * 1024,
  seeds: async () => (await directories()).map(packFiles),
  repair: (bytes, random) => repairStorageFrames(bytes, OWNER.directory, random),
  async run(input) {
    const disk = diskWith(unpackFiles(input));
    inspectDirectory({ disk, hash, path: DATA, print: (line) => expectPrintable(line, "a line") });
    const before = contentText(disk);
    const opened = await openDataDirectory(optionsFor(disk));
    if (!opened.ok) {
      const { code, reason } = opened.error;
      expect(contentText(disk) === before, () => `a refusal changed something: ${reason}`);
      return `${code} ${reason.replace(/\(it is node.*/, "")}`; // its name would be a new one each time
    }
    const { recovered, identity, decisions } = opened.value;
    await opened.value.release();
    // What was found once is found again, on a disk that lost all that was not synced.
    const again = await openDataDirectory(optionsFor(disk.afterCrash("drop")));
    expect(again.ok, () => `the second start: ${JSON.stringify(again)}`);
    if (!again.ok) return "";
    await again.value.release();
    expect(again.value.identity.boot === identity.boot + 1, () => "starts are not counted");
    const [first, second] = [recovered, again.value.recovered].map(recoveredText);
    expect(first === second, () => `found ${first}, then ${second}`);
    return `open ${decisions.map(({ row }) => row)}`;
  },
};

/** One snapshot file. */
export const snapshots: Target = {
  name: "snapshots",
  smokeCases: 10_000,
  seeds: async () => {
    const all = (await directories()).flatMap((
      files,
    ) => [...within(files, "/snapshots/").values()]);
    return all.map((bytes) => bytes.slice());
  },
  repair: (bytes, random) => repairStorageFrames(bytes, OWNER.directory, random),
  run(input) {
    const path = snapshotName({ index: 6, term: 2 });
    const file = new ReadOnlyDisk(new Map([[path, input]])).open(path);
    let closed = 0;
    const position = { index: 6, term: 2 };
    const expected = { hash, cluster: CLUSTER, position, closed: () => closed++ };
    const opened = SnapshotFileReader.open(file, expected);
    if (!opened.ok) return `${opened.error.code} ${opened.error.reason}`;
    const reader = opened.value;
    let sizeBytes = 0;
    for (;;) {
      const block = reader.next();
      if (!block.ok) return `${sizeBytes > 0} ${block.error.code} ${block.error.reason}`;
      if (block.value === undefined) break;
      sizeBytes += block.value.length;
    }
    expect(sizeBytes <= input.length, () => `${sizeBytes} bytes in blocks`);
    expect(reader.digest !== undefined, () => "a complete snapshot without a digest");
    const raw = reader.readRaw(0, 2 ** 31);
    expect(raw.ok && raw.value.length === input.length, () => "raw bytes are missing");
    reader.close();
    expect(closed === 1, () => `closed ${closed} times`);
    return "complete";
  },
};

/** Directories after different lives: new, with several segments, with snapshots, retired. */
async function directories(): Promise<Files[]> {
  const stages: Files[] = [];
  const disk = new SimDisk();
  const opened = await openOn(disk, { segmentBytes: SEGMENT_BYTES });
  stages.push(filesOn(disk, DATA));
  await appendAll(opened, [
    write(1, { hard: hardState(1, "n1"), entries: entries(1, 3, 1) }),
    write(2, { hard: hardState(2, null, 2), truncateFrom: 3, entries: entries(3, 6, 2) }),
  ]);
  stages.push(filesOn(disk, DATA));
  const snapshot = snapshotAt(6, 2);
  await createSnapshot(opened, snapshot, [utf8("one"), utf8("another block")]);
  await appendAll(opened, [write(3, { snapshot, entries: entries(7, 9, 2) })]);
  stages.push(filesOn(disk, DATA));
  await fill(opened);
  stages.push(filesOn(disk, DATA));
  value(await opened.retire(6));
  stages.push(filesOn(disk, DATA));
  await opened.release();
  return stages.map(withoutLock);
}

/** Writes until there are more segments. */
async function fill(opened: Open): Promise<void> {
  for (let index = 10; index < 20; index += 2) {
    await appendAll(opened, [write(index, { entries: entries(index, index + 1, 3) })]);
  }
}

async function ownerOf(): Promise<Owner> {
  const opened = await openOn(new SimDisk());
  await opened.release();
  return opened.identity;
}

function withoutLock(files: Files): Files {
  return new Map([...files].filter(([path]) => !path.endsWith("/LOCK")));
}

function within(files: Files, folder: string): Files {
  return new Map([...files].filter(([path]) => path.includes(folder)));
}

function contentText(disk: SimDisk): string {
  const files = withoutLock(filesOn(disk, DATA));
  return [...files].map(([path, bytes]) => `${path} ${hex(bytes)}`).join("\n");
}

function recoveredText({ hard, snapshot, entries }: Recovered): string {
  const writer = new FrameWriter(hash).begin();
  writeSnapshotRef(writer, snapshot);
  const log = entries.map(({ index, term, kind, payload }) =>
    `${index}@${term} ${kind} ${hex(payload)}`
  );
  return `${JSON.stringify(hard)} ${hex(writer.view())} ${log.join()}`;
}
