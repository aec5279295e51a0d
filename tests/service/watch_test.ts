/** What a watch tells, and when. */

import assert from "node:assert/strict";
import { Bell, err, limits, ok, utf8 } from "../../src/base/mod.ts";
import { KvState } from "../../src/kv/mod.ts";
import {
  type Access,
  nobody,
  refusal,
  Service,
  type ServiceError,
  type Watch,
  type WatchEvent,
  type WatchRequest,
} from "../../src/service/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";
import { FakeReplica } from "../support/fake_replica.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

class World {
  readonly clock = new VirtualClock();
  readonly replica = new FakeReplica();
  readonly service: Service;

  constructor(access?: Access) {
    this.service = new Service({ replica: this.replica, clock: this.clock, access });
  }

  put(key: string, value = ""): void {
    this.replica.change({ kind: "put", key: utf8(key), value: utf8(value), contentType: "" });
  }

  async watch(request: Partial<WatchRequest> = {}): Promise<Watch> {
    const watch = await this.service.watch(nobody, {
      prefix: utf8(""),
      initial: false,
      ...request,
    });
    assert.ok(watch.ok);
    return watch.value;
  }
}

function text(event: WatchEvent): string {
  switch (event.kind) {
    case "put":
      return `${event.at?.revision ?? "initial"} +${String.fromCharCode(...event.key)}`;
    case "delete":
      return `${event.at.revision} -${String.fromCharCode(...event.key)}`;
    case "closed":
      return `closed ${event.error.code}`;
    default:
      return `${event.kind} ${event.revision}`;
  }
}

async function next(watch: Watch): Promise<string[] | null> {
  return (await watch.next())?.map(text) ?? null;
}

Deno.test("Watch tells what happens under its prefix, from its beginning on", async () => {
  const world = new World();
  world.put("a/1");
  const watch = await world.watch({ prefix: utf8("a/") });
  const told = next(watch);
  world.put("b");
  world.put("a/2");
  world.replica.change({ kind: "delete", key: utf8("a/1") });
  assert.deepEqual(await told, ["3 +a/2", "4 -a/1"]);
});

Deno.test("Watch begins with the items, as they were at one moment", async () => {
  const world = new World();
  for (let i = 0; i < 1_300; i++) world.put(`k${String(i).padStart(4, "0")}`);
  const watch = await world.watch({ initial: true });
  const first = await next(watch) as string[];
  world.put("k1299", "new");
  world.replica.change({ kind: "delete", key: utf8("k1298") });
  const second = await next(watch) as string[];
  assert.equal(first.length + second.length, 1_301);
  assert.deepEqual(second.slice(-3), ["initial +k1298", "initial +k1299", "synced 1300"]);
  assert.deepEqual(await next(watch), ["1301 +k1299", "1302 -k1298"]);
});

Deno.test("Watch goes on behind a cursor, and knows no revision of the future", async () => {
  const world = new World();
  world.replica.change(
    { kind: "put", key: utf8("a"), value: utf8(""), contentType: "" },
    { kind: "put", key: utf8("b"), value: utf8(""), contentType: "" },
  );
  const within = await world.watch({ after: { revision: 1, position: 0 }, initial: true });
  assert.deepEqual(await next(within), ["1 +b"]);
  const request = { prefix: utf8(""), initial: false, after: { revision: 2, position: Infinity } };
  const refused = await world.service.watch(nobody, request);
  assert.equal(refused.ok ? "" : refused.error.code, "parameterInvalid");
});

Deno.test("Watch that was left behind is told so, with where to go on", async () => {
  const world = new World();
  world.put("a");
  const plain = await world.watch({ after: { revision: 0, position: Infinity } });
  const renewing = await world.watch({ initial: true });
  assert.deepEqual(await next(renewing), ["initial +a", "synced 1"]);
  for (let left = limits.historyChangesMax + 1; left > 0; left--) world.put("b");
  const { applied } = world.replica.state;
  assert.deepEqual(await next(plain), [`reset ${applied}`]);
  assert.equal(await next(plain), null);
  assert.deepEqual(await next(renewing), [`reset ${applied}`]);
  assert.deepEqual(await next(renewing), ["initial +a", "initial +b", `synced ${applied}`]);
});

