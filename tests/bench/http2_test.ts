/** A connection for many calls, against a server that says what it is told to, byte by byte. */

import assert from "node:assert/strict";
import { CallFrames, frame, FrameType } from "../../bench/etcd/frames.ts";
import { type Check, Http2Connection } from "../../bench/etcd/http2.ts";
import { concat, hex } from "../../src/base/mod.ts";

const STATUS_0 = Uint8Array.of(0, 0x88, 0x9a, 0xca, 0xc8, 0xb2, 0x12, 0x34, 0xda, 0x8f, 1, 0x30);
const STATUS_9 = Uint8Array.of(...STATUS_0.subarray(0, -1), 0x39);
const OPENING_BYTES = 24 + 9 + 18 + 13;

type Peer = {
  readonly connection: Http2Connection;
  /** The next bytes that the connection sent, this many. */
  received(count: number): Promise<Uint8Array>;
  send(...frames: Uint8Array[]): Promise<void>;
  end(): void;
};

async function withPeer(run: (peer: Peer) => Promise<void>): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [tcp, connection] = await Promise.all([
    listener.accept(),
    Http2Connection.connect(listener.addr.port),
  ]);
  const received = async (count: number): Promise<Uint8Array> => {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count;) at += await tcp.read(bytes.subarray(at)) ?? count;
    return bytes;
  };
  const send = async (...frames: Uint8Array[]): Promise<void> => {
    const bytes = concat(frames);
    for (let at = 0; at < bytes.length;) at += await tcp.write(bytes.subarray(at));
  };
  try {
    await received(OPENING_BYTES);
    await run({ connection, received, send, end: () => tcp.close() });
  } finally {
    connection.close();
    try {
      tcp.close();
    } catch {
      // The test ended it.
    }
    listener.close();
  }
}

function callOf(bytes: number): CallFrames {
  return new CallFrames(Uint8Array.of(0x83), new Uint8Array(bytes));
}

/** The frames of a message of up to 32 KiB. */
function answer(stream: number, message: Uint8Array): Uint8Array {
  const data = concat([new Uint8Array(5), message]);
  new DataView(data.buffer).setUint32(1, message.length);
  const parts = [data.subarray(0, 16_384), data.subarray(16_384)];
  return concat(
    parts.filter(({ length }) => length > 0)
      .map((part) => frame({ type: FrameType.data, stream }, part)),
  );
}

function trailers(stream: number, block = STATUS_0): Uint8Array {
  return frame({ type: FrameType.headers, flags: 5, stream }, block);
}

/** A check that keeps what it saw. */
function seeing(seen: string[]): Check {
  return (bytes, start, end) => {
    seen.push(hex(bytes.subarray(start, end)));
    return null;
  };
}

Deno.test("calls of one turn leave together, and are answered in any order", () =>
  withPeer(async ({ connection, received, send }) => {
    const seen: string[] = [];
    const call = callOf(1);
    const answers = [1, 2].map(() => connection.call(call, seeing(seen)));
    const bytes = await received(2 * call.bytes.length);
    assert.equal(bytes[8], 1);
    assert.equal(bytes[call.bytes.length + 8], 3);
    await send(answer(3, Uint8Array.of(3)), trailers(3), answer(1, Uint8Array.of(1)), trailers(1));
    assert.deepEqual(await Promise.all(answers), [null, null]);
    assert.deepEqual(seen, ["03", "01"]);
  }));

Deno.test("an answer may come byte by byte, or in several frames", () =>
  withPeer(async ({ connection, received, send }) => {
    const seen: string[] = [];
    const small = connection.call(callOf(1), seeing(seen));
    await received(callOf(1).bytes.length);
    for (const byte of concat([answer(1, Uint8Array.of(7)), trailers(1)])) {
      await send(Uint8Array.of(byte));
    }
    assert.equal(await small, null);
    const large = connection.call(callOf(1), seeing(seen));
    await received(callOf(1).bytes.length);
    await send(answer(3, new Uint8Array(20_000).fill(1)), trailers(3));
    assert.equal(await large, null);
    assert.deepEqual(seen, ["07", "01".repeat(20_000)]);
  }));

const FAULTS: [what: string, fault: string, sent: Uint8Array][] = [
  ["a status of failure", "grpc-status 9", trailers(1, STATUS_9)],
  ["no message", "no message", trailers(1)],
  [
    "a reset",
    "stream reset with code 8",
    frame({ type: FrameType.resetStream, stream: 1 }, Uint8Array.of(0, 0, 0, 8)),
  ],
  ["a goodbye", "the node said goodbye", frame({ type: FrameType.goAway }, new Uint8Array(8))],
];

for (const [what, fault, sent] of FAULTS) {
  Deno.test(`what is no right answer is told: ${what}`, () =>
    withPeer(async ({ connection, send }) => {
      const call = connection.call(callOf(1), () => null);
      await send(sent);
      assert.equal(await call, fault);
    }));
}

Deno.test("a closed connection fails every call, those under way and those to come", () =>
  withPeer(async ({ connection, end }) => {
    const call = connection.call(callOf(1), () => null);
    end();
    assert.match(await call as string, /closed by the node|reset/);
    assert.equal(await connection.call(callOf(1), () => null), await call);
    assert.ok(connection.hasEnded);
  }));

Deno.test("pings and settings are acknowledged", () =>
  withPeer(async ({ received, send }) => {
    const data = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    await send(frame({ type: FrameType.settings }, new Uint8Array()));
    assert.equal(hex(await received(9)), "000000" + "04" + "01" + "00000000");
    await send(frame({ type: FrameType.ping }, data));
    assert.equal(hex(await received(17)), "000008" + "06" + "01" + "00000000" + hex(data));
  }));

Deno.test("a call that the peer's window has no room for waits until there is", () =>
  withPeer(async ({ connection, received, send }) => {
    const call = callOf(16_000);
    const answers = Array.from({ length: 5 }, () => connection.call(call, () => null));
    await received(4 * call.bytes.length);
    await send(answer(1, Uint8Array.of(1)), trailers(1));
    assert.equal(await answers[0], null);
    await send(frame({ type: FrameType.windowUpdate }, Uint8Array.of(0, 0, 0x3e, 0x85)));
    const fifth = await received(call.bytes.length);
    assert.equal(fifth[8], 9);
  }));
