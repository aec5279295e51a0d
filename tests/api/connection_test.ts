/** What connections do in time: order, deadlines, caps, back-pressure, drain. Virtual time. */

import assert from "node:assert/strict";
import { AssertionError, limits, type Log } from "../../src/base/mod.ts";
import { Admission } from "../../src/api/http/admission.ts";
import { BodyMemory } from "../../src/api/http/body_memory.ts";
import type { Request } from "../../src/api/http/request.ts";
import { Router } from "../../src/api/http/router.ts";
import { routes } from "../../src/api/mod.ts";
import { operations, Service } from "../../src/service/mod.ts";
import { FakeReplica } from "../support/fake_replica.ts";
import { VirtualClock } from "../support/virtual_clock.ts";
import { Harness, item, latin1Bytes, request, statuses } from "./support.ts";

const GET = request("GET /v1/storage/key/a");
const LIVE = request("GET /livez");
/** A deadline is kept up to one sweep late; some more for the way there and back. */
const SLACK_MS = 300;

/** A gate that holds the replica's answers back until it is opened. */
function gate(harness: Harness): () => void {
  let open = (): void => {};
  harness.replica.gate = new Promise((resolve) => open = resolve);
  return () => {
    harness.replica.gate = null;
    open();
  };
}

Deno.test("ServerConnection starts pipelined reads together and answers them in order", async () => {
  const harness = await Harness.start();
  harness.replica.store("a", item("A"));
  const open = gate(harness);
  const client = await harness.connect();
  assert.equal(await client.exchange(GET + LIVE + GET), "");
  assert.equal(harness.replica.linearizeCalls, 2, "both reads wait for the same round");
  open();
  await harness.clock.advance(10);
  const answer = client.take();
  assert.deepEqual(statuses(answer), [200, 200, 200]);
  assert.ok(answer.indexOf("ok\n") > answer.indexOf("A"), "in the order of the requests");
  await harness.stop();
});

Deno.test("ServerConnection lets no request overtake a write", async () => {
  const harness = await Harness.start();
  const open = gate(harness);
  const client = await harness.connect();
  const put = request("PUT /v1/storage/key/a", [], "1");
  await client.exchange(GET + put + GET);
  assert.equal(harness.replica.linearizeCalls, 1);
  assert.equal(harness.replica.commands.length, 0, "the write waits for the read before it");
  open();
  await harness.clock.advance(10);
  assert.deepEqual(statuses(client.take()), [204, 200, 200]);
  await harness.stop();
});

Deno.test("ServerConnection bounds the pipelined requests that it starts", async () => {
  const harness = await Harness.start({ limits: { pipelinedRequestsMax: 3 } });
  const open = gate(harness);
  const client = await harness.connect();
  await client.exchange(GET.repeat(10));
  assert.equal(harness.replica.linearizeCalls, 3);
  open();
  await harness.clock.advance(10);
  assert.equal(statuses(client.take()).length, 10);
  await harness.stop();
});

Deno.test("ServerConnection writes batches and bodies larger than its buffer", async () => {
  const harness = await Harness.start();
  for (const size of [4096, 16 * 1024, 16 * 1024 + 1, 300_000]) {
    harness.replica.store("a", new Uint8Array(size).fill(97));
    const client = await harness.connect();
    client.send(GET.repeat(20));
    await harness.clock.advance(100);
    const answer = client.take();
    assert.equal(statuses(answer).length, 20);
    assert.equal(answer.match(/a{4096,}/g)?.join("").length, 20 * size);
    client.close();
  }
  await harness.stop();
});

Deno.test("ServerConnection stops serving a client that does not take its answers", async () => {
  const harness = await Harness.start();
  harness.replica.store("a", new Uint8Array(300_000));
  const network = harness.network.on("deaf");
  const dialed = network.dial({ host: "server", port: 380 }, 1000);
  await harness.clock.advance(5);
  const deaf = await dialed;
  void deaf.write(latin1Bytes(GET.repeat(50)));
  await harness.clock.advance(1000);
  assert.ok(harness.replica.linearizeCalls <= 64, "what is not answered is not read on");
  assert.equal(harness.server.connections, 1);
  await harness.clock.advance(limits.bodyTimeoutMs + SLACK_MS);
  assert.equal(harness.server.connections, 0);
  assert.equal(harness.server.counters.timeouts, 1);
  await harness.stop();
});

