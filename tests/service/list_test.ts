/** Pages of a list: what is on them, where they end, and that together they are everything once. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { compareBytes, EMPTY, hex, limits, ok, utf8 } from "../../src/base/mod.ts";
import { type Access, type ListRequest, nobody, refusal, Service } from "../../src/service/mod.ts";
import { openAccess } from "../../src/service/access.ts";
import { FakeReplica } from "../support/fake_replica.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

const STALE = { consistency: "stale" } as const;
const ALL: ListRequest = {
  prefix: EMPTY,
  reverse: false,
  limit: limits.listItemsMax,
  values: true,
};

function setUp(keys: readonly Uint8Array[], access?: Access, valueBytes = 1) {
  const replica = new FakeReplica();
  const value = new Uint8Array(valueBytes);
  for (const key of keys) replica.change({ kind: "put", key, value, contentType: "" });
  return { replica, service: new Service({ replica, clock: new VirtualClock(), access }) };
}

/** All pages of a list, as the hexadecimal keys on each. */
async function pages(service: Service, request: Partial<ListRequest>): Promise<string[][]> {
  const all: string[][] = [];
  let after = request.after;
  while (true) {
    const page = await service.list(nobody, { ...ALL, ...request, after }, STALE);
    assert.ok(page.ok);
    all.push(page.value.items.map(({ key }) => hex(key)));
    if (page.value.next === null) return all;
    after = page.value.next;
  }
}

const bytes = (minLength: number) => fc.uint8Array({ minLength, maxLength: 3, max: 3 });
const bound = fc.option(bytes(0), { nil: undefined });

Deno.test("Service.list() gives what is in the range, in order and once, whatever the pages", async () => {
  const asked = fc.record({
    prefix: bytes(0),
    start: bound,
    end: bound,
    after: bound,
    reverse: fc.boolean(),
    limit: fc.integer({ min: 1, max: 5 }),
  });
  await fc.assert(fc.asyncProperty(fc.array(bytes(1)), asked, async (keys, request) => {
    const { service } = setUp(keys);
    const { prefix, start, end, after, reverse, limit } = request;
    const distinct = [...new Map(keys.map((key) => [hex(key), key])).values()];
    const wanted = distinct.sort(compareBytes).filter((key) =>
      hex(key).startsWith(hex(prefix)) &&
      (start === undefined || compareBytes(key, start) >= 0) &&
      (end === undefined || compareBytes(key, end) < 0) &&
      (after === undefined ||
        (reverse ? compareBytes(key, after) < 0 : compareBytes(key, after) > 0))
    ).map(hex);
    if (reverse) wanted.reverse();
    const listed = await pages(service, request);
    assert.deepEqual(listed.flat(), wanted);
    assert.ok(listed.every((page) => page.length <= limit));
    assert.equal(listed.length, Math.max(1, Math.ceil(wanted.length / limit)));
  }));
});

Deno.test("Service.list() ends a page before it grows beyond its bytes", async () => {
  const keys = ["a", "b", "c", "d", "e"].map(utf8);
  const { service } = setUp(keys, undefined, limits.listBytesMax / 2 - 1);
  assert.deepEqual((await pages(service, {})).map((page) => page.length), [2, 2, 1]);
  assert.equal((await pages(service, { values: false })).length, 1, "values that are not told");
  const large = setUp(keys, undefined, limits.listBytesMax + 1);
  assert.equal((await pages(large.service, {})).length, 5, "a larger item has a page of its own");
});

Deno.test("Service.list() leaves out what the caller may not read, and tells nothing of it", async () => {
  const access: Access = {
    ...openAccess,
    guarded: true,
    refuse: () => refusal("unauthenticated", "planted"),
    refuseRange: () => refusal("unauthenticated", "planted"),
    readable: (_caller, demand) => {
      assert.equal(demand, "read");
      const range = (first: number) => ({
        start: Uint8Array.of(first),
        end: Uint8Array.of(first + 1),
      });
      return ok({
        sees: () => assert.fail("ranges do"),
        ranges: () => [1, 3].map(range),
        basis: "",
      });
    },
  };
  const keys = [[0], [1, 1], [1, 2], [2, 1], [3, 1], [4, 1]].map((key) => Uint8Array.from(key));
  const { service } = setUp(keys, access);
  for (const reverse of [false, true]) {
    const seen = ["0101", "0102", "0301"];
    if (reverse) seen.reverse();
    assert.deepEqual((await pages(service, { reverse })).flat(), seen);
    // Where a page ends, and that nothing follows, goes by what he may see as well.
    assert.deepEqual(await pages(service, { reverse, limit: 1 }), seen.map((key) => [key]));
  }
  const inside = { start: Uint8Array.of(1, 2), end: Uint8Array.of(3, 1) };
  assert.deepEqual(await pages(service, inside), [["0102"]]);
});

Deno.test("Service.list() is linearizable unless it is asked otherwise, and says its revision", async () => {
  const { service, replica } = setUp([utf8("a")]);
  const page = await service.list(nobody, ALL, { consistency: "linearizable" });
  assert.ok(page.ok);
  assert.deepEqual([page.value.revision, page.value.consistency], [1, "linearizable"]);
  replica.failure = { code: "noLeader", effect: "none", reason: "because", leader: null };
  const refused = await service.list(nobody, ALL, { consistency: "linearizable" });
  assert.ok(!refused.ok);
  assert.equal(refused.error.code, "noLeader");
  assert.ok((await service.list(nobody, ALL, STALE)).ok);
});
