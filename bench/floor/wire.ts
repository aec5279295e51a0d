/** Frames between the processes of the floor, and writes that gather while one is under way. */

import { concat } from "../../src/base/mod.ts";

/** What a frame is for; `id` counts what the sender sends of one kind. */
export const Kind = {
  /** Who dialed: `id` is its number. */
  hello: 0,
  /** Commands of clients, to the leader. */
  forward: 1,
  /** They are durable; `index` is that of the first. */
  done: 2,
  /** Commands for the log; all up to `index` are committed. */
  append: 3,
  /** The commands of the append `id` are durable. */
  stored: 4,
  /** Reads wait for the answer. */
  ask: 5,
  /** They may go ahead once all up to `index` are applied. */
  told: 6,
} as const;
export type Kind = typeof Kind[keyof typeof Kind];

export type Frame = {
  readonly kind: Kind;
  readonly id: number;
  readonly index: number;
  readonly commands: readonly Uint8Array[];
};

/** Length of what follows the head, kind, id, index. */
const HEAD_BYTES = 4 + 1 + 4 + 4;
/** More than any frame: 256 clients with a value of 16 KiB each fill the largest. */
const BUFFER_BYTES = 8 * 1024 * 1024;

/** A connection that takes any number of writes at once; those that wait leave together. */
export class Gatherer {
  readonly #tcp: Deno.TcpConn;
  #waiting: Uint8Array[] = [];
  #writing = false;

  constructor(tcp: Deno.TcpConn) {
    tcp.setNoDelay(true);
    this.#tcp = tcp;
  }

  write(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    if (!this.#writing) void this.#run();
  }

  async #run(): Promise<void> {
    this.#writing = true;
    try {
      while (this.#waiting.length > 0) {
        const [first, ...more] = this.#waiting as [Uint8Array, ...Uint8Array[]];
        const bytes = more.length === 0 ? first : concat(this.#waiting);
        this.#waiting = [];
        for (let at = 0; at < bytes.length;) at += await this.#tcp.write(bytes.subarray(at));
      }
      this.#writing = false;
    } catch {
      // The other side has gone, and so has whoever would read it.
    }
  }
}

export class Link extends Gatherer {
  send(kind: Kind, id: number, index = 0, commands: readonly Uint8Array[] = []): void {
    const payload = concat(commands);
    const frame = new Uint8Array(HEAD_BYTES + payload.length);
    const view = new DataView(frame.buffer);
    view.setUint32(0, payload.length);
    view.setUint8(4, kind);
    view.setUint32(5, id);
    view.setUint32(9, index);
    frame.set(payload, HEAD_BYTES);
    this.write(frame);
  }
}

/** Calls `take` for each frame that arrives, until the connection ends. */
export async function readFrames(tcp: Deno.TcpConn, take: (frame: Frame) => void): Promise<void> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  const view = new DataView(buffer.buffer);
  for (let filled = 0;;) {
    const count = await tcp.read(buffer.subarray(filled));
    if (count === null) return;
    filled += count;
    let at = 0;
    while (filled - at >= HEAD_BYTES) {
      const end = at + HEAD_BYTES + view.getUint32(at);
      if (end > filled) break;
      take({
        kind: view.getUint8(at + 4) as Kind,
        id: view.getUint32(at + 5),
        index: view.getUint32(at + 9),
        commands: commandsOf(buffer.slice(at + HEAD_BYTES, end)),
      });
      at = end;
    }
    buffer.copyWithin(0, at, filled);
    filled -= at;
  }
}

/** A command is a key with a value: their lengths, then both. */
export function encodeCommand(key: Uint8Array, value: Uint8Array): Uint8Array {
  const command = new Uint8Array(COMMAND_HEAD_BYTES + key.length + value.length);
  const view = new DataView(command.buffer);
  view.setUint32(0, key.length);
  view.setUint32(4, value.length);
  command.set(key, COMMAND_HEAD_BYTES);
  command.set(value, COMMAND_HEAD_BYTES + key.length);
  return command;
}

export function decodeCommand(command: Uint8Array): { key: Uint8Array; value: Uint8Array } {
  const keyBytes = new DataView(command.buffer, command.byteOffset).getUint32(0);
  const valueAt = COMMAND_HEAD_BYTES + keyBytes;
  return { key: command.subarray(COMMAND_HEAD_BYTES, valueAt), value: command.subarray(valueAt) };
}

const COMMAND_HEAD_BYTES = 8;

function commandsOf(payload: Uint8Array): Uint8Array[] {
  const view = new DataView(payload.buffer, payload.byteOffset);
  const commands: Uint8Array[] = [];
  for (let at = 0; at < payload.length;) {
    const start = at;
    at += COMMAND_HEAD_BYTES + view.getUint32(start) + view.getUint32(start + 4);
    commands.push(payload.subarray(start, at));
  }
  return commands;
}
