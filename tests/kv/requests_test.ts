/** Requests under a name: what is remembered, for how long, and that it is the same everywhere. */

import assert from "node:assert/strict";
import { limits, utf8 } from "../../src/base/mod.ts";
import {
  type Command,
  encodeCommand,
  ImageLoader,
  KvState,
  type Outcome,
  stampCommand,
} from "../../src/kv/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";

const hash = nativeHash();
const NO_CHANGE: Command = { checks: [], mutations: [] };

class World {
  readonly state = new KvState(hash);
  timeMs = 1_000_000;

  apply(command: Command): Outcome {
    const bytes = encodeCommand(command);
    stampCommand(bytes, this.timeMs);
    return this.state.apply(this.state.applied + 1, bytes);
  }

  put(request: string, value: string): Outcome {
    const put = { kind: "put", key: utf8("k"), value: utf8(value), contentType: "" } as const;
    return this.apply({ checks: [], mutations: [put], request });
  }

  get value(): string {
    return new TextDecoder().decode(this.state.get(utf8("k"))?.value);
  }
}

Deno.test("KvState.apply() does a named request once, and tells later what it gave", () => {
  const world = new World();
  const first = world.put("r1", "one");
  world.put("r2", "two");
  assert.deepEqual(world.put("r1", "one"), { kind: "repeated", first });
  assert.equal(world.value, "two");
  assert.deepEqual(world.state.request("r1"), { outcome: first, timeMs: world.timeMs });
});

Deno.test("KvState.apply() refuses another request under a name that was used", () => {
  const world = new World();
  world.put("r1", "one");
  assert.deepEqual(world.put("r1", "two"), { kind: "requestReused" });
  assert.equal(world.value, "one");
});

Deno.test("KvState.apply() remembers a refusal too: the same request is refused again", () => {
  const world = new World();
  const absent = { kind: "revision", key: utf8("k"), revision: 1 } as const;
  const command: Command = { checks: [absent], mutations: [], request: "r" };
  const first = world.apply(command);
  assert.equal(first.kind, "checkFailed");
  world.put("other", "one");
  assert.deepEqual(world.apply(command), { kind: "repeated", first });
});

Deno.test("KvState.apply() forgets requests by the cluster's time, which no clock turns back", () => {
  const world = new World();
  world.put("r1", "one");
  const firstMs = world.timeMs;
  world.timeMs += limits.requestRetentionMs - 1;
  assert.equal(world.put("r1", "one").kind, "repeated");
  world.timeMs += 1;
  world.apply(NO_CHANGE);
  world.timeMs = 0;
  assert.equal(world.put("r1", "one").kind, "applied");
  assert.equal(world.state.requestsForgottenMs, firstMs);
});

Deno.test("KvState.apply() keeps a bounded number of requests, the newest", () => {
  const usual = { ...limits };
  Object.assign(limits, { requestsMax: 3 });
  try {
    const world = new World();
    for (const name of ["r1", "r2", "r3", "r4"]) {
      world.timeMs++;
      world.put(name, name);
    }
    assert.equal(world.state.request("r1"), undefined);
    assert.ok(world.state.request("r2") !== undefined);
    assert.equal(world.state.requestsForgottenMs, 1_000_001);
    Object.assign(limits, { requestsMax: 100, requestsBytesMax: 150 });
    world.put("r".repeat(90), "long");
    assert.equal(world.state.request("r4"), undefined);
  } finally {
    Object.assign(limits, usual);
  }
});

Deno.test("the digest and the image hold what is remembered, and that something was forgotten", () => {
  const world = new World();
  world.put("r1", "one");
  const twin = new World();
  twin.put("r2", "one");
  assert.notEqual(world.state.digest(), twin.state.digest());

  world.timeMs += limits.requestRetentionMs;
  world.put("r2", "two");
  const image = world.state.freeze();
  const loader = new ImageLoader(hash);
  const blocks = [...image.blocks()];
  for (const block of blocks) assert.ok(loader.block(block).ok);
  const loaded = loader.finish(image.digest);
  assert.ok(loaded.ok);
  assert.equal(loaded.value.requestsForgottenMs, 1_000_000);
  assert.deepEqual(loaded.value.request("r2"), world.state.request("r2"));

  const without = new ImageLoader(hash);
  for (const block of blocks.slice(0, -1)) without.block(block);
  assert.equal(without.finish(image.digest).ok, false);
  const twice = new ImageLoader(hash);
  const requests = blocks.find((block) => block[0] === 4) as Uint8Array;
  for (const block of blocks.slice(0, 2)) twice.block(block);
  assert.ok(twice.block(requests).ok);
  assert.equal(twice.block(requests).ok, false);
});

Deno.test("names whose checks are the same are told apart, and forgotten one by one", () => {
  // Two words that are known for having the same CRC-32.
  const [one, other, third] = ["plumless", "buckeroo", "none of them"];
  assert.equal(hash.crc32(utf8("plumless")), hash.crc32(utf8("buckeroo")));
  const usual = { ...limits };
  Object.assign(limits, { requestsMax: 3 });
  try {
    const world = new World();
    for (const name of [one, other, third] as string[]) world.put(name, name);
    for (const name of [one, other, third] as string[]) {
      assert.equal(world.put(name, name).kind, "repeated");
    }
    world.put("fourth", "fourth");
    assert.equal(world.state.request("plumless"), undefined);
    assert.ok(world.state.request("buckeroo") !== undefined);
    world.put("plumless", "again");
    assert.equal(world.state.request("buckeroo"), undefined);
    assert.equal(world.put("plumless", "again").kind, "repeated");
  } finally {
    Object.assign(limits, usual);
  }
});