Deno.test("Watch is reset when a snapshot takes the place of the state, never passed over", async () => {
  const world = new World();
  const watch = await world.watch();
  const told = next(watch);
  const other = new KvState(nativeHash());
  other.restoreCounters(50, 0);
  world.replica.state = other;
  // Time for a sign of life passes before the bell rings: it must not hide what was missed.
  await world.clock.advance(limits.watchProgressIntervalMs);
  assert.deepEqual(await told, ["reset 50"]);
});

Deno.test("Watch gives a sign of life, also while others' keys change", async () => {
  const world = new World();
  const watch = await world.watch({ prefix: utf8("a") });
  const told = next(watch);
  for (let left = 20; left > 0; left--) {
    world.put("b");
    await world.clock.advance(limits.watchProgressIntervalMs / 20);
  }
  assert.deepEqual(await told, ["progress 20"]);
});

/** What one caller may see, as a test says it. */
class FakeAccess implements Access {
  readonly guarded = true;
  readonly changes = new Bell();
  version = 0;
  sight: ReturnType<Access["readable"]>;

  constructor(first: string) {
    this.sight = ok(seeing(first));
  }

  identify = () => ok(nobody);
  refuse = () => assert.fail("what is seen is filtered");
  refuseRange = this.refuse;
  readable = () => this.sight;

  change(sight: string | ServiceError): void {
    this.sight = typeof sight === "string" ? ok(seeing(sight)) : err(sight);
    this.changes.ring(++this.version);
  }
}

function seeing(first: string) {
  return {
    sees: (key: Uint8Array) => key[0] === first.charCodeAt(0),
    ranges: () => assert.fail("a watch asks about each key"),
    basis: first,
  };
}

Deno.test("Watch leaves out what the caller may not see", async () => {
  const world = new World(new FakeAccess("t"));
  world.put("s1");
  world.put("t1");
  const watch = await world.watch({ initial: true });
  assert.deepEqual(await next(watch), ["initial +t1", "synced 2"]);
  world.put("s2");
  world.put("t2");
  assert.deepEqual(await next(watch), ["4 +t2"]);
});

Deno.test("Watch begins anew as soon as the caller may see other keys", async () => {
  const access = new FakeAccess("s");
  const world = new World(access);
  world.put("s1");
  world.put("t1");
  const watch = await world.watch({ initial: true });
  assert.deepEqual(await next(watch), ["initial +s1", "synced 2"]);
  const told = next(watch);
  access.change("s"); // of somebody else
  await world.clock.settle();
  world.put("s2"); // while that of this one is on its way
  access.change("t");
  assert.deepEqual(await told, ["reset 3"]);
  assert.deepEqual(await next(watch), ["initial +t1", "synced 3"]);
});

Deno.test("Watch without items ends when the caller may see other keys", async () => {
  const access = new FakeAccess("s");
  const world = new World(access);
  const watch = await world.watch();
  const told = next(watch);
  access.change("t");
  assert.deepEqual(await told, ["reset 0"]);
  assert.equal(await next(watch), null);
});

Deno.test("Watch ends with the reason when the caller counts no more, and tells nothing first", async () => {
  const access = new FakeAccess("s");
  const world = new World(access);
  const watch = await world.watch();
  const told = next(watch);
  await world.clock.settle();
  world.put("s1");
  access.change(refusal("unauthenticated", "It was revoked."));
  assert.deepEqual(await told, ["closed unauthenticated"]);
  assert.equal(await next(watch), null);
  assert.ok(!(await world.service.watch(nobody, { prefix: utf8(""), initial: false })).ok);
});

Deno.test("Watch ends when it is told to, also while it waits", async () => {
  const world = new World();
  const watch = await world.watch();
  const told = next(watch);
  await world.clock.settle();
  watch.end();
  assert.equal(await told, null);
  assert.equal(await next(watch), null);
});
