import assert from "node:assert/strict";
import fc from "fast-check";
import { compareBytes, hex, prefixEnd, successor } from "../../src/base/mod.ts";

const bytes = fc.uint8Array({ maxLength: 4, max: 255 });

Deno.test("compareBytes() orders as the hexadecimal text does", () => {
  fc.assert(fc.property(bytes, bytes, (a, b) => {
    const [x, y] = [hex(a), hex(b)];
    assert.equal(Math.sign(compareBytes(a, b)), x < y ? -1 : x > y ? 1 : 0);
  }));
});

Deno.test("prefixEnd() is behind all that begin with the prefix, and before all others behind", () => {
  fc.assert(fc.property(bytes, bytes, (prefix, other) => {
    const end = prefixEnd(prefix);
    const from = compareBytes(other, prefix) >= 0;
    const inRange = from && (end === null || compareBytes(other, end) < 0);
    assert.equal(inRange, hex(other).startsWith(hex(prefix)));
  }));
  assert.equal(prefixEnd(Uint8Array.of(255, 255)), null);
  assert.deepEqual(prefixEnd(Uint8Array.of(1, 255)), Uint8Array.of(2));
});

Deno.test("successor() leaves nothing in between", () => {
  fc.assert(fc.property(bytes, bytes, (one, other) => {
    const next = successor(one);
    assert.ok(compareBytes(one, next) < 0);
    assert.ok(compareBytes(other, one) <= 0 || compareBytes(other, next) >= 0);
  }));
});
