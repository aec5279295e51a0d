/** Links between nodes that behave: what is sent arrives, and what breaks heals. */

import assert from "node:assert/strict";
import { type Connection, hex, limits, type Network } from "../../src/base/mod.ts";
import { Links, type PeerMessage, PlainTransport } from "../../src/peers/mod.ts";
import { MemoryLog } from "../support/memory_log.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { ENDS, EXAMPLES } from "./arbitraries.ts";
import { addressOf, hash, identity, note, type Talker, World } from "./world.ts";

async function pair(world: World): Promise<[Talker, Talker]> {
  const n1 = await world.start("n1", ["n2"]);
  const n2 = await world.start("n2", ["n1"]);
  await world.clock.until(() => n1.events.length > 0 && n2.events.length > 0);
  return [n1, n2];
}

function ids({ heard }: Talker): number[] {
  return heard.map(({ message }) => message.kind === "statusRequest" ? message.id : -1);
}

Deno.test("Links carry every kind of message in order, both ways, in fragments (P1)", async () => {
  const world = new World({ delayMsMax: 5, fragment: true });
  const [n1, n2] = await pair(world);
  for (const message of EXAMPLES) assert.ok(n1.links.send("n2", message));
  n2.links.send("n1", note(1));
  await world.clock.until(() => n2.heard.length === EXAMPLES.length && n1.heard.length === 1);
  assert.deepEqual(n2.heard, EXAMPLES.map((message) => ({ from: ENDS.from, message })));
  assert.deepEqual(n1.heard, [{ from: "n2", message: note(1) }]);
});

Deno.test("Links send() says no to strangers, and while the link is down", async () => {
  const world = new World();
  const n1 = await world.start("n1", ["n2"]);
  assert.equal(n1.links.send("n3", note(1)), false);
  assert.equal(n1.links.send("n2", note(1)), false);
  await world.start("n2", ["n1"]);
  await world.clock.until(() => n1.events.includes("up n2"));
  assert.equal(n1.links.send("n2", note(1)), true);
});

Deno.test("Links heal as soon as the peer is there, without waiting out the delay", async () => {
  const world = new World();
  const n1 = await world.start("n1", ["n2"]);
  await world.clock.advance(60_000); // by now n1 dials once per second
  const n2 = await world.start("n2", ["n1"]);
  const start = world.clock.now();
  await world.clock.until(() => n1.events.length > 0 && n2.events.length > 0);
  assert.ok(world.clock.now() - start < 20, `${world.clock.now() - start} ms`);
});

Deno.test("Links dial a peer that is away ever more slowly, and say so once", async () => {
  const world = new World();
  const n1 = await world.start("n1", ["n2"]);
  await world.clock.advance(60_000);
  assert.equal(n1.log.of("link down").length, 1);
  let dials = 0;
  const listener = await world.net.on("n2").listen(addressOf("n2"), (connection) => {
    dials++;
    connection.close();
  });
  await world.clock.advance(60_000);
  listener.close();
  const most = 60_000 / (limits.reconnectDelayMsMax / 2) + 1;
  assert.ok(dials >= 30 && dials <= most, `${dials} dials in a minute`);
});

Deno.test("Links report each break once, and go on after it", async () => {
  const world = new World();
  const [n1, n2] = await pair(world);
  world.net.reset("n1", "n2");
  await world.clock.until(() => n1.events.length >= 4 && n2.events.length >= 4);
  // Both directions broke, one after the other, and the outgoing one came back.
  assert.deepEqual(n1.events, ["up n2", "down n2", "down n2", "up n2"]);
  n1.links.send("n2", note(7));
  await world.clock.until(() => n2.heard.length === 1);
});

Deno.test("Links end when the membership no longer admits the peer, and say why to it", async () => {
  const world = new World();
  const admitted = new Set(["n2"]);
  const refuse = (id: string) => admitted.has(id) ? null : `${id} is gone`;
  const n1 = world.talker("n1", ["n2"], {}, "n1", refuse);
  await n1.links.start();
  const n2 = await world.start("n2", ["n1"]);
  await world.clock.until(() => n1.events.length > 0 && n2.events.length > 0);
  assert.equal(n1.links.directoryOf("n2"), hex(identity("n2").directory));
  n1.links.review();
  await world.clock.advance(1_000);
  assert.deepEqual(n1.events, ["up n2"], "nothing has changed");

  admitted.clear();
  n2.links.send("n1", note(1));
  n1.links.review();
  await world.clock.until(() => n2.links.refusals.size > 0);
  assert.deepEqual([...n2.links.refusals], [["n1", "refused: n2 is gone"]]);
  assert.deepEqual([n1.links.isUp("n2"), n2.links.isUp("n1"), n1.heard], [false, false, []]);

  admitted.add("n2");
  await world.clock.until(() => n1.links.isUp("n2") && n2.links.isUp("n1"));
  assert.equal(n2.links.refusals.size, 0);
});

