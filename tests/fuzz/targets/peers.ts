/** What arrives on links between nodes. */

import { ByteWriter } from "../../../src/base/mod.ts";
import { decodeMessage, encodeMessage, messageBytes } from "../../../src/peers/codec.ts";
import { encodeBare, type Frame, FrameReader, writeFrame } from "../../../src/peers/frame.ts";
import {
  checkGreeting,
  decodeAnswer,
  decodeHello,
  encodeHello,
  encodeRefusal,
  encodeRenewal,
  encodeWelcome,
  type Greeting,
  isRenewal,
  type SelfIdentity,
  shown,
} from "../../../src/peers/handshake.ts";
import { nativeHash } from "../../../src/platform/mod.ts";
import { ENDS, EXAMPLES } from "../../peers/arbitraries.ts";
import { joined } from "../mutate.ts";
import type { Target } from "../target.ts";
import { expect, expectPrintable, expectSame } from "./check.ts";

const hash = nativeHash();
const FRAME_HEADER_BYTES = encodeBare(hash, 0).length;
const FRAME_BYTES_MAX = 4 * 1024;
const BUFFER_BYTES = 64 * 1024;

const SELF: SelfIdentity = {
  id: "n2",
  cluster: new Uint8Array(16).fill(7),
  directory: new Uint8Array(16).fill(9),
  boot: 3,
};

export const peerFrames: Target = {
  name: "peer-frames",
  smokeCases: 10_000,
  seeds: () => [...EXAMPLES.map(encoded), joined(...EXAMPLES.slice(0, 4).map(encoded))],
  repair: repairFrames,
  run(input) {
    const whole = readFrames(input, input.length);
    const step = 1 + input.length % 61;
    const pieces = readFrames(input, step);
    expect(
      whole.error === pieces.error && whole.frames.length === pieces.frames.length,
      () => `read at once: ${whole.frames.length} ${whole.error}; by ${step}: ${pieces.error}`,
    );
    const writer = new ByteWriter();
    for (const [at, { kind, body }] of whole.frames.entries()) {
      expectSame((pieces.frames[at] as Frame).body, body, "a frame read in pieces");
      writeFrame(writer, hash, kind, (writer) => writer.raw(body));
    }
    expectSame(writer.view(), input.subarray(0, writer.length), "frames written again");
    const decoded = whole.frames.map((frame) => decodeMessage(frame, ENDS).ok ? "m" : "e");
    return `${decoded.join("").slice(0, 6)} ${whole.error ?? ""}`;
  },
};

/** The first byte is the kind, the others are the body. */
export const peerMessages: Target = {
  name: "peer-messages",
  smokeCases: 30_000,
  seeds: () => EXAMPLES.map(bodyOf),
  run(input) {
    const frame = { kind: input[0] ?? 0, body: input.subarray(1) };
    const decoded = decodeMessage(frame, ENDS);
    if (!decoded.ok) return decoded.error;
    const { value } = decoded;
    const writer = new ByteWriter();
    encodeMessage(writer, hash, value);
    expectSame(writer.view().subarray(FRAME_HEADER_BYTES - 1), input, "written again");
    expect(messageBytes(value) < 1024 + 8 * input.length, () => `${messageBytes(value)} bytes`);
    return value.kind === "raft" ? value.message.kind : value.kind;
  },
};

export const greetings: Target = {
  name: "greetings",
  smokeCases: 25_000,
  seeds: () =>
    [
      encodeHello(hash, { ...SELF, id: "n1" }, "n2"),
      encodeRenewal(hash, { ...SELF, id: "n1" }, "n2"),
      encodeWelcome(hash, { ...SELF, id: "n1" }, "n2"),
      encodeRefusal(hash, "n1 is of cluster 00, n2 of 01"),
    ].map((frame) => frame.subarray(FRAME_HEADER_BYTES - 1)),
  run(input) {
    const frame = { kind: input[0] ?? 0, body: input.subarray(1) };
    const hello = decodeHello(frame);
    const answer = decodeAnswer(frame);
    expect(!(hello.ok && answer.ok), () => "a greeting is either a question or an answer");
    if (!answer.ok) expectPrintable(answer.error, "the refusal");
    const greeting = hello.ok ? hello : answer;
    if (!greeting.ok) {
      const errors = [hello, answer].map((one) => one.ok ? "" : one.error);
      return errors.find((error) => !/^refused|^the /.test(error)) ?? "refused";
    }
    const checked = checkGreeting(greeting.value, SELF);
    if (!checked.ok) expectPrintable(checked.error, "the reason");
    expect(shown(greeting.value.from).length < 1000, () => "a stranger's name fills a log line");
    if (checked.ok) expectGreetingAgain(greeting.value, input, frame);
    return checked.ok ? "welcome" : /speaks|is of|wants|claims/.exec(checked.error)?.[0] ?? "";
  },
};

function expectGreetingAgain(greeting: Greeting, input: Uint8Array, frame: Frame): void {
  if (greeting.versionMin !== 1 || greeting.versionMax !== 1) return;
  const self = { ...greeting, id: greeting.from };
  const asked = isRenewal(frame) ? encodeRenewal : encodeHello;
  const encode = decodeHello(frame).ok ? asked : encodeWelcome;
  const again = encode(hash, self, greeting.to);
  expectSame(again.subarray(FRAME_HEADER_BYTES - 1), input, "written again");
}

function encoded(message: typeof EXAMPLES[number]): Uint8Array {
  const writer = new ByteWriter();
  encodeMessage(writer, hash, message);
  return writer.finish();
}

function bodyOf(message: typeof EXAMPLES[number]): Uint8Array {
  return encoded(message).slice(FRAME_HEADER_BYTES - 1);
}

/** All frames up to the first error, the stream arriving in pieces of `step` bytes. */
function readFrames(input: Uint8Array, step: number): { frames: Frame[]; error?: string } {
  const reader = new FrameReader(hash, FRAME_BYTES_MAX);
  const frames: Frame[] = [];
  for (let at = 0; at < input.length;) {
    const space = reader.space();
    expect(
      space.length > 0 && space.length <= BUFFER_BYTES,
      () => `${space.length} bytes of space`,
    );
    const piece = input.subarray(at, at + Math.min(step, space.length));
    space.set(piece);
    reader.filled(piece.length);
    at += piece.length;
    for (;;) {
      const next = reader.next();
      if (!next.ok) return { frames, error: next.error };
      if (next.value === null) break;
      frames.push(next.value);
    }
  }
  return { frames };
}

/** Follows the lengths, and makes each check fit. */
function repairFrames(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + FRAME_HEADER_BYTES <= bytes.length;) {
    const end = at + 4 + view.getUint32(at, true);
    if (end > bytes.length || end < at + FRAME_HEADER_BYTES) return;
    view.setUint32(at + 4, hash.crc32(bytes.subarray(at + 8, end)), true);
    at = end;
  }
}
