/** Images: what is frozen comes back, whatever happens to the live state, and nothing else does. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteReader, limits, type Result, utf8 } from "../../src/base/mod.ts";
import {
  type Command,
  encodeCommand,
  type Image,
  ImageLoader,
  KvState,
  type Lifetime,
  type RecordKind,
  stampCommand,
} from "../../src/kv/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";
import { golden, hexDump } from "../support/golden.ts";
import { command } from "./arbitraries.ts";

const hash = nativeHash();

function applyAll(state: KvState, commands: readonly Command[]): void {
  for (const command of commands) {
    const bytes = encodeCommand(command);
    stampCommand(bytes, state.applied + 1_000);
    state.apply(state.applied + 1, bytes);
  }
}

function putCommand(
  key: string,
  value: Uint8Array,
  contentType = "",
  lifetime?: Lifetime,
): Command {
  const put = { kind: "put", key: utf8(key), value, contentType } as const;
  return { checks: [], mutations: [lifetime === undefined ? put : { ...put, lifetime }] };
}

function recordCommand(of: RecordKind, name: string, body = utf8("body")): Command {
  return { checks: [], mutations: [{ kind: "setRecord", of, name, body }] };
}

function load(blocks: Iterable<Uint8Array>, digest: string): Result<KvState, string> {
  const loader = new ImageLoader(hash);
  for (const block of blocks) {
    const taken = loader.block(block);
    if (!taken.ok) return taken;
  }
  return loader.finish(digest);
}

function loaded(image: Image): KvState {
  const result = load(image.blocks(), image.digest);
  assert.ok(result.ok, result.ok ? "" : result.error);
  return result.value;
}

Deno.test("ImageLoader gives back the frozen state, and it goes on like the original (S5)", () => {
  const commands = fc.array(command, { maxLength: 20 });
  fc.assert(fc.property(commands, commands, (before, after) => {
    const state = new KvState(hash);
    applyAll(state, before);
    const copy = loaded(state.freeze());
    assert.equal(copy.digest(), state.digest());
    assert.deepEqual(copy.records("token"), state.records("token"));
    assert.deepEqual(copy.records("policy"), state.records("policy"));
    for (const name of ["\na", "ci\na", "ci\nb"]) {
      assert.deepEqual(copy.request(name), state.request(name));
    }
    assert.deepEqual([copy.applied, copy.timeMs, copy.size], [
      state.applied,
      state.timeMs,
      state.size,
    ]);
    applyAll(state, after);
    applyAll(copy, after);
    assert.equal(copy.digest(), state.digest());
  }));
});

Deno.test("Image blocks() stay as they were frozen while the state is written", () => {
  const value = new Uint8Array(2_000).fill(1);
  const state = new KvState(hash);
  for (let i = 0; i < 1_000; i++) applyAll(state, [putCommand(`key ${i}`, value)]);
  const image = state.freeze();
  const blocks: Uint8Array[] = [];
  let round = 0;
  for (const block of image.blocks()) {
    blocks.push(block.slice());
    // Between two blocks: overwrite, delete and add, before and behind where the image is.
    for (let i = 0; i < 40; i++) {
      const at = (i * 257 + round * 31) % 1_000;
      const remove = { kind: "delete", key: utf8(`key ${at}`) } as const;
      applyAll(state, [
        putCommand(`key ${(at * 7) % 1_000}`, utf8("new")),
        { checks: [], mutations: [remove] },
        putCommand(`later ${round} ${i}`, value),
      ]);
    }
    round++;
  }
  assert.ok(blocks.length > 10, `${blocks.length} blocks`);
  const copy = load(blocks, image.digest);
  assert.ok(copy.ok);
  assert.equal(copy.value.size, 1_000);
  assert.equal(copy.value.applied, image.applied);
  assert.notEqual(state.digest(), image.digest);
  assert.equal(loaded(state.freeze()).digest(), state.digest());
});

Deno.test("Image of several freezes: each keeps its own moment", () => {
  const state = new KvState(hash);
  const images: Image[] = [];
  for (let i = 0; i < 200; i++) {
    applyAll(state, [putCommand(`k${i % 37}`, utf8(`${i}`))]);
    if (i % 20 === 0) images.push(state.freeze());
  }
  for (const image of images) assert.equal(loaded(image).applied, image.applied);
});

Deno.test("Image blocks are about as large as the limit; only a larger item exceeds it", () => {
  const state = new KvState(hash);
  const large = limits.imageBlockBytes * 2;
  for (let i = 0; i < 300; i++) {
    applyAll(state, [putCommand(`k${i}`, new Uint8Array(i === 150 ? large : 3_000))]);
  }
  const sizes = [...state.freeze().blocks()].map((block) => block.length);
  assert.equal(sizes.filter((size) => size > limits.imageBlockBytes).length, 1);
  const small = sizes.slice(1, -1).filter((size) => size < limits.imageBlockBytes / 2);
  assert.ok(small.length <= 1, `${sizes}`);
});

Deno.test("ImageLoader refuses an image that is incomplete, disordered or damaged (S5)", () => {
  const state = new KvState(hash);
  for (let i = 0; i < 100; i++) applyAll(state, [putCommand(`k${i}`, new Uint8Array(4_000))]);
  const image = state.freeze();
  const blocks = [...image.blocks()];
  const { digest } = image;
  const [header, first] = blocks as [Uint8Array, Uint8Array];
  const refused: Record<string, Result<KvState, string>> = {
    nothing: load([], digest),
    "no header": load(blocks.slice(1), digest),
    "two headers": load([header, ...blocks], digest),
    "last block missing": load(blocks.slice(0, -1), digest),
    "a block twice": load([...blocks, first], digest),
    "one block for another": load([header, first, first, ...blocks.slice(3)], digest),
    "another digest": load(blocks, "0000000000000000"),
    "unknown section": load([...blocks, Uint8Array.of(9)], digest),
    "unknown format": load([header.with(1, 2), ...blocks.slice(1)], digest),
  };
  for (const [what, result] of Object.entries(refused)) assert.equal(result.ok, false, what);
  assert.ok(load(blocks, digest).ok);
});

Deno.test("ImageLoader finds every flipped bit, and never throws", () => {
  const state = new KvState(hash);
  applyAll(state, [putCommand("a", utf8("one"), "text/plain"), putCommand("b", utf8("two"))]);
  applyAll(state, [recordCommand("token", "ci"), recordCommand("policy", "role:a")]);
  applyAll(state, [putCommand("c", utf8("three"), "", { afterMs: 1_000 })]);
  const image = state.freeze();
  const blocks = [...image.blocks()];
  for (const [at, block] of blocks.entries()) {
    for (let bit = 0; bit < block.length * 8; bit++) {
      const broken = block.slice();
      (broken[bit >> 3] as number) ^= 1 << (bit & 7);
      const result = load(blocks.with(at, broken), image.digest);
      assert.equal(result.ok, false, `bit ${bit} of block ${at}`);
    }
  }
});

Deno.test("Image blocks() write the bytes of format 1, with keys in byte order", () => {
  const state = new KvState(hash);
  const high = Uint8Array.of(0xff);
  applyAll(state, [
    { checks: [], mutations: [{ kind: "put", key: high, value: utf8("last"), contentType: "" }] },
    putCommand("colour", utf8("red"), "text/plain"),
    recordCommand("token", "ci"),
    recordCommand("policy", "ci"),
  ]);
  const blocks = [...state.freeze().blocks()];
  const items = new ByteReader(blocks[1] as Uint8Array);
  items.raw(5);
  assert.deepEqual(items.bytes(), utf8("colour"));
  const dump = `${blocks.map(hexDump).join("\n")}\ndigest ${state.digest()}\n`;
  golden(import.meta.url, "image.txt", dump);
});

Deno.test("Image blocks() tell behind the items when they expire, and nothing where none does", () => {
  const state = new KvState(hash);
  applyAll(state, [
    putCommand("b", utf8("2"), "", { afterMs: 5_000 }),
    putCommand("a", utf8("1"), "", { afterMs: 60_000 }),
    putCommand("c", utf8("3")),
  ]);
  const image = state.freeze();
  applyAll(state, [putCommand("a", utf8("4")), putCommand("b", utf8("4"), "", { afterMs: 1 })]);
  const blocks = [...image.blocks()];
  assert.deepEqual(blocks.map((block) => block[0]), [1, 2, 6]);
  const dump = `${blocks.map(hexDump).join("\n")}\ndigest ${image.digest}\n`;
  golden(import.meta.url, "image_expiring.txt", dump);
  const copy = load(blocks, image.digest);
  assert.ok(copy.ok);
  assert.equal(copy.value.get(utf8("a"))?.expiresMs, 61_001);
  assert.equal(copy.value.nextExpiryMs, 6_000);
  const [header, items, expiries] = blocks as [Uint8Array, Uint8Array, Uint8Array];
  const refused = [[header, expiries, items], [...blocks, expiries], [header, items]];
  for (const order of refused) assert.equal(load(order, image.digest).ok, false);
});

Deno.test("Image without records is what it was before there were any", () => {
  const state = new KvState(hash);
  applyAll(state, [putCommand("a", utf8("1"))]);
  const kinds = [...state.freeze().blocks()].map((block) => block[0]);
  assert.deepEqual(kinds, [1, 2]);
});

Deno.test("Image blocks() of records stay as they were frozen, in blocks of their own", () => {
  const state = new KvState(hash);
  const body = new Uint8Array(limits.recordBodyBytesMax);
  for (let i = 0; i < 100; i++) applyAll(state, [recordCommand("policy", `role ${i}`, body)]);
  const image = state.freeze();
  applyAll(state, [
    { checks: [], mutations: [{ kind: "deleteRecord", of: "policy", name: "role 7" }] },
    recordCommand("policy", "role 8", utf8("new")),
  ]);
  const blocks = [...image.blocks()];
  assert.ok(blocks.length >= 4, `${blocks.length} blocks`);
  assert.ok(blocks.every((block) => block.length <= limits.imageBlockBytes));
  const copy = loaded(image);
  assert.equal(copy.recordsCount, 100);
  assert.equal(copy.recordsVersion, image.applied);
  const [header, records] = blocks as [Uint8Array, Uint8Array];
  assert.equal(load([records, header], image.digest).ok, false, "records before the header");
  assert.equal(load(blocks.slice(0, -1), image.digest).ok, false, "records missing");
});