Deno.test("Links tell at once that the peer's process has ended", async () => {
  const world = new World();
  const [n1] = await pair(world);
  world.net.kill("n2");
  await world.clock.advance(3);
  assert.ok(n1.events.includes("down n2"), `${n1.events}`);
  assert.equal(n1.links.send("n2", note(1)), false);
});

Deno.test("Links leave a dead machine's link when its successor dials", async () => {
  const world = new World();
  const [n1] = await pair(world);
  world.net.powerOff("n2");
  await world.clock.advance(limits.linkSilenceMsMax - limits.linkPingIntervalMs);
  assert.deepEqual(n1.events, ["up n2"], "nobody told");
  const n2 = await world.start("n2", ["n1"], { boot: 2 });
  await world.clock.until(() => n1.events.at(-1) === "up n2" && n1.events.length > 1);
  assert.ok(n1.events.includes("down n2"));
  n1.links.send("n2", note(5));
  await world.clock.until(() => n2.heard.length === 1);
});

Deno.test("Links notice by unanswered pings that a machine is gone", async () => {
  const world = new World();
  const [n1] = await pair(world);
  world.net.powerOff("n2");
  const { linkSilenceMsMax, linkPingIntervalMs } = limits;
  await world.clock.until(
    () => n1.events.includes("down n2"),
    linkSilenceMsMax + linkPingIntervalMs,
  );
});

Deno.test("Links that have nothing to send stay up", async () => {
  const world = new World();
  const [n1, n2] = await pair(world);
  await world.clock.advance(10 * limits.linkSilenceMsMax);
  assert.deepEqual([n1.events, n2.events], [["up n2"], ["up n1"]]);
});

Deno.test("Links outlive a pause of the process that is longer than the silence they allow", async () => {
  const world = new World();
  const [n1, n2] = await pair(world);
  await world.clock.advance(1_500);
  world.clock.stall(10 * limits.linkSilenceMsMax);
  await world.clock.advance(10 * limits.linkSilenceMsMax);
  assert.deepEqual([n1.events, n2.events], [["up n2"], ["up n1"]]);
});

Deno.test("Links carry a large frame over a link that is slow for longer than they allow silence", async () => {
  const world = new World();
  const [n1, n2] = await pair(world);
  const status = new Uint8Array(8 * 1024 * 1024);
  world.net.route("n1", "n2").set({ bytesPerMs: status.length / (4 * limits.linkSilenceMsMax) });
  const start = world.clock.now();
  n1.links.send("n2", { kind: "statusReply", id: 1, status });
  await world.clock.until(() => n2.heard.length === 1);
  assert.ok(world.clock.now() - start >= 4 * limits.linkSilenceMsMax);
  assert.deepEqual([n1.events, n2.events], [["up n2"], ["up n1"]]);
});

Deno.test("Links deliver what a short partition held back", async () => {
  const world = new World();
  const [n1, n2] = await pair(world);
  world.net.partition(["n1"], ["n2"]);
  n1.links.send("n2", note(1));
  await world.clock.advance(1_000);
  assert.equal(n2.heard.length, 0);
  world.net.heal();
  await world.clock.until(() => n2.heard.length === 1);
});

Deno.test("Links bound their queue: send() says no, drops are counted, memory stays", async () => {
  const world = new World();
  const [n1, n2] = await pair(world);
  world.net.partition(["n1"], ["n2"]);
  const chunk: PeerMessage = { kind: "statusReply", id: 1, status: new Uint8Array(1 << 20) };
  let accepted = 0;
  while (n1.links.send("n2", chunk)) accepted++;
  assert.ok(accepted * (1 << 20) <= limits.peerQueueBytesMax, `${accepted} MiB`);
  assert.equal(n1.links.counters.dropped, 1);
  world.net.heal();
  await world.clock.until(() => n2.heard.length === accepted);
  assert.ok(n1.links.send("n2", note(1)), "room again");

  world.net.partition(["n1"], ["n2"]);
  n1.links.send("n2", chunk); // fills the window of the connection, so that the rest queues
  await world.clock.settle();
  let small = 0;
  while (n1.links.send("n2", note(small))) small++;
  assert.equal(small, limits.peerQueueFramesMax);
});

