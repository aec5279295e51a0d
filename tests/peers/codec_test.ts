/** Messages and frames as bytes: one spelling each, cut anywhere, damaged anywhere. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteWriter, limits, type Result } from "../../src/base/mod.ts";
import { decodeMessage, encodeMessage, messageBytes } from "../../src/peers/codec.ts";
import { type Frame, FrameReader, writeFrame } from "../../src/peers/frame.ts";
import type { PeerMessage } from "../../src/peers/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";
import { golden, hexDump } from "../support/golden.ts";
import { ENDS, EXAMPLES, message } from "./arbitraries.ts";

const hash = nativeHash();

function encode(...messages: readonly PeerMessage[]): Uint8Array {
  const writer = new ByteWriter();
  for (const message of messages) encodeMessage(writer, hash, message);
  return writer.finish();
}

/** Feeds `stream` in pieces of the given sizes; gives what was decoded, and the first error. */
function decodeAll(
  stream: Uint8Array,
  pieces: readonly number[] = [stream.length],
  reader = new FrameReader(hash, limits.peerFrameBytesMax),
): { messages: PeerMessage[]; error: string | null } {
  const messages: PeerMessage[] = [];
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const space = reader.space();
    const size = Math.min(pieces[turn % pieces.length] as number, space.length, stream.length - at);
    space.set(stream.subarray(at, at + size));
    reader.filled(size);
    at += size;
    while (true) {
      const frame: Result<Frame | null, string> = reader.next();
      if (!frame.ok) return { messages, error: frame.error };
      if (frame.value === null) break;
      const message = decodeMessage(frame.value, ENDS);
      if (!message.ok) return { messages, error: message.error };
      messages.push(message.value);
    }
  }
  return { messages, error: null };
}

Deno.test("decodeMessage() gives back any messages, however the stream is cut", () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), pieces, (messages, pieces) => {
      assert.deepEqual(decodeAll(encode(...messages), pieces), { messages, error: null });
    }),
    { numRuns: 500 },
  );
});

Deno.test("decodeMessage() gives back an example of every kind", () => {
  assert.deepEqual(decodeAll(encode(...EXAMPLES)).messages, EXAMPLES);
  const kinds = EXAMPLES.map((one) => one.kind === "raft" ? one.message.kind : one.kind);
  assert.equal(new Set(kinds).size, 16);
});

Deno.test("messageBytes() is not less than the frame, but for large memberships", () => {
  fc.assert(fc.property(message, (message) => messageBytes(message) >= encode(message).length));
});

Deno.test("FrameReader waits for the rest at every prefix", () => {
  for (const example of EXAMPLES) {
    const bytes = encode(example);
    for (let length = 0; length < bytes.length; length++) {
      const none = { messages: [], error: null };
      assert.deepEqual(decodeAll(bytes.subarray(0, length)), none, `${length} bytes`);
    }
  }
});

Deno.test("decodeMessage() refuses every prefix and every extension of a body", () => {
  for (const example of EXAMPLES) {
    const { kind, body } = frameOf(example);
    for (let length = 0; length < body.length; length++) {
      assert.equal(decodeMessage({ kind, body: body.subarray(0, length) }, ENDS).ok, false);
    }
    assert.equal(decodeMessage({ kind, body: new Uint8Array([...body, 0]) }, ENDS).ok, false);
  }
});

Deno.test("decodeMessage() knows no other kinds", () => {
  const known = new Set(EXAMPLES.map((example) => frameOf(example).kind));
  for (let kind = 0; kind < 256; kind++) {
    if (known.has(kind)) continue;
    const decoded = decodeMessage({ kind, body: new Uint8Array(200) }, ENDS);
    assert.equal(decoded.ok, false, `kind ${kind}`);
  }
});

