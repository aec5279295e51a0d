/** The queue of records: what goes in comes out, in order, wherever chunks begin and end. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, setU32At, u32At } from "../../src/base/mod.ts";
import { ByteQueue, type Place } from "../../src/kv/byte_queue.ts";

const BYTES_MAX = 1_000;

/** A record begins with its length. */
const lengthAt = (bytes: Uint8Array, at: number) => u32At(bytes, at);

function recordOf(length: number, byte: number): Uint8Array {
  const record = new Uint8Array(Math.max(4, length)).fill(byte);
  setU32At(record, 0, record.length);
  return record;
}

/** Most fit many times into a chunk, some hardly once, some not at all. */
const length = fc.oneof(
  { weight: 4, arbitrary: fc.nat(300) },
  { weight: 1, arbitrary: fc.nat(140_000) },
);

Deno.test("ByteQueue is a queue, and finds each record by its place", () => {
  const step = fc.oneof({ weight: 3, arbitrary: length }, fc.constant("shift" as const));
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const queue = new ByteQueue(lengthAt);
    const model: { place: Place; record: Uint8Array }[] = [];
    let last = -1;
    steps.forEach((step, at) => {
      if (step === "shift") {
        if (model.shift() !== undefined) queue.shift();
      } else {
        const record = recordOf(step, at % 251);
        const place = queue.push(record);
        assert.ok(place > last, "places grow");
        last = place;
        model.push({ place, record });
      }
      assert.equal(queue.size, model.length);
      assert.equal(queue.sizeBytes, model.reduce((sum, { record }) => sum + record.length, 0));
      if (model[0] !== undefined) assert.equal(queue.first, model[0].place);
    });
    for (const { place, record } of model) assert.deepEqual(queue.at(place), record);
    const runs = [...queue.frozen(BYTES_MAX)];
    assert.deepEqual(
      concat(runs.map(({ bytes }) => bytes)),
      concat(model.map(({ record }) => record)),
    );
    assert.equal(runs.reduce((sum, { count }) => sum + count, 0), model.length);
    for (const { count, bytes } of runs) assert.ok(count === 1 || bytes.length <= BYTES_MAX);
  }));
});

Deno.test("ByteQueue.frozen() stays what it was, whatever comes and goes meanwhile", () => {
  const queue = new ByteQueue(lengthAt);
  const before = [1, 2, 3].map((byte) => recordOf(30_000, byte));
  for (const record of before) queue.push(record);
  const frozen = queue.frozen(1);
  for (const _ of before) queue.shift();
  for (let byte = 4; byte < 9; byte++) queue.push(recordOf(30_000, byte));
  assert.deepEqual([...frozen].map(({ bytes }) => bytes), before);
});
