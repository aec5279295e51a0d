import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteWriter, decode } from "../../src/base/mod.ts";
import {
  decodeMembership,
  encodeMembership,
  readEntry,
  readPosition,
  readSnapshotRef,
  writeEntry,
  writePosition,
  writeSnapshotRef,
} from "../../src/raft/mod.ts";
import { entryArbitrary, membershipArbitrary, positionArbitrary } from "./arbitraries.ts";

function written<T>(write: (writer: ByteWriter, value: T) => void, value: T): Uint8Array {
  const writer = new ByteWriter();
  write(writer, value);
  return writer.finish();
}

Deno.test("positions, entries and snapshot references read as they were written", () => {
  fc.assert(fc.property(
    positionArbitrary,
    entryArbitrary,
    membershipArbitrary,
    (position, entry, membership) => {
      const snapshot = { position, membership };
      assert.deepEqual(decode(written(writePosition, position), readPosition), {
        ok: true,
        value: position,
      });
      assert.deepEqual(decode(written(writeEntry, entry), readEntry), { ok: true, value: entry });
      assert.deepEqual(decode(written(writeSnapshotRef, snapshot), readSnapshotRef), {
        ok: true,
        value: snapshot,
      });
      assert.deepEqual(decodeMembership(encodeMembership(membership)), {
        ok: true,
        value: membership,
      });
    },
  ));
});

Deno.test("a membership has one spelling: neither a prefix nor an extension of it is one", () => {
  fc.assert(fc.property(membershipArbitrary, (membership) => {
    const bytes = encodeMembership(membership);
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(decodeMembership(bytes.subarray(0, length)).ok, false);
    }
    assert.equal(decodeMembership(new Uint8Array([...bytes, 0])).ok, false);
  }));
});

Deno.test("decoders answer to any bytes, and accept only what they would write themselves", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const entry = decode(bytes, readEntry);
      if (entry.ok) assert.deepEqual(written(writeEntry, entry.value), bytes);
      const snapshot = decode(bytes, readSnapshotRef);
      if (snapshot.ok) assert.deepEqual(written(writeSnapshotRef, snapshot.value), bytes);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("an entry of an unknown kind is refused", () => {
  const bytes = written(writeEntry, {
    index: 1,
    term: 1,
    kind: "noop",
    payload: new Uint8Array(0),
  });
  bytes[16] = 3;
  const entry = decode(bytes, readEntry);
  assert.match(entry.ok ? "" : entry.error, /unknown entry kind 3 at byte 16/);
});