Deno.test("ServerConnection closes a connection that never says anything", async () => {
  const harness = await Harness.start();
  const client = await harness.connect();
  await harness.clock.advance(limits.headerTimeoutMs - 10);
  assert.equal(client.ended, false);
  await harness.clock.advance(10 + SLACK_MS);
  assert.equal(client.ended, true);
  assert.equal(client.take(), "");
  await harness.stop();
});

Deno.test("ServerConnection counts the time of a head from its first byte, however it drips", async () => {
  const harness = await Harness.start();
  const client = await harness.connect();
  assert.deepEqual(statuses(await client.exchange(LIVE)), [200]);
  await harness.clock.advance(limits.idleTimeoutMs - 1000);
  const text = request("GET /livez", ["X: ".padEnd(40, "y")]);
  let sent = 0;
  for (; sent < text.length && !client.ended; sent++) {
    client.send(text[sent] as string);
    await harness.clock.advance(500);
  }
  assert.ok(sent >= 20 && sent <= 22, `${sent} bytes in half a second each`);
  assert.deepEqual(statuses(client.take()), [408]);
  await harness.stop();
});

Deno.test("ServerConnection holds 100 slow connections and serves others meanwhile", async () => {
  const harness = await Harness.start();
  const slow = [];
  for (let i = 0; i < 100; i++) slow.push(await harness.connect());
  for (const client of slow) client.send("GET /livez HTTP/1.1\r\nX: ");
  for (let second = 0; second < 9; second++) {
    await harness.clock.advance(1000);
    for (const client of slow) client.send("y");
    assert.deepEqual(statuses(await harness.exchange(LIVE)), [200]);
  }
  await harness.clock.advance(1500);
  for (const client of slow) assert.deepEqual(statuses(client.take()), [408]);
  assert.equal(harness.server.counters.timeouts, 100);
  await harness.clock.advance(limits.lingerTimeoutMs + SLACK_MS);
  assert.equal(harness.server.connections, 0);
  await harness.stop();
});

Deno.test("ServerConnection waits no longer than the linger time for a client to hang up", async () => {
  const harness = await Harness.start();
  const dialed = harness.network.on("client").dial({ host: "server", port: 380 }, 1000);
  await harness.clock.advance(5);
  const connection = await dialed;
  void connection.write(latin1Bytes("nonsense\r\n"));
  await harness.clock.advance(limits.lingerTimeoutMs - 100);
  assert.equal(harness.server.connections, 1, "time to read the 400");
  await harness.clock.advance(100 + SLACK_MS);
  assert.equal(harness.server.connections, 0);
  await harness.stop();
});

Deno.test("ServerConnection answers a client that has half-closed", async () => {
  const harness = await Harness.start();
  const client = await harness.connect();
  client.send(LIVE);
  await client.endWriting();
  await harness.clock.advance(20);
  assert.deepEqual(statuses(client.take()), [200]);
  assert.ok(client.ended);
  await harness.stop();
});

Deno.test("ServerConnection survives resets at any moment without a word in the log", async () => {
  for (
    const text of [
      "",
      "GET /liv",
      LIVE,
      GET,
      request("PUT /v1/storage/key/a", [], "xx").slice(0, -1),
    ]
  ) {
    const harness = await Harness.start();
    const open = gate(harness);
    const client = await harness.connect();
    client.send(text);
    await harness.clock.advance(10);
    harness.network.reset("client", "server");
    open();
    await harness.clock.advance(10);
    assert.equal(harness.server.connections, 0);
    assert.deepEqual(harness.logged, []);
    await harness.stop();
  }
});

