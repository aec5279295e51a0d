/** Links where everybody must prove a key: who gets in, as whom, and for how long. */

import assert from "node:assert/strict";
import type { PublicKeyBytes } from "../../src/base/mod.ts";
import { type Authorised, KeyedTransport } from "../../src/peers/mod.ts";
import { simEndpoint, UNPROVEN } from "../support/sim_secure_network.ts";
import { note, type Talker, World } from "./world.ts";

const [K1, K2, K2B, K3] = [1, 2, 22, 3].map((seed) => new Uint8Array(32).fill(seed)) as [
  PublicKeyBytes,
  PublicKeyBytes,
  PublicKeyBytes,
  PublicKeyBytes,
];

const ALL: Authorised = new Map([["n1", [K1]], ["n2", [K2]], ["n3", [K3]]]);
const IDS = ["n1", "n2", "n3"];

/** The node `id`, who holds `own` and runs on the machine `host`. */
async function start(
  world: World,
  id: string,
  own: PublicKeyBytes,
  authorised = ALL,
  host = id,
): Promise<Talker> {
  const endpoint = simEndpoint(world.net.on(host), own);
  const transport = new KeyedTransport({ endpoint, self: id, authorised });
  const peers = IDS.filter((other) => other !== id);
  const talker = world.talker(id, peers, {}, host, () => null, transport);
  await talker.links.start();
  return talker;
}

async function pair(world: World): Promise<[Talker, Talker]> {
  const n1 = await start(world, "n1", K1);
  const n2 = await start(world, "n2", K2);
  await world.clock.until(() => n1.events.includes("up n2") && n2.events.includes("up n1"));
  return [n1, n2];
}

function reasons({ links }: Talker): string[] {
  return links.keys().refused.map(({ reason }) => reason);
}

function peerKeys({ links }: Talker, id: string) {
  return links.keys().peers.find((peer) => peer.id === id);
}

Deno.test("keyed Links carry messages, and tell the key that was proven", async () => {
  const world = new World({ delayMsMax: 5, fragment: true });
  const [n1, n2] = await pair(world);
  n1.links.send("n2", note(1));
  n2.links.send("n1", note(2));
  await world.clock.until(() => n1.heard.length === 1 && n2.heard.length === 1);
  assert.deepEqual(n2.heard, [{ from: "n1", message: note(1) }]);
  assert.deepEqual(peerKeys(n2, "n1"), {
    id: "n1",
    proven: K1,
    dialed: K1,
    isUp: true,
    trouble: null,
  });
  assert.equal(n1.links.keys().authorised, ALL);
});

