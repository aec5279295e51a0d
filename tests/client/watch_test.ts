/** KevaClient.watch(): one watch over connections that break, against nodes that answer by script. */

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/mod.ts";
import { KevaClient, type WatchEvent, type WatchOptions } from "../../src/client/mod.ts";
import { fakeCluster, problem, type Step } from "./fake_cluster.ts";
import { eventStream as stream, mark, put } from "./fake_events.ts";

/** The first `count` events in short, and from where each connection went on. */
async function watched(count: number, options: WatchOptions, ...steps: Step[]) {
  const cluster = fakeCluster(...steps);
  const keva = new KevaClient({ endpoints: ["h"], fetch: cluster.fetch, discover: false });
  const told: string[] = [];
  let failure: unknown = null;
  try {
    for await (const event of keva.watch(options)) {
      told.push(short(event));
      if (told.length === count) break;
    }
  } catch (error) {
    failure = error;
  }
  const resumed = cluster.calls.map(({ headers }) => headers.get("last-event-id"));
  const targets = cluster.calls.map(({ url }) => url.replace("http://h:380", ""));
  return { told, failure, resumed, targets };
}

function short(event: WatchEvent): string {
  const key = "key" in event ? ` ${new TextDecoder().decode(event.key)}` : "";
  return `${event.kind}${key} ${event.revision}`;
}

Deno.test("KevaClient.watch() gives typed events, and bytes as they are", async () => {
  const data = '{"keyBase64":"YS//","revision":6,"contentType":"a/b","valueBase64":"/g=="}';
  const steps = [stream([
    `event: put\nid: 6.0\nda`,
    `ta: ${data}\n\nevent: delete\nid: 7.0\ndata: {"key":"ä","revision":7}\n\n`,
    `event: unheard-of\ndata: {}\n\n${mark("progress", 9)}`,
  ])];
  const cluster = fakeCluster(...steps);
  const keva = new KevaClient({ endpoints: ["h"], fetch: cluster.fetch, discover: false });
  const events: WatchEvent[] = [];
  for await (const event of keva.watch()) {
    events.push(event);
    if (events.length === 3) break;
  }
  const [key, value] = [Uint8Array.of(97, 47, 255), Uint8Array.of(254)];
  assert.deepEqual(events, [
    { kind: "put", key, value, contentType: "a/b", revision: 6, id: "6.0" },
    { kind: "delete", key: utf8("ä"), revision: 7, id: "7.0" },
    { kind: "progress", revision: 9, id: "9" },
  ]);
});

Deno.test("KevaClient.watch() asks for what it is told to", async () => {
  const cases: [WatchOptions, string, string | null][] = [
    [{}, "/v1/storage/watch", null],
    [{ prefix: "a/ü" }, "/v1/storage/watch?prefix=a%2F%C3%BC", null],
    [{ prefix: Uint8Array.of(255, 254) }, "/v1/storage/watch?prefix64=__4", null],
    [{ initial: true, from: 1 }, "/v1/storage/watch?initial=true", "0"],
    [{ after: "7.1" }, "/v1/storage/watch", "7.1"],
  ];
  for (const [options, target, id] of cases) {
    const { resumed, targets } = await watched(1, options, stream([mark("progress", 9)]));
    assert.deepEqual([targets, resumed], [[target], [id]]);
  }
});

Deno.test("KevaClient.watch() goes on behind the last event after every break", async () => {
  const { told, resumed } = await watched(
    4,
    {},
    stream([put("a", 3, "3.0"), put("b", 3, "3.1")]),
    "refused",
    problem(503, { code: "stopping", effect: "none", detail: "No." }),
    stream([]),
    stream([put("c", 4, "4.0").slice(0, -1)]), // never whole
    stream([put("c", 4, "4.0"), put("d", 5, "5.0")]),
  );
  assert.deepEqual(told, ["put a 3", "put b 3", "put c 4", "put d 5"]);
  assert.deepEqual(resumed, [null, "3.1", "3.1", "3.1", "3.1", "3.1"]);
});

