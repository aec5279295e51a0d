import assert from "node:assert/strict";
import { halfSipHash } from "../../src/base/mod.ts";

Deno.test("halfSipHash() gives what its authors published", () => {
  const key = { low: 0x0302_0100, high: 0x0706_0504 };
  // Of the inputs 00, 01 … of that length, by the reference implementation's vectors_hsip32.
  const expected = [0x5b9f35a9, 0xb85a4727, 0x03a662fa, 0x04e7fe8a, 0x89466e2a, 0x69b6fac5];
  const actual = expected.map((_, length) => {
    return halfSipHash(key, Uint8Array.from({ length }, (_, i) => i));
  });
  assert.deepEqual(actual, expected);
  const long = Uint8Array.from({ length: 17 }, (_, i) => i);
  assert.equal(halfSipHash(key, long), 0x5b6474c4);
});
