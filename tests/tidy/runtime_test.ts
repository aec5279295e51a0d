/** The runtime that is cut out of another program ends where its ELF image ends. */

import assert from "node:assert/strict";
import { elfImage } from "../../tools/runtime.ts";

/** A program whose section headers, `count` of 64 bytes, begin at `offset`. */
function program(offset: number, count: number, appended: number): Uint8Array {
  const bytes = new Uint8Array(offset + count * 64 + appended);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2]);
  view.setBigUint64(0x28, BigInt(offset), true);
  view.setUint16(0x3a, 64, true);
  view.setUint16(0x3c, count, true);
  return bytes;
}

Deno.test("elfImage() cuts off what was appended", () => {
  assert.equal(elfImage(program(1000, 3, 500)).length, 1000 + 3 * 64);
  assert.equal(elfImage(program(1000, 3, 0)).length, 1000 + 3 * 64);
});

Deno.test("elfImage() refuses what is not a 64-bit ELF file", () => {
  assert.throws(() => elfImage(new Uint8Array(10)), /not a 64-bit ELF file/);
  assert.throws(() => elfImage(new Uint8Array(100)), /not a 64-bit ELF file/);
});
