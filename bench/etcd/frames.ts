/** The frames of HTTP/2 (RFC 9113) that a gRPC client writes. */

import { concat, utf8 } from "../../src/base/mod.ts";

export const FRAME_HEAD_BYTES = 9;
/** What every peer accepts. */
export const FRAME_PAYLOAD_BYTES_MAX = 16_384;

export const FrameType = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const Flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const;

export const Setting = { headerTableSize: 1, enablePush: 2, initialWindowSize: 4 } as const;

export const WINDOW_DEFAULT = 65_535;
export const WINDOW_MAX = 2 ** 31 - 1;

const PREFACE = utf8("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** Of a gRPC message within the data of its stream: not compressed, and its length. */
export const MESSAGE_HEAD_BYTES = 5;

type FrameHead = {
  readonly type: number;
  readonly flags?: number;
  readonly stream?: number;
};

export function frame({ type, flags = 0, stream = 0 }: FrameHead, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length << 8 | type);
  view.setUint8(4, flags);
  view.setUint32(5, stream);
  bytes.set(payload, FRAME_HEAD_BYTES);
  return bytes;
}

export function settings(
  values: readonly (readonly [setting: number, value: number])[],
): Uint8Array {
  const payload = new DataView(new ArrayBuffer(6 * values.length));
  values.forEach(([setting, value], i) => {
    payload.setUint16(6 * i, setting);
    payload.setUint32(6 * i + 2, value);
  });
  return frame({ type: FrameType.settings }, new Uint8Array(payload.buffer));
}

/** For the whole connection. */
export function windowUpdate(increment: number): Uint8Array {
  const payload = new DataView(new ArrayBuffer(4));
  payload.setUint32(0, increment);
  return frame({ type: FrameType.windowUpdate }, new Uint8Array(payload.buffer));
}

/** What a client says first: no dynamic table, and windows that never make the peer wait. */
export function opening(): Uint8Array {
  return concat([
    PREFACE,
    settings([
      [Setting.headerTableSize, 0],
      [Setting.enablePush, 0],
      [Setting.initialWindowSize, WINDOW_MAX],
    ]),
    windowUpdate(WINDOW_MAX - WINDOW_DEFAULT),
  ]);
}

/** The frames of one call, prepared once: only the stream and what changes of the message is set. */
export class CallFrames {
  readonly bytes: Uint8Array;
  /** Where the message begins, the first 16 KiB of which lie in one piece. */
  readonly messageAt: number;
  /** What counts against the windows of flow control. */
  readonly flowBytes: number;
  readonly #headsAt: readonly number[];
  readonly #view: DataView;

  constructor(headerBlock: Uint8Array, message: Uint8Array) {
    const data = new Uint8Array(MESSAGE_HEAD_BYTES + message.length);
    new DataView(data.buffer).setUint32(1, message.length);
    data.set(message, MESSAGE_HEAD_BYTES);
    const frames = [
      frame({ type: FrameType.headers, flags: Flag.endHeaders }, headerBlock),
      ...dataFrames(data),
    ];
    this.bytes = concat(frames);
    this.messageAt = (frames[0] as Uint8Array).length + FRAME_HEAD_BYTES + MESSAGE_HEAD_BYTES;
    this.flowBytes = data.length;
    let at = 0;
    this.#headsAt = frames.map(({ length }) => (at += length) - length);
    this.#view = new DataView(this.bytes.buffer);
  }

  set stream(stream: number) {
    for (const at of this.#headsAt) this.#view.setUint32(at + 5, stream);
  }
}

function dataFrames(data: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += FRAME_PAYLOAD_BYTES_MAX) {
    const payload = data.subarray(at, at + FRAME_PAYLOAD_BYTES_MAX);
    const isLast = at + payload.length === data.length;
    frames.push(frame({ type: FrameType.data, flags: isLast ? Flag.endStream : 0 }, payload));
  }
  return frames;
}