Deno.test("keyed Links turn away who holds no authorised key, and both sides say so", async () => {
  const world = new World();
  const n1 = await start(world, "n1", K1);
  const stranger = await start(world, "n2", K2B);
  await world.clock.advance(10_000);
  assert.deepEqual([n1.heard, stranger.heard, n1.events, stranger.events], [[], [], [], []]);
  assert.deepEqual(reasons(n1), [UNPROVEN]);
  assert.match(peerKeys(n1, "n2")?.trouble ?? "", /holds another key/);
  assert.match(peerKeys(stranger, "n1")?.trouble ?? "", /may not know this node's key|hung up/);
});

Deno.test("keyed Links do not let a member pass for another (P1, P4)", async () => {
  const world = new World();
  const n1 = await start(world, "n1", K1);
  const n3 = await start(world, "n2", K3, ALL, "n3"); // holds the key of n3, says it is n2
  await world.clock.advance(10_000);
  assert.deepEqual([n1.heard, n1.events, n3.events], [[], [], []]);
  assert.ok(reasons(n1).includes("the key is not authorised for n2 at n1"));
  assert.match(
    peerKeys(n3, "n1")?.trouble ?? "",
    /refused: the key is not authorised for n2 at n1/,
  );
});

Deno.test("keyed Links end at once when their key is taken off the list", async () => {
  const world = new World();
  const [n1, n2] = await pair(world);
  n1.links.authorise(new Map([["n1", [K1]], ["n2", [K2B]]]));
  n2.links.send("n1", note(1));
  await world.clock.advance(10_000);
  assert.deepEqual(n1.heard, []);
  assert.ok(!n1.links.isUp("n2") && !n1.links.hears("n2") && !n2.links.isUp("n1"));
  assert.ok(reasons(n1).includes(UNPROVEN));
  n1.links.authorise(ALL);
  await world.clock.until(() => n1.links.isUp("n2") && n1.links.hears("n2"));
});

Deno.test("keyed Links stay up while a second key is added, and change over to it", async () => {
  const world = new World();
  const [n1, n2] = await pair(world);
  const both: Authorised = new Map([["n1", [K1]], ["n2", [K2, K2B]]]);
  n1.links.authorise(both);
  await world.clock.advance(5_000);
  assert.deepEqual(n1.events, ["up n2"]);
  n2.links.close();
  const again = await start(world, "n2", K2B, both);
  await world.clock.until(() => n1.events.at(-1) === "up n2" && again.events.includes("up n1"));
  const before = [...n1.events, ...again.events];
  n1.links.authorise(new Map([["n1", [K1]], ["n2", [K2B]]]));
  await world.clock.advance(5_000);
  assert.deepEqual([...n1.events, ...again.events], before, "no link rested on the old key");
  again.links.send("n1", note(7));
  await world.clock.until(() => n1.heard.length === 1);
  assert.deepEqual(peerKeys(n1, "n2")?.proven, K2B);
});

Deno.test("keyed Links move to a new key one by one, and lose and reorder nothing", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new World({ delayMsMax: 20, fragment: true }, seed);
    const both: Authorised = new Map([["n1", [K1]], ["n2", [K2, K2B]]]);
    const endpoint = simEndpoint(world.net.on("n2"), K2);
    const transport = new KeyedTransport({ endpoint, self: "n2", authorised: both });
    const n1 = await start(world, "n1", K1, both);
    const n2 = world.talker("n2", ["n1"], {}, "n2", () => null, transport);
    await n2.links.start();
    await world.clock.until(() => n1.events.includes("up n2") && n2.events.includes("up n1"));
    const sent: number[] = [];
    const timer = world.clock.every(1, () => {
      sent.push(sent.length);
      assert.ok(n1.links.send("n2", note(sent.length)) && n2.links.send("n1", note(sent.length)));
    });
    await world.clock.advance(20);
    endpoint.hold(K2B);
    n2.links.renew();
    await world.clock.advance(400);
    assert.deepEqual(peerKeys(n1, "n2")?.proven, K2B);
    n1.links.authorise(new Map([["n1", [K1]], ["n2", [K2B]]]));
    await world.clock.advance(400);
    timer.cancel();
    await world.clock.advance(5_000);
    const numbers = sent.map((i) => note(i + 1));
    assert.deepEqual(n1.heard.map(({ message }) => message), numbers, `seed ${seed}`);
    assert.deepEqual(n2.heard.map(({ message }) => message), numbers, `seed ${seed}`);
    assert.deepEqual([n1.events, n2.events], [["up n2"], ["up n1"]]);
    n1.links.close();
    n2.links.close();
  }
});

Deno.test("keyed Links stay where they are when the new key is not known", async () => {
  const world = new World();
  const endpoint = simEndpoint(world.net.on("n2"), K2);
  const transport = new KeyedTransport({ endpoint, self: "n2", authorised: ALL });
  const n1 = await start(world, "n1", K1);
  const n2 = world.talker("n2", ["n1"], {}, "n2", () => null, transport);
  await n2.links.start();
  await world.clock.until(() => n1.events.includes("up n2") && n2.events.includes("up n1"));
  endpoint.hold(K2B);
  n2.links.renew();
  await world.clock.advance(5_000);
  assert.equal(n2.log.of("link not renewed").length, 1);
  n2.links.send("n1", note(1));
  await world.clock.until(() => n1.heard.length === 1);
  assert.deepEqual([n1.events, n2.events], [["up n2"], ["up n1"]]);
});

Deno.test("keyed Links dial at once when a missing key is added", async () => {
  const world = new World();
  const without: Authorised = new Map([["n1", [K1]]]);
  const n1 = await start(world, "n1", K1, without);
  await start(world, "n2", K2);
  await world.clock.advance(60_000); // by now both dial once per second
  const startedAt = world.clock.now();
  n1.links.authorise(ALL);
  await world.clock.until(() => n1.links.isUp("n2"));
  assert.ok(world.clock.now() - startedAt < 50);
});

Deno.test("Links remember few of those who were turned away", async () => {
  const world = new World();
  const n1 = await start(world, "n1", K1);
  for (let host = 0; host < 100; host++) {
    const stranger = await world.knock("n1", `stranger${host}`);
    stranger.close();
  }
  await world.clock.advance(10_000);
  const { refused } = n1.links.keys();
  assert.equal(refused.length, 64);
  assert.equal(refused[0]?.count, 1);
});
