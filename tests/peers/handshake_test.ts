/** Who may talk to a node, and what everybody else gets: nothing, at no cost. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteWriter, type Connection, hex, limits, utf8 } from "../../src/base/mod.ts";
import { encodeMessage } from "../../src/peers/codec.ts";
import { type Frame, FrameReader, writeFrame } from "../../src/peers/frame.ts";
import {
  checkGreeting,
  decodeAnswer,
  decodeHello,
  encodeHello,
  encodeRefusal,
  encodeWelcome,
  type Greeting,
} from "../../src/peers/handshake.ts";
import { Incarnations } from "../../src/peers/incarnations.ts";
import type { SelfIdentity } from "../../src/peers/mod.ts";
import { golden, hexDump } from "../support/golden.ts";
import { hash, idBytes, identity, note, type Talker, World } from "./world.ts";

function frameOf(bytes: Uint8Array): Frame {
  return { kind: bytes[8] as number, body: bytes.slice(9) };
}

function hello(id: string, to: string, over: Partial<SelfIdentity> = {}): Uint8Array {
  return encodeHello(hash, identity(id, over), to);
}

function greeting(id: string, to: string, over: Partial<Greeting> = {}): Greeting {
  const decoded = decodeHello(frameOf(hello(id, to)));
  assert.ok(decoded.ok);
  return { ...decoded.value, ...over };
}

/** What a node answered on a bare connection: the reason of its refusal. */
function refusalIn(bytes: readonly number[]): string {
  const reader = new FrameReader(hash, limits.peerFrameBytesMax);
  reader.space().set(bytes);
  reader.filled(bytes.length);
  const frame = reader.next();
  if (!frame.ok || frame.value === null) return "no answer";
  const answer = decodeAnswer(frame.value);
  return answer.ok ? "welcome" : answer.error;
}

/** Knocks at n1, says `bytes`, and tells what came back. */
async function say(world: World, bytes: Uint8Array, host?: string): Promise<string> {
  const connection = await world.knock("n1", host);
  await connection.write(bytes);
  const { bytes: answer, ended } = await world.listen(connection);
  assert.ok(ended, "closed");
  return refusalIn(answer);
}

async function node(world: World): Promise<Talker> {
  return await world.start("n1", ["n2", "n3"]);
}

Deno.test("decodeHello() and decodeAnswer() give back who a node is", () => {
  const self = identity("n1", { boot: 2 ** 40 });
  const expected = {
    versionMin: 1,
    versionMax: 1,
    cluster: self.cluster,
    from: "n1",
    to: "n2",
    directory: self.directory,
    boot: self.boot,
  };
  assert.deepEqual(decodeHello(frameOf(encodeHello(hash, self, "n2"))), {
    ok: true,
    value: expected,
  });
  const welcome = decodeAnswer(frameOf(encodeWelcome(hash, self, "n2")));
  assert.deepEqual(welcome, { ok: true, value: expected });
  const refusal = decodeAnswer(frameOf(encodeRefusal(hash, "no\n\x1b[31m")));
  assert.deepEqual(refusal, { ok: false, error: "refused: no\\u{a}\\u{1b}[31m" });
});

Deno.test("decodeHello() and decodeAnswer() answer any bytes with a value or an error", () => {
  const bodies = fc.tuple(
    fc.constantFrom(hello("n1", "n2"), encodeRefusal(hash, "no")),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    fc.nat(100),
  );
  fc.assert(
    fc.property(bodies, fc.nat(5), ([bytes, changes, length], kind) => {
      const body = bytes.slice(9, 9 + length);
      for (const [at, byte] of changes) if (body.length > 0) body[at % body.length] = byte;
      decodeHello({ kind, body });
      decodeAnswer({ kind, body });
    }),
    { numRuns: 2_000 },
  );
  const { kind, body } = frameOf(hello("n1", "n2"));
  for (let length = 0; length < body.length; length++) {
    assert.equal(decodeHello({ kind, body: body.subarray(0, length) }).ok, false);
  }
});

Deno.test("checkGreeting() accepts who speaks our version, in our cluster, to us", () => {
  const self = identity("n1");
  const table: [greeting: Greeting, says: RegExp | null][] = [
    [greeting("n2", "n1"), null],
    [greeting("n2", "n1", { versionMax: 9 }), null],
    [
      greeting("n2", "n1", { versionMin: 2, versionMax: 3 }),
      /n2 speaks versions 2 to 3, n1 speaks 1/,
    ],
    [greeting("n2", "n1", { versionMin: 0, versionMax: 0 }), /speaks versions 0 to 0/],
    [greeting("n2", "n1", { cluster: idBytes("other") }), /n2 is of cluster 6f74/],
    [greeting("n2", "n3"), /n2 wants n3, but this is n1/],
    [greeting("n1", "n1"), /n1 claims the identity of this node/],
    [greeting("n\n2", "x"), /^n\\u\{a\}2 wants x/],
    [greeting("n".repeat(500), "x"), /^n{64}… wants/],
  ];
  for (const [greeting, says] of table) {
    const checked = checkGreeting(greeting, self);
    if (says === null) assert.ok(checked.ok);
    else assert.match(checked.ok ? "accepted" : checked.error, says);
  }
});

