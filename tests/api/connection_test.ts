/** What a connection does in time: order, deadlines, back-pressure. Virtual time. */

import assert from "node:assert/strict";
import { limits } from "../../src/base/mod.ts";
import { gate, Harness, item, latin1Bytes, request, statuses } from "./support.ts";

const GET = request("GET /v1/storage/key/a");
const LIVE = request("GET /livez");
/** A deadline is kept up to one sweep late; some more for the way there and back. */
const SLACK_MS = 300;

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
