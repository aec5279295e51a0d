/** Items in shared memory: found, in order, what is handed out stays, and garbage does not pile up. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { compareBytes, type Hash, hex, utf8 } from "../../src/base/mod.ts";
import { Items } from "../../src/kv/items.ts";
import { KeyIndex } from "../../src/kv/key_index.ts";
import { KeyOrder, slotsDown, slotsUp } from "../../src/kv/key_order.ts";
import { Slabs } from "../../src/kv/slabs.ts";
import { NO_SLOT, type Slot, Slots } from "../../src/kv/slots.ts";
import { nativeHash } from "../../src/platform/mod.ts";

const hash = nativeHash();
/** All keys fall into a few buckets. */
const colliding: Hash = { ...hash, keyed: (bytes) => (hash.crc32(bytes) % 3) * 0x5555_5555 };

const SLAB_BYTES = 64 * 1024;
const RECORD_HEAD_BYTES = 8;

type Step = { readonly key: Uint8Array; readonly length: number; readonly act: "put" | "delete" };

const lengths = fc.oneof(
  fc.nat(300),
  fc.nat(9_000),
  fc.constantFrom(0, 8_180, 8_192, 65_536, 70_000),
);

function steps(keys: fc.Arbitrary<Uint8Array>, countMax: number): fc.Arbitrary<Step[]> {
  const act = fc.constantFrom<Step["act"][]>("put", "put", "delete");
  return fc.array(fc.record({ key: keys, length: lengths, act }), { maxLength: countMax });
}

const someKeys = fc.nat(60).map((number) => utf8(`${number * 7}`));
const anyKeys = fc.uint8Array({ maxLength: 4 });

class World {
  readonly items: Items;
  readonly expected = new Map<string, { key: Uint8Array; value: Uint8Array; type: string }>();

  constructor(hash: Hash) {
    this.items = new Items(hash);
  }

  step({ key, length, act }: Step, number: number): void {
    const slot = this.items.find(key);
    assert.equal(slot !== NO_SLOT, this.expected.has(hex(key)));
    if (act === "delete") {
      if (slot !== NO_SLOT) this.items.delete(slot, key);
      this.expected.delete(hex(key));
      return;
    }
    const value = new Uint8Array(length).fill(number);
    const type = ["", "text/plain", "ä"][number % 3] as string;
    if (slot === NO_SLOT) this.items.setRevision(this.items.add(key, value, type), number);
    else this.items.rewrite(slot, key, value, type);
    this.expected.set(hex(key), { key, value, type });
  }

  check(): void {
    const { items, expected } = this;
    assert.equal(items.size, expected.size);
    const inOrder = [...expected.values()].sort((a, b) => compareBytes(a.key, b.key));
    const start = new Uint8Array();
    for (const reverse of [false, true]) {
      const found = [...items.range({ start, end: null }, reverse)];
      assert.deepEqual(
        (reverse ? found.reverse() : found).map(({ key, value, contentType }) => (
          { key, value, type: contentType }
        )),
        inOrder,
      );
    }
    for (const { key, value } of inOrder) {
      assert.deepEqual(items.held(items.find(key)).value, value);
    }
  }
}

for (
  const [name, keys, one] of [["few keys", someKeys, hash], [
    "any keys",
    anyKeys,
    colliding,
  ]] as const
) {
  Deno.test(`Items are found, and in order, whatever became of others: ${name}`, () => {
    fc.assert(fc.property(steps(keys, 300), (all) => {
      const world = new World(one);
      const views: { readonly view: Uint8Array; readonly expected: Uint8Array }[] = [];
      all.forEach((step, number) => {
        world.step(step, number);
        const slot = world.items.find(step.key);
        if (slot === NO_SLOT) return;
        const view = world.items.held(slot).value;
        views.push({ view, expected: view.slice() });
      });
      world.check();
      for (const { view, expected } of views) assert.deepEqual(view, expected); // S6
    }));
  });
}

Deno.test("Items by the thousand, in and against their order, and gone again", () => {
  for (const direction of [1, -1, 7_919]) {
    const world = new World(hash);
    const keyAt = (i: number) => utf8(`${((i * direction + 90_000) % 10_007) + 10_000}`);
    for (let i = 0; i < 6_000; i++) world.step({ key: keyAt(i), length: 9, act: "put" }, i);
    world.check();
    for (let i = 0; i < 6_000; i += 1 + (i % 3)) {
      world.step({ key: keyAt(i), length: 0, act: "delete" }, i);
    }
    world.check();
    for (let i = 0; i < 6_000; i++) world.step({ key: keyAt(i), length: 0, act: "delete" }, i);
    world.check();
    assert.equal(world.items.order.runs.length, 0);
  }
});