Deno.test("Incarnations admit the same and later starts of one directory only (P2)", () => {
  const incarnations = new Incarnations(() => null);
  const admit = (boot: number, directory = "dir n2", from = "n2") =>
    incarnations.admit(greeting(from, "n1", { boot, directory: idBytes(directory) }));
  assert.equal(admit(5), null);
  assert.equal(admit(5), null, "reconnected");
  assert.equal(admit(6), null, "restarted");
  assert.match(admit(5) ?? "", /n2 was seen at start 6 of its data directory, this is 5/);
  assert.match(admit(7, "empty") ?? "", /n2 was seen on data directory/);
  assert.equal(admit(1, "dir n3", "n3"), null, "somebody else");
});

Deno.test("Incarnations forget a directory that the membership has ruled out", () => {
  let bound: string | null = null;
  const incarnations = new Incarnations((id, directory) =>
    bound === null || directory === bound ? null : `${id} is not on ${bound}`
  );
  const admit = (directory: string) =>
    incarnations.admit(greeting("n2", "n1", { directory: idBytes(directory) }));
  assert.equal(incarnations.directoryOf("n2"), undefined);
  assert.equal(admit("emptied"), null);
  assert.match(admit("true") ?? "", /n2 was seen on data directory/);
  bound = hex(idBytes("true"));
  assert.equal(incarnations.isOutdated("n2"), true);
  assert.match(admit("emptied") ?? "", /n2 is not on/);
  assert.equal(admit("true"), null);
  assert.deepEqual([incarnations.isOutdated("n2"), incarnations.directoryOf("n2")], [false, bound]);
});

Deno.test("encodeHello(), encodeWelcome() and encodeRefusal() write the bytes of version 1", () => {
  const self = identity("n1", { boot: 3 });
  const dumps = [
    `hello\n${hexDump(encodeHello(hash, self, "n2"))}`,
    `welcome\n${hexDump(encodeWelcome(hash, self, "n2"))}`,
    `refusal\n${hexDump(encodeRefusal(hash, "not you"))}`,
  ];
  golden(import.meta.url, "handshake.txt", dumps.join("\n"));
});

Deno.test("a node answers every wrong greeting with the reason, counts it, delivers nothing", async () => {
  const world = new World();
  const n1 = await node(world);
  const table: [bytes: Uint8Array, says: RegExp][] = [
    [hello("n2", "n1", { cluster: idBytes("other") }), /of cluster/],
    [hello("n2", "n3"), /n2 wants n3/],
    [hello("n1", "n1"), /claims the identity/],
    [hello("n9", "n1"), /n9 is no member known to n1/],
  ];
  for (const [bytes, says] of table) assert.match(await say(world, bytes), says);
  assert.equal(n1.links.counters.refused, table.length);
  assert.deepEqual([n1.heard, n1.events], [[], []]);
  // Four refusals within half a minute, of one source: one line.
  assert.equal(n1.log.of("link refused").length, 1);
});

Deno.test("a node closes on everything that is no greeting, without an answer", async () => {
  const early = new ByteWriter();
  encodeMessage(early, hash, note(1));
  const wrongVersion = frameOf(hello("n2", "n1"));
  wrongVersion.body.set(utf8("HTTP"));
  const unknown = new ByteWriter();
  writeFrame(unknown, hash, wrongVersion.kind, (body) => body.raw(wrongVersion.body));
  const noise: Record<string, Uint8Array> = {
    "a message before the greeting": early.finish(),
    "another magic": unknown.finish(),
    "an HTTP request": utf8("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    zeros: new Uint8Array(100),
    "a claimed length": Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0, 0),
    "a flipped bit": hello("n2", "n1").with(30, 77),
    "an endless greeting": new Uint8Array(limits.handshakeBytesMax * 2).fill(7),
  };
  const world = new World();
  const n1 = await node(world);
  for (const [what, bytes] of Object.entries(noise)) {
    assert.equal(await say(world, bytes), "no answer", what);
  }
  assert.equal(n1.links.counters.refused, Object.keys(noise).length);
  assert.deepEqual([n1.heard, n1.events], [[], []]);
});

Deno.test("a node closes a greeting that drips at its deadline", async () => {
  const world = new World();
  const n1 = await node(world);
  const connection = await world.knock("n1");
  const bytes = hello("n2", "n1");
  const start = world.clock.now();
  let ended = false;
  connection.read(new Uint8Array(1)).then(() => ended = true, () => ended = true);
  const dripMs = limits.handshakeTimeoutMs / 20;
  for (let at = 0; !ended && at < bytes.length; at++) {
    await connection.write(bytes.subarray(at, at + 1)).catch(() => {});
    await world.clock.advance(dripMs);
  }
  const tookMs = world.clock.now() - start;
  assert.ok(ended && tookMs <= limits.handshakeTimeoutMs + 2 * dripMs, `${tookMs} ms`);
  assert.match(String(n1.log.of("link refused")[0]?.fields.reason), /took too long/);
});