Deno.test("Links send() refuses a message that no frame can hold", async () => {
  const world = new World();
  const [n1, n2] = await pair(world);
  const large = { kind: "statusReply", id: 1, status: new Uint8Array(limits.peerFrameBytesMax) };
  assert.equal(n1.links.send("n2", large as PeerMessage), false);
  const status = new Uint8Array(limits.peerFrameBytesMax - 64);
  assert.equal(n1.links.send("n2", { kind: "statusReply", id: 1, status }), true);
  await world.clock.until(() => n2.heard.length === 1);
  assert.equal(n2.links.counters.malformed, 0);
});

Deno.test("Links write what one callback sends at once, and one write at a time", async () => {
  const world = new World();
  const writes: number[] = [];
  const n1 = spied(world, writes);
  await n1.start();
  const n2 = await world.start("n2", ["n1"]);
  await world.clock.until(() => n2.links.upCount === 1 && n1.upCount === 1);
  writes.length = 0;
  for (let id = 0; id < 100; id++) n1.send("n2", note(id));
  await world.clock.advance(10);
  assert.equal(writes.length, 1);
  assert.deepEqual(ids(n2), Array.from({ length: 100 }, (_, id) => id));

  const chunk: PeerMessage = { kind: "statusReply", id: 1, status: new Uint8Array(300_000) };
  for (let i = 0; i < 20; i++) n1.send("n2", chunk);
  await world.clock.advance(100);
  assert.equal(n2.heard.length, 120);
  assert.ok(writes.every((size) => size <= 1024 * 1024 + 300_100), `${writes}`);
});

Deno.test("Links close() ends everything: no event, no timer, no dial afterwards", async () => {
  const world = new World();
  const [n1, n2] = await pair(world);
  n1.links.close();
  n1.links.close();
  const events = n1.events.length;
  assert.equal(n1.links.send("n2", note(1)), false);
  await world.clock.advance(10_000);
  assert.equal(n1.events.length, events);
  assert.deepEqual(n2.events, ["up n1", "down n1", "down n1"]);
  assert.equal(n2.links.upCount, 0);
});

Deno.test("Links close() while a dial or a greeting is under way", async () => {
  for (const waitMs of [0, 1, 2, 3]) {
    const world = new World();
    await world.start("n2", ["n1"]);
    const n1 = await world.start("n1", ["n2"]);
    await world.clock.advance(waitMs);
    n1.links.close();
    const before = n1.events.length;
    await world.clock.advance(5_000);
    assert.equal(n1.events.length, before);
    assert.equal(n1.links.upCount, 0);
  }
});

Deno.test("Links give up a greeting that is never answered, and dial again", async () => {
  const world = new World();
  const silent: Connection[] = [];
  const listener = await world.net.on("n2").listen(addressOf("n2"), (one) => silent.push(one));
  const n1 = await world.start("n1", ["n2"]);
  await world.clock.advance(limits.handshakeTimeoutMs + 2 * limits.reconnectDelayMsMax);
  assert.equal(silent.length, 2);
  assert.match(String(n1.log.of("link down")[0]?.fields.reason), /took too long/);
  listener.close();
});

/** n1, whose writes are counted and never overlap. */
function spied(world: World, writes: number[]): Links {
  const plain = world.net.on("n1");
  const network: Network = {
    listen: plain.listen,
    dial: async (address, timeoutMs) => {
      const connection = await plain.dial(address, timeoutMs);
      let writing = false;
      return {
        remote: connection.remote,
        read: (buffer) => connection.read(buffer),
        closeWrite: () => connection.closeWrite(),
        close: () => connection.close(),
        write: async (bytes) => {
          assert.equal(writing, false, "one write at a time");
          writing = true;
          writes.push(bytes.length);
          await connection.write(bytes);
          writing = false;
        },
      };
    },
  };
  const { clock } = world;
  return new Links({
    ports: { clock, random: new SeededRandom(2), hash, log: new MemoryLog() },
    transport: new PlainTransport(network),
    self: identity("n1"),
    listen: addressOf("n1"),
    peers: new Map([["n2", addressOf("n2")]]),
    refuse: () => null,
    onMessage: () => {},
    onUp: () => {},
    onDown: () => {},
  });
}