Deno.test("serveHttp() turns connections away beyond the cap in all", async () => {
  const harness = await Harness.start({ limits: { connectionsMax: 2 } });
  const first = await harness.connect("a");
  await harness.connect("b");
  const third = await harness.connect("c");
  await harness.clock.advance(10);
  const answer = third.take();
  assert.deepEqual(statuses(answer), [503]);
  assert.match(answer, /Retry-After: 1\r\n/);
  assert.match(answer, /"code":"tooManyConnections"/);
  assert.ok(third.ended);
  assert.equal(harness.server.counters.refused, 1);
  first.close();
  await harness.clock.advance(10);
  const fourth = await harness.connect("d");
  assert.deepEqual(statuses(await fourth.exchange(LIVE)), [200], "a slot is free again");
  await harness.stop();
});

Deno.test("serveHttp() turns connections away beyond the cap of their address", async () => {
  const harness = await Harness.start({ limits: { connectionsPerAddressMax: 1 } });
  await harness.connect("a");
  const second = await harness.connect("a");
  assert.deepEqual(statuses(await second.exchange(LIVE)), [503]);
  const other = await harness.connect("b");
  assert.deepEqual(statuses(await other.exchange(LIVE)), [200]);
  await harness.stop();
});

Deno.test("serveHttp() closes without a word when too many are being turned away", async () => {
  const harness = await Harness.start({ limits: { connectionsMax: 0, refusedConnectionsMax: 1 } });
  const network = harness.network.on("a");
  const dial = () => network.dial({ host: "server", port: 380 }, 1000);
  const dialed = [dial(), dial()];
  await harness.clock.advance(5);
  await Promise.all(dialed);
  assert.equal(harness.server.connections, 1);
  assert.equal(harness.server.counters.refused, 2);
  await harness.stop();
});

Deno.test("Admission counts in all and per address", () => {
  const admission = new Admission(3, 2);
  assert.equal(admission.enter("a"), null);
  assert.equal(admission.enter("a"), null);
  assert.match(admission.enter("a") as string, /one address/);
  assert.equal(admission.enter("b"), null);
  assert.match(admission.enter("b") as string, /All 3/);
  admission.leave("a");
  assert.equal(admission.enter("b"), null);
  assert.throws(() => admission.leave("c"), AssertionError);
});

Deno.test("BodyMemory refuses beyond its bound and asserts what is released", () => {
  const memory = new BodyMemory(10);
  assert.ok(memory.reserve(9));
  assert.ok(memory.reserve(1));
  assert.equal(memory.reserve(1), false);
  memory.release(10);
  assert.throws(() => memory.release(1), AssertionError);
});

Deno.test("serveHttp() refuses bodies with 503 before memory runs out", async () => {
  const harness = await Harness.start({ limits: { bodyBytesInFlightMax: 1500 } });
  const open = gate(harness);
  const put = request("PUT /v1/storage/key/a", [], "x".repeat(1000));
  const first = await harness.connect();
  assert.equal(await first.exchange(put), "");
  const second = await harness.connect();
  const refused = await second.exchange(put);
  assert.deepEqual(statuses(refused), [503]);
  assert.match(refused, /"code":"memoryLimit","effect":"none","retryable":true/);
  assert.match(refused, /Retry-After: 1\r\n/);
  open();
  await harness.clock.advance(10);
  assert.deepEqual(statuses(first.take()), [200]);
  assert.deepEqual(statuses(await harness.exchange(put)), [200], "answered bodies are free again");
  await harness.stop();
});

Deno.test("HttpServer.drain() answers what is under way, closes, then ends the idle", async () => {
  const harness = await Harness.start();
  const open = gate(harness);
  const busy = await harness.connect();
  const idle = await harness.connect();
  const fresh = await harness.connect();
  await idle.exchange(LIVE);
  await busy.exchange(GET);
  let drained = false;
  const draining = harness.server.drain(5000).then(() => drained = true);
  await harness.clock.advance(1000);
  assert.equal(idle.ended, false, "while others are served it may still bring a request");
  assert.match(await idle.exchange(LIVE), /200 OK[^]*Connection: close/);
  assert.equal(idle.ended, true);
  assert.equal(drained, false);
  open();
  await harness.clock.advance(100);
  assert.match(busy.take(), /204 No Content[^]*Connection: close/);
  assert.equal(busy.ended && fresh.ended && drained, true);
  await draining;
  assert.equal(harness.server.connections, 0);
});