Deno.test("Items in a range, from either end", () => {
  const world = new World(hash);
  for (let i = 0; i < 1_000; i++) {
    world.step({ key: utf8(`${i + 1_000}`), length: 1, act: "put" }, i);
  }
  const text = new TextDecoder();
  const keys = (from: string, to: string | null, reverse: boolean) => {
    const range = { start: utf8(from), end: to === null ? null : utf8(to) };
    return Array.from(world.items.range(range, reverse), ({ key }) => text.decode(key));
  };
  assert.deepEqual(keys("12555", "1258", false), ["1256", "1257"]);
  assert.deepEqual(keys("1255", "1258", true), ["1257", "1256", "1255"]);
  assert.deepEqual(keys("1998", null, false), ["1998", "1999"]);
  assert.deepEqual(keys("1998", null, true), ["1999", "1998"]);
  assert.deepEqual(keys("", "1001", true), ["1000"]);
  assert.deepEqual(keys("1300", "1300", false), []);
  assert.deepEqual(keys("1301", "1300", true), []);
});

Deno.test("KeyOrder that is frozen stays as it was, and its runs stay long enough (S14, S15)", () => {
  const bit = fc.record({ value: fc.nat(999), freeze: fc.nat(40) });
  fc.assert(
    fc.property(fc.array(bit, { minLength: 200, maxLength: 2_000 }), (steps) => {
      const order = new KeyOrder();
      const there = new Set<number>();
      const frozen: { readonly slots: Iterable<Slot>; readonly expected: Slot[] }[] = [];
      const sorted = () => [...there].sort((a, b) => a - b);
      for (const { value, freeze } of steps) {
        const compare = (slot: Slot) => value - slot;
        if (there.delete(value)) order.remove(compare);
        else {
          order.add(value, compare);
          there.add(value);
        }
        if (freeze === 0) frozen.push({ slots: slotsUp(order.freeze()), expected: sorted() });
      }
      assert.deepEqual([...slotsUp(order.runs)], sorted());
      assert.deepEqual([...slotsDown(order.runs)], sorted().reverse());
      for (const { slots, expected } of frozen) assert.deepEqual([...slots], expected);
      assert.ok(order.runs.length <= 1 + there.size / 60, `${order.runs.length} runs`);
    }),
    { numRuns: 30 },
  );
});

Deno.test("KeyIndex finds what was added, and nothing else, however hashes fall together", () => {
  const bit = fc.record({ hash: fc.nat(7), slot: fc.nat(200) });
  fc.assert(fc.property(fc.array(bit, { maxLength: 500 }), (bits) => {
    const index = new KeyIndex();
    const hashes = new Map<Slot, number>();
    for (const { hash, slot } of bits) {
      const known = hashes.get(slot);
      if (known === undefined) {
        index.add(hash, slot);
        hashes.set(slot, hash);
      } else {
        index.remove(known, slot);
        hashes.delete(slot);
      }
    }
    assert.equal(index.size, hashes.size);
    for (let slot = 0; slot <= 200; slot++) {
      for (let hash = 0; hash <= 7; hash++) {
        const expected = hashes.get(slot) === hash ? slot : NO_SLOT;
        assert.equal(index.find(hash, (one) => one === slot), expected);
      }
    }
  }));
});

Deno.test("Slabs hold no more garbage than records once they are full (S7)", () => {
  type Bit = { readonly at: number; readonly length: number; readonly keep: boolean };
  const bit: fc.Arbitrary<Bit> = fc.record({ at: fc.nat(39), length: lengths, keep: fc.boolean() });
  fc.assert(fc.property(fc.array(bit, { minLength: 100, maxLength: 2_000 }), (bits) => {
    const slots = new Slots();
    const slabs = new Slabs(slots);
    const held: (Slot | undefined)[] = [];
    for (const { at, length, keep } of bits) {
      let slot = held[at];
      if (slot !== undefined) slabs.release(slot);
      if (slot !== undefined && !keep) {
        slots.giveBack(slot);
        held[at] = undefined;
      } else {
        slot ??= slots.take();
        slabs.put(slot, utf8("key"), utf8("t"), new Uint8Array(length));
        held[at] = slot;
      }
      const live = held.reduce<number>(
        (sum, one) => sum + (one === undefined ? 0 : RECORD_HEAD_BYTES + slots.bytes(one)),
        0,
      );
      assert.ok(slabs.sizeBytes <= 2 * live + SLAB_BYTES, `${slabs.sizeBytes} for ${live}`);
    }
  }));
});
