/**
 * One HTTP/2 connection that carries many gRPC calls at once, as cheaply as the runtime allows:
 * calls are frames that the caller prepared, all that are made in one turn leave in one write, and
 * an answer is looked at where it was received.
 */

import { concat } from "../../src/base/mod.ts";
import {
  type CallFrames,
  Flag,
  frame,
  FRAME_HEAD_BYTES,
  FRAME_PAYLOAD_BYTES_MAX,
  FrameType,
  MESSAGE_HEAD_BYTES,
  opening,
  WINDOW_DEFAULT,
  WINDOW_MAX,
  windowUpdate,
} from "./frames.ts";
import { grpcStatusOf } from "./hpack.ts";
import { OutputBuffer } from "./output_buffer.ts";

/** Room for many answers, so that one read takes in all that have come. */
const INPUT_BYTES = 1024 * 1024;

const UNEXPECTED_OF_HEADERS = Flag.padded | Flag.priority;

/** Null when the message is right, else what is wrong. The bytes are not its to keep. */
export type Check = (bytes: Uint8Array, start: number, end: number) => string | null;

type Call = {
  readonly frames: CallFrames;
  readonly check: Check;
  readonly answer: (fault: string | null) => void;
  fault: string | null;
  /** What has come of a message that takes more than one frame. */
  readonly parts: Uint8Array[];
};

export class Http2Connection {
  readonly #tcp: Deno.TcpConn;
  readonly #output: OutputBuffer;
  readonly #input = new Uint8Array(INPUT_BYTES);
  readonly #view = new DataView(this.#input.buffer);
  readonly #calls = new Map<number, Call>();
  /** Made while the peer's window was used up. */
  readonly #waiting: Call[] = [];
  #nextStream = 1;
  #sendWindow = WINDOW_DEFAULT;
  #receivedBytes = 0;
  #ended: string | null = null;

  private constructor(tcp: Deno.TcpConn) {
    this.#tcp = tcp;
    this.#output = new OutputBuffer(tcp, (reason) => this.#end(reason));
    this.#output.append(opening());
    void this.#receive();
  }

  static async connect(port: number): Promise<Http2Connection> {
    const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
    tcp.setNoDelay(true);
    return new Http2Connection(tcp);
  }

  get hasEnded(): boolean {
    return this.#ended !== null;
  }

  /** Makes a call and checks its answer; gives what was wrong, or null. Never rejects. */
  call(frames: CallFrames, check: Check): Promise<string | null> {
    if (this.#ended !== null) return Promise.resolve(this.#ended);
    return new Promise((answer) => {
      const call = { frames, check, answer, fault: "no message", parts: [] };
      if (this.#waiting.length > 0 || frames.flowBytes > this.#sendWindow) this.#waiting.push(call);
      else this.#send(call);
    });
  }

  close(): void {
    this.#end("closed");
  }

  #send(call: Call): void {
    const { frames } = call;
    frames.stream = this.#nextStream;
    this.#calls.set(this.#nextStream, call);
    this.#nextStream += 2;
    this.#sendWindow -= frames.flowBytes;
    this.#output.append(frames.bytes);
  }

  #end(reason: string): void {
    if (this.#ended !== null) return;
    this.#ended = reason;
    this.#tcp.close();
    for (const { answer } of [...this.#calls.values(), ...this.#waiting]) answer(reason);
  }

  async #receive(): Promise<void> {
    try {
      for (let filled = 0;;) {
        const count = await this.#tcp.read(this.#input.subarray(filled));
        if (count === null) throw new Error("closed by the node");
        filled += count;
        const taken = this.#takeFrames(filled);
        this.#input.copyWithin(0, taken, filled);
        filled -= taken;
      }
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
    }
  }

  /** Takes in every frame that is whole; returns where the first of the others begins. */
  #takeFrames(filled: number): number {
    let at = 0;
    while (filled - at >= FRAME_HEAD_BYTES) {
      const lengthAndType = this.#view.getUint32(at);
      const length = lengthAndType >>> 8;
      if (length > FRAME_PAYLOAD_BYTES_MAX) throw new Error("a frame that is too long");
      const start = at + FRAME_HEAD_BYTES;
      if (filled < start + length) break;
      this.#take(lengthAndType & 0xff, at, start + length);
      at = start + length;
    }
    return at;
  }

  #take(type: number, at: number, end: number): void {
    const start = at + FRAME_HEAD_BYTES;
    const flags = this.#input[at + 4] as number;
    const stream = this.#view.getUint32(at + 5);
    switch (type) {
      case FrameType.data:
        if ((flags & Flag.padded) !== 0) throw new Error("padding is not expected");
        this.#takeData(stream, start, end);
        break;
      case FrameType.headers:
        if ((flags & UNEXPECTED_OF_HEADERS) !== 0) throw new Error("headers are expected bare");
        if ((flags & Flag.endStream) !== 0) this.#takeTrailers(stream, start, end);
        break;
      case FrameType.resetStream:
        this.#finish(stream, `stream reset with code ${this.#view.getUint32(start)}`);
        break;
      case FrameType.settings:
        // Its windows for streams are at least the default, which no call of the bench uses up.
        if ((flags & Flag.ack) === 0) this.#acknowledge(type, start, start);
        break;
      case FrameType.ping:
        if ((flags & Flag.ack) === 0) this.#acknowledge(type, start, end);
        break;
      case FrameType.windowUpdate:
        if (stream === 0) this.#widen(this.#view.getUint32(start));
        break;
      case FrameType.goAway:
        throw new Error("the node said goodbye");
      case FrameType.continuation:
        throw new Error("headers are expected in one frame");
    }
  }

  #acknowledge(type: number, start: number, end: number): void {
    this.#output.append(frame({ type, flags: Flag.ack }, this.#input.subarray(start, end)));
  }

  #widen(increment: number): void {
    this.#sendWindow += increment;
    while (this.#waiting.length > 0) {
      const call = this.#waiting[0] as Call;
      if (call.frames.flowBytes > this.#sendWindow) return;
      this.#waiting.shift();
      this.#send(call);
    }
  }

  #takeData(stream: number, start: number, end: number): void {
    this.#receivedBytes += end - start;
    if (this.#receivedBytes > WINDOW_MAX / 2) {
      this.#output.append(windowUpdate(this.#receivedBytes));
      this.#receivedBytes = 0;
    }
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    const isWhole = call.parts.length === 0 && end - start > MESSAGE_HEAD_BYTES &&
      this.#view.getUint32(start + 1) === end - start - MESSAGE_HEAD_BYTES;
    if (isWhole) call.fault = call.check(this.#input, start + MESSAGE_HEAD_BYTES, end);
    else call.parts.push(this.#input.slice(start, end));
  }

  #takeTrailers(stream: number, start: number, end: number): void {
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    const status = grpcStatusOf(this.#input.subarray(start, end));
    if (status !== 0) return this.#finish(stream, `grpc-status ${status}`);
    if (call.parts.length > 0) {
      const message = concat(call.parts);
      call.fault = call.check(message, MESSAGE_HEAD_BYTES, message.length);
    }
    this.#finish(stream, call.fault);
  }

  #finish(stream: number, fault: string | null): void {
    this.#calls.get(stream)?.answer(fault);
    this.#calls.delete(stream);
  }
}