Deno.test("KevaClient.watch() that was told nothing goes on where it began", async () => {
  const first = stream([], { "keva-revision": "41" });
  const { told, resumed } = await watched(1, {}, first, stream([put("a", 42, "42.0")]));
  assert.deepEqual([told, resumed], [["put a 42"], [null, "41"]]);
});

Deno.test("KevaClient.watch() begins anew when it is cut off among items, and says so", async () => {
  const { told, resumed } = await watched(
    6,
    { initial: true },
    stream([put("a", 1), put("b", 2)]),
    stream([put("a", 1), mark("synced", 3)]),
    stream([put("c", 4, "4.0")]),
  );
  const items = ["put a 1", "put b 2"];
  assert.deepEqual(told, [...items, "reset 2", "put a 1", "synced 3", "put c 4"]);
  assert.deepEqual(resumed, [null, null, "3"]);
});

Deno.test("KevaClient.watch() goes on behind a reset, with the items when it asked for them", async () => {
  const reset = mark("reset", 9);
  const plain = await watched(2, {}, stream([reset]), stream([put("a", 10, "10.0")]));
  assert.deepEqual([plain.told, plain.resumed], [["reset 9", "put a 10"], [null, "9"]]);
  const initial = await watched(
    5,
    { initial: true, after: "3" },
    stream([reset, put("a", 1)]),
    stream([put("a", 1), mark("synced", 9)]),
  );
  assert.deepEqual(initial.told, ["reset 9", "put a 1", "reset 9", "put a 1", "synced 9"]);
  assert.deepEqual(initial.resumed, ["3", null]);
});

Deno.test("KevaClient.watch() fails when no node answers at first, or when one refuses it", async () => {
  const denied = () => problem(403, { code: "denied", effect: "none", detail: "No." });
  const html = new Response("<html>", { headers: { "content-type": "text/html" } });
  const broken = stream(["event: put\ndata: {\n\n"]);
  const cases: [string, Step[]][] = [
    ["unreachable", ["refused"]],
    ["denied", [denied()]],
    ["denied", [stream([mark("progress", 1)]), denied()]],
    ["notKeva", [html]],
    ["notKeva", [stream([mark("progress", 1)]), broken]],
  ];
  for (const [code, steps] of cases) {
    const { failure } = await watched(9, {}, ...steps);
    assert.equal((failure as { code?: string }).code, code);
  }
});

Deno.test("KevaClient.watch() reads no more than is taken", async () => {
  let pulled = 0;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      pulled++;
      controller.enqueue(utf8(put("k", pulled, `${pulled}.0`)) as Uint8Array<ArrayBuffer>);
    },
  }, { highWaterMark: 0 });
  const response = new Response(body, { headers: { "content-type": "text/event-stream" } });
  const { fetch } = fakeCluster(response);
  const keva = new KevaClient({ endpoints: ["h"], fetch, discover: false });
  let taken = 0;
  for await (const _ of keva.watch()) {
    taken++;
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.ok(pulled <= taken + 1, `${pulled} pulled, ${taken} taken`);
    if (taken === 20) break;
  }
});

Deno.test("KevaClient.watch() ends with its signal, wherever it is", async () => {
  const early = await watched(1, { signal: AbortSignal.abort() });
  assert.deepEqual([early.told, early.failure], [[], null]);

  const waiting = new AbortController();
  const hanging = watched(1, { signal: waiting.signal }, "hang");
  waiting.abort();
  assert.deepEqual((await hanging).failure, null);

  const reading = new AbortController();
  const fetch: typeof globalThis.fetch = (_, init) => {
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        controller.enqueue(utf8(put("a", 1, "1.0")) as Uint8Array<ArrayBuffer>);
        init?.signal?.addEventListener("abort", () => controller.error(init.signal?.reason));
      },
    });
    return Promise.resolve(
      new Response(body, { headers: { "content-type": "text/event-stream" } }),
    );
  };
  const keva = new KevaClient({ endpoints: ["h"], fetch, discover: false });
  const told: string[] = [];
  for await (const event of keva.watch({ signal: reading.signal })) {
    told.push(short(event));
    reading.abort();
  }
  assert.deepEqual(told, ["put a 1"]);
});
