/** How writes are cut into frames. */

import assert from "node:assert/strict";
import { limits } from "../../src/base/mod.ts";
import { WriteQueue } from "../../src/storage/batch.ts";
import { FrameWriter } from "../../src/storage/frame.ts";
import { LogShape } from "../../src/storage/log_shape.ts";
import { readRecords } from "../../src/storage/records.ts";
import { entry, hardState, hash, snapshotAt, write } from "./support.ts";

Deno.test("WriteQueue.take() never parts what comes before the entries of a write", () => {
  const room = limits.walFrameBytesMax - 6_000; // for one of three records, as they are counted
  const queue = new WriteQueue();
  queue.push(write(1, { entries: [entry(1, 1, new Uint8Array(room))] }));
  queue.push(write(2, {
    hard: hardState(2, null, 1),
    truncateFrom: 1,
    snapshot: snapshotAt(5, 2),
    entries: [entry(6, 2, "behind the snapshot")],
  }));
  const last = { index: 0, term: 0 };
  const shape = new LogShape({ hard: hardState(1), mark: snapshotAt(0, 0), last });
  const frames: string[][] = [];
  while (queue.length > 0) {
    const frame = new FrameWriter(hash);
    queue.take(frame, shape);
    const kinds: string[] = [];
    const payload = frame.payload.view().slice(-frame.lengthBytes);
    readRecords(payload, (record) => {
      kinds.push(record.kind);
      return { ok: true, value: undefined };
    });
    frames.push(kinds);
  }
  assert.deepEqual(frames, [["entry"], ["hard", "truncate", "mark", "entry"]]);
});
