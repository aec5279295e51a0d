/** Items that go by themselves: when, in which order, and what stays. */

import assert from "node:assert/strict";
import { fromUtf8, latin1Text, utf8 } from "../../src/base/mod.ts";
import {
  type Command,
  encodeCommand,
  KvState,
  type Lifetime,
  type Outcome,
  stampCommand,
} from "../../src/kv/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";

class World {
  readonly state = new KvState(nativeHash());
  timeMs = 1_000;

  apply(command: Command): Outcome {
    const bytes = encodeCommand(command);
    stampCommand(bytes, this.timeMs);
    return this.state.apply(this.state.applied + 1, bytes);
  }

  put(key: string, lifetime?: Lifetime): void {
    const put = { kind: "put", key: utf8(key), value: utf8("1"), contentType: "" } as const;
    this.apply({ checks: [], mutations: [lifetime === undefined ? put : { ...put, lifetime }] });
  }

  expire(countMax = 100): boolean {
    const outcome = this.apply({ checks: [], mutations: [{ kind: "expire", countMax }] });
    return outcome.kind === "applied" && outcome.existed[0] === true;
  }

  get keys(): string {
    const items = [...this.state.view().items(utf8(""))];
    return items.map(([key]) => {
      const text = fromUtf8(key);
      return text.ok ? text.value : "?";
    }).join(" ");
  }
}

Deno.test("an item stays until a command removes what is due, and not one millisecond less", () => {
  const world = new World();
  world.put("a", { afterMs: 500 });
  world.put("b", { atMs: 1_500 });
  world.put("c");
  assert.equal(world.state.nextExpiryMs, 1_500);
  world.timeMs = 1_499;
  assert.equal(world.expire(), false);
  world.timeMs = 9_000;
  world.put("d");
  assert.equal(world.keys, "a b c d"); // time alone removes nothing
  assert.equal(world.expire(), true);
  assert.equal(world.keys, "c d");
  assert.equal(world.state.nextExpiryMs, Infinity);
});

Deno.test("what is due goes by the cluster's time, which a leader's clock cannot turn back", () => {
  const world = new World();
  world.timeMs = 10_000;
  world.put("a", { afterMs: 500 });
  world.timeMs = 10_500;
  world.put("b", { afterMs: 500 });
  world.timeMs = 3_000; // another leader
  world.put("c", { afterMs: 500 });
  assert.equal(world.state.get(utf8("c"))?.expiresMs, 11_000);
  world.expire();
  assert.equal(world.keys, "b c");
});

Deno.test("an item that is written again has the lifetime of its last write", () => {
  const world = new World();
  world.put("kept", { afterMs: 100 });
  world.put("longer", { afterMs: 100 });
  world.put("kept");
  world.put("longer", { afterMs: 900 });
  world.timeMs = 1_800;
  assert.equal(world.expire(), false);
  assert.equal(world.state.get(utf8("kept"))?.expiresMs, undefined);
  world.timeMs = 1_900;
  world.expire();
  assert.equal(world.keys, "kept");
});

Deno.test("a deleted item is due no more, and neither is one that a later write brings back", () => {
  const world = new World();
  world.put("a", { afterMs: 100 });
  world.apply({ checks: [], mutations: [{ kind: "delete", key: utf8("a") }] });
  assert.equal(world.state.nextExpiryMs, Infinity);
  world.put("a");
  world.timeMs = 2_000;
  assert.equal(world.expire(), false);
});

Deno.test("many that are due at once go in batches, in the order of their times and keys", () => {
  const world = new World();
  for (const key of ["d", "b", "a", "c"]) world.put(key, { atMs: key === "d" ? 1_100 : 1_200 });
  world.timeMs = 1_200;
  world.expire(2);
  assert.equal(world.keys, "b c");
  world.expire(1);
  assert.equal(world.keys, "c");
});

Deno.test("numbers and appended values keep the time at which their item expires", () => {
  const world = new World();
  world.put("n", { afterMs: 100 });
  const step = { kind: "sum", key: utf8("n"), operand: 1n } as const;
  world.apply({ checks: [], steps: [step], elseSteps: [] });
  assert.equal(world.state.get(utf8("n"))?.expiresMs, 1_100);
});

Deno.test("an expiry is told to those who watch as a deletion, at the revision of its command", () => {
  const world = new World();
  world.put("a", { afterMs: 100 });
  world.put("b", { afterMs: 100 });
  const before = world.state.now;
  world.timeMs = 1_100;
  world.expire();
  const stretch = world.state.history.since(before, { countMax: 10, bytesMax: 1_000 });
  assert.deepEqual(
    stretch?.changes.map(({ key, deleted, revision }) => [latin1Text(key), deleted, revision]),
    [["a", true, 3], ["b", true, 3]],
  );
});
