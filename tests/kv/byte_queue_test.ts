/** The queue of records: what goes in comes out, in order, wherever chunks begin and end. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteQueue, type Place } from "../../src/kv/byte_queue.ts";

/** Most fit many times into a chunk, some hardly once, some not at all. */
const record = fc.oneof(
  { weight: 4, arbitrary: fc.nat(300) },
  { weight: 1, arbitrary: fc.nat(140_000) },
).map((length) => new Uint8Array(length));

Deno.test("ByteQueue is a queue, and finds each record by its place", () => {
  const step = fc.oneof({ weight: 3, arbitrary: record }, fc.constant("shift" as const));
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const queue = new ByteQueue();
    const model: { place: Place; record: Uint8Array }[] = [];
    let last = -1;
    steps.forEach((step, at) => {
      if (step === "shift") {
        if (model.shift() !== undefined) queue.shift();
      } else {
        step.fill(at % 251);
        const place = queue.push(step);
        assert.ok(place > last, "places grow");
        last = place;
        model.push({ place, record: step.slice() });
      }
      assert.equal(queue.size, model.length);
      assert.equal(queue.sizeBytes, model.reduce((sum, { record }) => sum + record.length, 0));
      if (model[0] !== undefined) assert.equal(queue.first, model[0].place);
    });
    for (const { place, record } of model) assert.deepEqual(queue.at(place), record);
    assert.deepEqual([...queue.frozen()], model.map(({ record }) => record));
  }));
});

Deno.test("ByteQueue.frozen() stays what it was, whatever comes and goes meanwhile", () => {
  const queue = new ByteQueue();
  const before = [1, 2, 3].map((byte) => new Uint8Array(30_000).fill(byte));
  for (const record of before) queue.push(record);
  const frozen = queue.frozen();
  for (const _ of before) queue.shift();
  for (let byte = 4; byte < 9; byte++) queue.push(new Uint8Array(30_000).fill(byte));
  assert.deepEqual([...frozen], before);
});
