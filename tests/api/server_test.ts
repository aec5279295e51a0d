/** Letting connections in, and ending them in good order. Virtual time. */

import assert from "node:assert/strict";
import { AssertionError } from "../../src/base/mod.ts";
import { Admission } from "../../src/api/http/admission.ts";
import { BodyMemory } from "../../src/api/http/body_memory.ts";
import { gate, Harness, latin1Bytes, request, statuses } from "./support.ts";

const GET = request("GET /v1/storage/key/a");
const LIVE = request("GET /livez");

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
  // Chunked, since a body that comes along with its head takes no memory of its own.
  const head = request("PUT /v1/storage/key/a", ["Transfer-Encoding: chunked"]);
  const put = `${head}3e8\r\n${"x".repeat(1000)}\r\n0\r\n\r\n`;
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

const WATCH = request("GET /v1/storage/watch");

Deno.test("HttpServer.drain() ends streams, so that those who watch go on elsewhere", async () => {
  const harness = await Harness.start();
  const client = await harness.connect();
  assert.match(await client.exchange(WATCH), /200 OK/);
  const drained = harness.server.drain(5000);
  await harness.clock.advance(1000);
  assert.equal(client.take(), "0\r\n\r\n");
  assert.ok(client.ended);
  await drained;
  await harness.stop();
});

Deno.test("serveHttp() lets a stream go when its client hangs up", async () => {
  const harness = await Harness.start();
  const client = await harness.connect();
  await client.exchange(WATCH);
  assert.equal(harness.server.connections, 1);
  client.close();
  await harness.clock.advance(10);
  assert.equal(harness.server.connections, 0);
  await harness.stop();
});

Deno.test("serveHttp() ends a stream whose client does not read, and holds nothing for him", async () => {
  const harness = await Harness.start({ limits: { bodyTimeoutMs: 1000 } });
  const dialed = harness.network.on("client").dial({ host: "server", port: 380 }, 1000);
  await harness.clock.advance(2);
  const connection = await dialed;
  void connection.write(latin1Bytes(WATCH));
  await harness.clock.advance(10);
  const value = new Uint8Array(64 * 1024);
  for (let i = 0; i < 100; i++) {
    harness.replica.change({ kind: "put", key: latin1Bytes("k"), value, contentType: "" });
    await harness.clock.advance(1);
  }
  await harness.clock.advance(2000);
  assert.equal(harness.server.connections, 0);
  assert.equal(harness.server.counters.timeouts, 1);
  await harness.stop();
});