Deno.test("a node keeps few half-open links, of one address and in all", async () => {
  const { halfOpenLinksMax, halfOpenLinksPerAddressMax } = limits;
  const world = new World();
  const n1 = await node(world);
  const stillOpen = async (connection: Connection): Promise<boolean> => {
    let open = true;
    const end = () => void (open = false);
    connection.read(new Uint8Array(1)).then(end, end);
    await world.clock.advance(5);
    return open;
  };
  let open = 0;
  for (let i = 0; i <= halfOpenLinksPerAddressMax; i++) {
    if (await stillOpen(await world.knock("n1", "one host"))) open++;
  }
  assert.equal(open, halfOpenLinksPerAddressMax);
  for (let i = 0; i < halfOpenLinksMax; i++) {
    if (await stillOpen(await world.knock("n1", `host ${i}`))) open++;
  }
  assert.equal(open, halfOpenLinksMax);
  // Their deadline makes room again, and a peer gets in.
  await world.clock.advance(limits.handshakeTimeoutMs);
  await world.start("n2", ["n1"]);
  await world.clock.until(() => n1.events.includes("up n2"));
});

Deno.test("a node refuses a second process under a peer's name, and raises the alarm (P2)", async () => {
  const twins: Partial<SelfIdentity>[] = [{ directory: idBytes("copy") }, { boot: 4 }];
  for (const twin of twins) {
    const world = new World();
    const n1 = await node(world);
    const n2 = await world.start("n2", ["n1"], { boot: 5 });
    await world.clock.until(() => n1.events.includes("up n2") && n2.links.upCount === 1);
    assert.match(await say(world, hello("n2", "n1", twin)), /refused: n2 was seen/);
    assert.equal(n1.log.of("identity refused")[0]?.level, "error");
    n2.links.send("n1", note(1));
    await world.clock.until(() => n1.heard.length === 1);
    assert.deepEqual(n1.events, ["up n2"], "the first process is not disturbed");
  }
});

Deno.test("a peer that reconnects or restarts replaces its old link (P3)", async () => {
  for (const boot of [1, 2]) {
    const world = new World();
    const n1 = await node(world);
    await world.start("n2", ["n1"]);
    await world.clock.until(() => n1.events.includes("up n2"));
    world.net.silence("n1", "n2");
    const connection = await world.knock("n1", "n2");
    await connection.write(hello("n2", "n1", { boot }));
    const message = new ByteWriter();
    encodeMessage(message, hash, note(3));
    await world.clock.advance(5);
    await connection.write(message.finish());
    await world.clock.until(() => n1.heard.length === 1);
    assert.equal(n1.events[1], "down n2");
  }
});

Deno.test("a malformed frame after the greeting closes the link, is counted, and logged once", async () => {
  const world = new World();
  const n1 = await node(world);
  const frame = (kind: number, body: Uint8Array): Uint8Array => {
    const writer = new ByteWriter();
    writeFrame(writer, hash, kind, (out) => out.raw(body));
    return writer.finish();
  };
  const broken: Record<string, Uint8Array> = {
    "unknown kind": frame(250, new Uint8Array(10)),
    "cut body": frame(34, new Uint8Array(7)),
    "long body": frame(34, new Uint8Array(9)),
    "second greeting": hello("n2", "n1"),
    "wrong check": frame(34, new Uint8Array(8)).with(4, 1),
    "claimed length": Uint8Array.of(255, 255, 255, 127, 0, 0, 0, 0, 0),
    "length zero": new Uint8Array(9),
  };
  for (const [what, bytes] of Object.entries(broken)) {
    const connection = await world.knock("n1", "n2");
    await connection.write(hello("n2", "n1"));
    await world.clock.advance(5);
    await connection.write(bytes);
    assert.ok((await world.listen(connection)).ended, what);
  }
  assert.equal(n1.links.counters.malformed, Object.keys(broken).length);
  assert.equal(n1.log.of("malformed frame").length, 1);
  assert.deepEqual(n1.heard, []);
  assert.deepEqual([...new Set(n1.events)], ["down n2"], "n1 never reached a listening n2");
});

Deno.test("a node that is dialed by mistake answers for itself, and is not taken for another", async () => {
  const world = new World();
  const n3 = await world.start("n3", ["n1"], {}, "n2"); // n3 runs where n2 is expected
  const n1 = await world.start("n1", ["n2"]);
  await world.clock.advance(500);
  assert.equal(n1.links.upCount, 0);
  assert.match(String(n1.log.of("link down")[0]?.fields.reason), /n1 wants n2, but this is n3/);
  assert.deepEqual(n3.events, []);
});
