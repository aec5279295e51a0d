/** The simulated network against the suite of the real one, and what only a simulation can do. */

import assert from "node:assert/strict";
import { concat, type Connection, NetworkError, utf8 } from "../../src/base/mod.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { SimNetwork } from "../support/sim_network.ts";
import type { Conditions } from "../support/sim_socket.ts";
import { VirtualClock } from "../support/virtual_clock.ts";
import { networkSuite } from "./network_suite.ts";

type World = {
  readonly clock: VirtualClock;
  readonly net: SimNetwork;
  readonly near: Connection;
  readonly far: Connection;
};

const ADDRESS = { host: "b", port: 7 };

for (const fragment of [false, true]) {
  networkSuite(fragment ? "SimNetwork with fragments" : "SimNetwork", () => {
    const clock = new VirtualClock();
    const conditions = { delayMsMin: 0, delayMsMax: 3, fragment };
    const net = new SimNetwork(clock, new SeededRandom(1), conditions);
    net.route("here", "nowhere").hold();
    return {
      network: net.on("here"),
      local: { host: "here", port: 0 },
      nowhere: { host: "nowhere", port: 9 },
      pass: (promise) => pass(clock, promise),
      halfClose: true,
    };
  });
}

async function pass<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let settled = false;
  const note = () => void (settled = true);
  promise.then(note, note);
  await clock.until(() => settled);
  return promise;
}

/** Hosts a and b, connected. */
async function world(seed = 1, conditions: Partial<Conditions> = {}): Promise<World> {
  const clock = new VirtualClock();
  const net = new SimNetwork(clock, new SeededRandom(seed), conditions);
  let far: Connection | undefined;
  await net.on("b").listen(ADDRESS, (connection) => far = connection);
  const near = await pass(clock, net.on("a").dial(ADDRESS, 1_000));
  return { clock, net, near, far: far as Connection };
}

/** What arrives, with its times, until the connection ends. */
function record({ clock }: World, connection: Connection): string[] {
  const seen: string[] = [];
  void (async () => {
    const buffer = new Uint8Array(100);
    try {
      while (true) {
        const count = await connection.read(buffer);
        const text = count === null ? "end" : new TextDecoder().decode(buffer.subarray(0, count));
        seen.push(`${clock.now()} ${text}`);
        if (count === null) return;
      }
    } catch (error) {
      seen.push(`${clock.now()} ${(error as NetworkError).code}`);
    }
  })();
  return seen;
}

Deno.test("SimNetwork delays each direction by itself, and keeps the order", async () => {
  const here = await world();
  const start = here.clock.now();
  here.net.route("a", "b").set({ delayMsMin: 5, delayMsMax: 30 });
  const [atB, atA] = [record(here, here.far), record(here, here.near)];
  await here.far.write(utf8("x"));
  for (const letter of "abcdef") await here.near.write(utf8(letter));
  await here.clock.advance(100);
  assert.deepEqual(atA, [`${start + 1} x`]);
  assert.equal(atB.map((line) => line.at(-1)).join(""), "abcdef");
  assert.ok(atB.every((line) => Number.parseInt(line) >= start + 5));
});

Deno.test("SimNetwork lets a large write arrive bit by bit where the route is slow", async () => {
  const here = await world();
  here.net.route("a", "b").set({ bytesPerMs: 64 });
  const atB = record(here, here.far);
  await here.near.write(new Uint8Array(128 * 1024));
  const start = here.clock.now();
  await here.clock.advance(1_100);
  const half = atB.length;
  assert.ok(half > 0);
  await here.clock.advance(1_100);
  assert.ok(atB.length > half);
  assert.ok(Number.parseInt(atB.at(-1) as string) >= start + 2_048);
});

Deno.test("SimNetwork runs the same way for the same seed", async () => {
  const run = async (seed: number): Promise<string[]> => {
    const here = await world(seed, { delayMsMin: 0, delayMsMax: 50, fragment: true });
    const seen = record(here, here.far);
    for (let i = 0; i < 20; i++) {
      await here.near.write(utf8(`message ${i};`));
      await here.clock.advance(3);
    }
    await here.clock.advance(100);
    return seen;
  };
  assert.deepEqual(await run(7), await run(7));
  assert.notDeepEqual(await run(7), await run(8));
});

Deno.test("SimNetwork partition() lets bytes wait until heal(), and dials time out", async () => {
  const here = await world();
  const { clock, net, near, far } = here;
  const seen = record(here, far);
  await near.write(utf8("under way"));
  net.partition(["a"], ["b", "c"]);
  await near.write(utf8(", held"));
  await assert.rejects(pass(clock, net.on("a").dial(ADDRESS, 50)), NetworkError);
  assert.equal(seen.length, 0);
  net.heal();
  await clock.advance(10);
  assert.equal(seen.map((line) => line.replace(/^\S+ /, "")).join(""), "under way, held");
});

Deno.test("SimNetwork route().hold() cuts one direction only", async () => {
  const here = await world();
  here.net.route("a", "b").hold();
  const [atB, atA] = [record(here, here.far), record(here, here.near)];
  await here.near.write(utf8("there"));
  await here.far.write(utf8("back"));
  await here.clock.advance(10);
  assert.equal(atB.length, 0);
  assert.equal(atA.length, 1);
});

Deno.test("SimNetwork reset() breaks both sides at once", async () => {
  const here = await world();
  const [atB, atA] = [record(here, here.far), record(here, here.near)];
  await here.near.write(utf8("lost"));
  here.net.reset("b", "a");
  const now = here.clock.now();
  await here.clock.advance(10);
  assert.deepEqual([atA, atB], [[`${now} reset`], [`${now} reset`]]);
  await assert.rejects(here.near.write(utf8("x")), NetworkError);
});

Deno.test("SimNetwork silence() and powerOff() tell nobody", async () => {
  for (const fault of ["silence", "powerOff"]) {
    const here = await world();
    const [atB, atA] = [record(here, here.far), record(here, here.near)];
    if (fault === "silence") here.net.silence("a", "b");
    else here.net.powerOff("b");
    await here.near.write(utf8("into the void"));
    await here.far.write(utf8("as well"));
    await here.clock.advance(60_000);
    assert.deepEqual([atA, atB], [[], []]);
  }
});

Deno.test("SimNetwork kill() breaks connections towards the others and frees the ports", async () => {
  const here = await world();
  const { clock, net } = here;
  const atA = record(here, here.near);
  await here.far.write(utf8("last words"));
  net.kill("b");
  const now = clock.now();
  await clock.advance(10);
  assert.deepEqual(atA, [`${now + 1} last words`, `${now + 1} reset`]);
  await assert.rejects(pass(clock, net.on("a").dial(ADDRESS, 50)), { code: "refused" });
  const listener = await net.on("b").listen(ADDRESS, () => {});
  assert.deepEqual(listener.address, ADDRESS);
});

Deno.test("SimNetwork fragments reads at any place", async () => {
  const here = await world(1, { fragment: true });
  const sent = Uint8Array.from({ length: 200 }, (_, at) => at);
  await here.near.write(sent);
  await here.near.closeWrite();
  const parts: Uint8Array[] = [];
  const reading = (async () => {
    while (true) {
      const buffer = new Uint8Array(64);
      const count = await here.far.read(buffer);
      if (count === null) return;
      parts.push(buffer.subarray(0, count));
    }
  })();
  await pass(here.clock, reading);
  assert.ok(parts.length > 5);
  assert.deepEqual(concat(parts), sent);
});
