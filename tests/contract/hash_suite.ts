/** What every Hash must do: the published test vectors of both functions. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, type Hash, hex, utf8 } from "../../src/base/mod.ts";

export function hashSuite(name: string, make: () => Hash): void {
  Deno.test(`${name} crc32() is CRC-32 (IEEE)`, () => {
    const hash = make();
    assert.equal(hash.crc32(utf8("")), 0);
    assert.equal(hash.crc32(utf8("123456789")), 0xcbf43926);
    assert.equal(hash.crc32(new Uint8Array(32)), 0x190a55ad);
  });

  Deno.test(`${name} crc32() continues from a seed`, () => {
    const hash = make();
    fc.assert(fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      return hash.crc32(b, hash.crc32(a)) === hash.crc32(concat([a, b]));
    }));
  });

  Deno.test(`${name} sha256() is SHA-256`, () => {
    const hash = make();
    assert.equal(
      hex(hash.sha256(utf8(""))),
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    assert.equal(
      hex(hash.sha256(utf8("abc"))),
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });

  Deno.test(`${name} hashes a view by what it shows, not by what is behind it`, () => {
    const hash = make();
    const view = utf8("xxabcxx").subarray(2, 5);
    assert.equal(hash.crc32(view), hash.crc32(utf8("abc")));
    assert.deepEqual(hash.sha256(view), hash.sha256(utf8("abc")));
  });
}
