/** The writer and the reader under every codec. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ByteReader,
  ByteWriter,
  decode,
  DecodeError,
  fromUtf8,
  printable,
  utf8,
} from "../../src/base/mod.ts";

type Step = {
  readonly write: (writer: ByteWriter) => void;
  readonly read: (reader: ByteReader) => unknown;
  readonly value: unknown;
};

const wellFormed = fc.string({ unit: "binary" }).filter((text) => text.isWellFormed());

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.nat(0xff).map((value): Step => ({ write: (w) => w.u8(value), read: (r) => r.u8(), value })),
  fc.nat(0xffff).map((value): Step => ({
    write: (w) => w.u16(value),
    read: (r) => r.u16(),
    value,
  })),
  fc.nat(0xffffffff).map((value): Step => ({
    write: (w) => w.u32(value),
    read: (r) => r.u32(),
    value,
  })),
  fc.maxSafeNat().map((value): Step => ({
    write: (w) => w.u64(value),
    read: (r) => r.u64(),
    value,
  })),
  fc.uint8Array().map((value): Step => ({
    write: (w) => w.bytes(value),
    read: (r) => r.bytes(),
    value,
  })),
  fc.uint8Array().map((value): Step => ({
    write: (w) => w.latin1(String.fromCharCode(...value)),
    read: (r) => r.bytes(),
    value,
  })),
  wellFormed.map((value): Step => ({ write: (w) => w.text(value), read: (r) => r.text(), value })),
);

Deno.test("ByteReader reads what ByteWriter wrote, from any capacity on", () => {
  fc.assert(fc.property(fc.array(step), fc.nat(40), (steps, capacityBytes) => {
    const writer = new ByteWriter(capacityBytes);
    for (const { write } of steps) write(writer);
    const length = writer.length;
    const bytes = writer.finish();
    assert.equal(bytes.length, length);
    const read = decode(bytes, (reader) => steps.map((one) => one.read(reader)));
    assert.deepEqual(read, { ok: true, value: steps.map(({ value }) => value) });
  }));
});

Deno.test("ByteWriter finish() hands its buffer over, reset() and pad() leave nothing behind", () => {
  const writer = new ByteWriter(4).u32(0xffffffff);
  const first = writer.finish();
  writer.u8(1);
  assert.deepEqual([...first], [255, 255, 255, 255]);
  assert.deepEqual([...writer.finish()], [1]);
  writer.raw(new Uint8Array(16).fill(255)).reset().u8(7).pad(8);
  assert.deepEqual([...writer.view()], [7, 0, 0, 0, 0, 0, 0, 0]);
});

Deno.test("ByteWriter refuses what its reader could not give back", () => {
  for (const value of [-1, 1.5, NaN, 2 ** 53]) assert.throws(() => new ByteWriter().u64(value));
  assert.throws(() => new ByteWriter().text("x".repeat(65_536)));
  new ByteWriter().text("x".repeat(65_535)).u64(Number.MAX_SAFE_INTEGER);
});

Deno.test("ByteReader never reads past its end and names the byte", () => {
  const reader = new ByteReader(Uint8Array.of(5, 0, 0, 0, 1));
  assert.throws(() => reader.bytes(), /5 bytes wanted at byte 4, 1 there/);
  assert.throws(() => new ByteReader(new Uint8Array(7)).u64(), DecodeError);
  assert.throws(() => new ByteReader(new Uint8Array(8).fill(255)).u64(), /past 2\^53/);
});

Deno.test("fromUtf8() keeps a byte order mark and refuses what is no UTF-8", () => {
  assert.deepEqual(fromUtf8(utf8("\ufeffx")), { ok: true, value: "\ufeffx" });
  assert.equal(fromUtf8(Uint8Array.of(0xc0, 0x80)).ok, false);
});

Deno.test("printable() gives one line of ASCII for any bytes", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    assert.match(printable(bytes, 1_000), /^[\x20-\x7e]*$/);
  }));
  assert.equal(printable(utf8("a\\b\n\x1b[0m")), "a\\x5cb\\x0a\\x1b[0m");
  assert.equal(printable(utf8("abcdef"), 2), "ab… (6 bytes)");
});
