/**
 * A Connection on a socket of `node:net` or `node:tls`, which pushes what arrives.
 */

import type { Socket } from "node:net";
import { type Address, type Connection, limits, NetworkError } from "../base/mod.ts";

const BROKEN = "the other side broke the connection";
/** Past this, what has arrived and nobody has read stops the other side. */
const UNREAD_BYTES_MAX = 1024 * 1024;

export class SocketConnection implements Connection {
  readonly remote: Address;
  readonly certified: string | undefined;
  readonly #socket: Socket;
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #paused = false;
  #ended = false;
  #failure: NetworkError | undefined;
  /** Set while a read waits for something to happen. */
  #wake: (() => void) | undefined;
  /** Settles each write that was given to the socket and has not left it. */
  readonly #leaving = new Set<(failure: NetworkError) => void>();

  constructor(socket: Socket, remote: Address, certified?: string) {
    this.#socket = socket;
    this.remote = remote;
    this.certified = certified;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Uint8Array) => this.#arrived(bytes));
    socket.on("end", () => this.#happened(() => this.#ended = true));
    socket.on("error", () => this.#fail(BROKEN));
    socket.on("close", () => {
      this.#fail("closed on this side");
      for (const settle of this.#leaving) settle(this.#failure as NetworkError);
    });
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#unreadBytes === 0) {
      if (this.#ended) return null;
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    let filled = 0;
    while (filled < buffer.length && this.#unread.length > 0) {
      const next = this.#unread[0] as Uint8Array;
      const part = next.subarray(0, buffer.length - filled);
      buffer.set(part, filled);
      filled += part.length;
      if (part.length === next.length) this.#unread.shift();
      else this.#unread[0] = next.subarray(part.length);
    }
    this.#unreadBytes -= filled;
    if (this.#paused && this.#unreadBytes < UNREAD_BYTES_MAX) {
      this.#paused = false;
      this.#socket.resume();
    }
    return filled;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    // An empty buffer that is no part of another ends the whole process, in this runtime.
    if (bytes.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (failure: NetworkError | null | undefined): void => {
        this.#leaving.delete(settle);
        if (failure) reject(failure);
        else resolve();
      };
      this.#leaving.add(settle);
      // Of a socket that this side has destroyed it says that all is well.
      this.#socket.write(bytes, (error) => settle(error ? broken(BROKEN) : this.#failure));
    });
  }

  closeWrite(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve) => this.#socket.end(() => resolve()));
  }

  close(): void {
    this.#fail("closed on this side");
    const socket = this.#socket;
    if (socket.destroyed) return;
    // Who does not read what is still leaving could keep the socket for ever.
    if (this.#leaving.size > 0) return void socket.destroy();
    socket.destroySoon();
    const deadline = setTimeout(() => socket.destroy(), limits.lingerTimeoutMs);
    socket.once("close", () => clearTimeout(deadline));
  }

  #arrived(bytes: Uint8Array): void {
    this.#unread.push(bytes);
    this.#unreadBytes += bytes.length;
    if (this.#unreadBytes >= UNREAD_BYTES_MAX) {
      this.#paused = true;
      this.#socket.pause();
    }
    this.#happened(() => {});
  }

  #fail(reason: string): void {
    this.#happened(() => this.#failure ??= broken(reason));
  }

  #happened(note: () => void): void {
    note();
    this.#wake?.();
    this.#wake = undefined;
  }
}

export function remoteOf(socket: Socket): Address {
  return { host: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
}

function broken(reason: string): NetworkError {
  return new NetworkError("reset", reason);
}