Deno.test("HttpServer.drain() sends new connections elsewhere, and soon refuses them", async () => {
  const harness = await Harness.start();
  gate(harness);
  const busy = await harness.connect();
  await busy.exchange(GET);
  const draining = harness.server.drain(5000);
  assert.match(
    await (await harness.connect()).exchange(LIVE),
    /^HTTP\/1.1 503 [^]*"code":"stopping"/,
  );
  await harness.clock.advance(1000);
  const dialed = harness.network.on("client").dial({ host: "server", port: 380 }, 1000);
  const refused = assert.rejects(dialed, /refused/);
  await harness.clock.advance(10);
  await refused;
  await harness.clock.advance(5000);
  await draining;
});

Deno.test("HttpServer.drain() ends early when all are idle, at once when there are none", async () => {
  const harness = await Harness.start();
  const client = await harness.connect();
  await client.exchange(LIVE);
  const draining = harness.server.drain(5000);
  await harness.clock.advance(500);
  assert.equal(client.ended, true);
  await draining;
  const empty = await Harness.start();
  await empty.server.drain(5000);
});

Deno.test("HttpServer.drain() lets a half-sent request arrive", async () => {
  const harness = await Harness.start();
  const client = await harness.connect();
  const put = request("PUT /v1/storage/key/a", [], "0123456789");
  await client.exchange(put.slice(0, -5));
  const draining = harness.server.drain(5000);
  await harness.clock.advance(1000);
  assert.match(
    await client.exchange(put.slice(-5)),
    /200 OK[^]*Connection: close[^]*"done":"true"/,
  );
  await draining;
});

Deno.test("HttpServer.drain() closes everything at its deadline", async () => {
  const harness = await Harness.start();
  gate(harness);
  const client = await harness.connect();
  await client.exchange(GET);
  const draining = harness.server.drain(5000);
  await harness.clock.advance(4990);
  assert.equal(client.ended, false);
  await harness.clock.advance(20);
  assert.equal(client.ended, true);
  await draining;
});

function broken(error: unknown): { router: Router; lines: string[] } {
  const replica = new FakeReplica();
  const lines: string[] = [];
  const write = (event: string, fields: unknown) =>
    void lines.push(`${event} ${JSON.stringify(fields)}`);
  const log = { debug: write, info: write, warn: write, error: write } as unknown as Log;
  const service = new Service({ replica, clock: new VirtualClock() });
  const fail = (): never => {
    throw error;
  };
  const failing = routes.map((route) => ({
    ...route,
    handle: route.path === "/livez" ? fail : () => Promise.resolve().then(fail),
  }));
  return { router: new Router(failing, service, log), lines };
}

function to(method: string, target: string): Request {
  const body = new Uint8Array();
  return { method, target: latin1Bytes(target), body, header: () => null };
}

Deno.test("Router.handle() answers 500 for a mistake, telling the log and not the client", async () => {
  const { router, lines } = broken(new TypeError("secret"));
  for (
    const [method, path, effect] of [
      ["GET", "/livez", "none"],
      ["GET", "/v1/storage/key/a", "none"],
      ["PUT", "/v1/storage/key/a", "unknown"],
    ] as const
  ) {
    const answer = await router.handle(to(method, path));
    assert.equal(answer.status, 500);
    assert.match(answer.body as string, new RegExp(`"effect":"${effect}"`));
    assert.doesNotMatch(answer.body as string, /secret/);
  }
  assert.equal(lines.length, 3);
  assert.match(lines[0] as string, /secret/);
});

Deno.test("Router.handle() does not hide a broken assertion", async () => {
  const { router } = broken(new AssertionError("planted"));
  assert.throws(() => router.handle(to("GET", "/livez")), AssertionError);
  await assert.rejects(
    async () => await router.handle(to("GET", "/v1/storage/key/a")),
    AssertionError,
  );
});

Deno.test("routes name an operation each, and a write for whatever is not GET", () => {
  for (const { method, path, operation } of routes) {
    const { permission } = operations[operation];
    assert.ok(permission, `${method} ${path}`);
    assert.equal(method !== "GET", permission === "write", `${method} ${path}`);
  }
});