Deno.test("decodeMessage() answers any body with a message or an error", () => {
  const frame = fc.oneof(
    fc.record({ kind: fc.nat(40), body: fc.uint8Array({ maxLength: 100 }) }),
    fc.tuple(message, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 })).map(
      ([message, changes]) => {
        const { kind, body } = frameOf(message);
        for (const [at, byte] of changes) if (body.length > 0) body[at % body.length] = byte;
        return { kind, body };
      },
    ),
  );
  fc.assert(
    fc.property(frame, (frame) => {
      const decoded = decodeMessage(frame, ENDS);
      if (decoded.ok) assert.deepEqual(frameOf(decoded.value), { ...frame });
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("decodeMessage() takes nothing by a claimed length or count", () => {
  for (const example of EXAMPLES) {
    const { kind, body } = frameOf(example);
    for (let at = 0; at + 4 <= body.length; at++) {
      for (const extreme of [0xffffffff, 0x7fffffff, 0x00ffffff]) {
        const broken = body.slice();
        new DataView(broken.buffer).setUint32(at, extreme, true);
        const before = performance.now();
        decodeMessage({ kind, body: broken }, ENDS);
        assert.ok(performance.now() - before < 100, `kind ${kind}, byte ${at}`);
      }
    }
  }
});

Deno.test("FrameReader finds every flipped bit before anything is decoded", () => {
  const bytes = encode(EXAMPLES[2] as PeerMessage);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const broken = bytes.slice();
    (broken[bit >> 3] as number) ^= 1 << (bit & 7);
    const { messages, error } = decodeAll(broken);
    assert.equal(messages.length, 0, `bit ${bit}`);
    // A length that grew waits for bytes that never come; everything else is found at once.
    if (bit >= 32) assert.notEqual(error, null, `bit ${bit}`);
  }
});

Deno.test("FrameReader holds the limit on frames, and refuses the impossible length", () => {
  const frame = (bodyBytes: number) => {
    const writer = new ByteWriter();
    writeFrame(writer, hash, 34, (body) => body.raw(new Uint8Array(bodyBytes)));
    return writer.finish();
  };
  const error = (bytes: Uint8Array) => decodeAll(bytes, [7], new FrameReader(hash, 100)).error;
  assert.doesNotMatch(error(frame(95)) ?? "", /frame of/);
  assert.match(error(frame(96)) ?? "", /frame of 101 bytes, allowed are 100/);
  for (const length of [0, 4, 101, 0x7fffffff, 0xffffffff]) {
    const bytes = frame(8);
    new DataView(bytes.buffer).setUint32(0, length, true);
    assert.match(error(bytes) ?? "", /frame of/, `length ${length}`);
  }
});

Deno.test("FrameReader takes memory for what has arrived, not for what is claimed", () => {
  const reader = new FrameReader(hash, limits.peerFrameBytesMax);
  const claim = new Uint8Array(13);
  new DataView(claim.buffer).setUint32(0, limits.peerFrameBytesMax, true);
  assert.equal(decodeAll(claim, [1], reader).error, null);
  assert.ok(reader.space().buffer.byteLength <= 64 * 1024);
  decodeAll(new Uint8Array(200_000), [16_384], reader);
  assert.ok(reader.space().buffer.byteLength <= 512 * 1024);
});

Deno.test("FrameReader carries the largest frame, and gives its memory back", () => {
  const reader = new FrameReader(hash, limits.peerFrameBytesMax);
  const status = new Uint8Array(limits.peerFrameBytesMax - 100).map((_, at) => at % 251);
  const large: PeerMessage = { kind: "statusReply", id: 1, status };
  const { messages, error } = decodeAll(encode(large, ...EXAMPLES), [60_000], reader);
  assert.equal(error, null);
  assert.equal(messages.length, 1 + EXAMPLES.length);
  const first = messages[0] as Extract<PeerMessage, { kind: "statusReply" }>;
  assert.equal(hash.crc32(first.status), hash.crc32(status));
  assert.ok(reader.space().buffer.byteLength <= 64 * 1024);
});

Deno.test("FrameReader before the handshake reads no more than one small frame", () => {
  const reader = new FrameReader(hash, 100);
  assert.equal(reader.space().length, 104);
  reader.raiseLimit(limits.peerFrameBytesMax);
  assert.ok(reader.space().length >= 16 * 1024);
});

Deno.test("decodeMessage() gives views that the stream does not overwrite", () => {
  const reader = new FrameReader(hash, limits.peerFrameBytesMax);
  const message = (byte: number): PeerMessage => (
    { kind: "statusReply", id: 1, status: new Uint8Array(1_000).fill(byte) }
  );
  const [first] = decodeAll(encode(message(1)), [1_100], reader).messages;
  for (let i = 0; i < 200; i++) decodeAll(encode(message(2)), [1_100], reader);
  assert.deepEqual(first, message(1));
});

Deno.test("encodeMessage() writes the bytes of protocol version 1", () => {
  const dumps = EXAMPLES.map((example) => {
    const name = example.kind === "raft" ? example.message.kind : example.kind;
    return `${name}\n${hexDump(encode(example))}`;
  });
  golden(import.meta.url, "messages.txt", dumps.join("\n"));
});

Deno.test("encodeMessage() has no frame for an install message, which travels as chunks", () => {
  const snapshot = {
    position: { index: 1, term: 1 },
    membership: { voters: [], learners: [] },
  };
  const message = { ...ENDS, kind: "install", term: 1, snapshot } as const;
  assert.throws(() => encode({ kind: "raft", message }), /travels as chunks/);
});

function frameOf(message: PeerMessage): Frame {
  const bytes = encode(message);
  return { kind: bytes[8] as number, body: bytes.slice(9) };
}
