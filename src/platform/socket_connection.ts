/**
 * A Connection on a socket of `node:net` or `node:tls`, which pushes what arrives.
 */

import type { Socket } from "node:net";
import { type Address, type Connection, NetworkError } from "../base/mod.ts";

/** Past this, what has arrived and nobody has read stops the other side. */
const UNREAD_BYTES_MAX = 1024 * 1024;

export class SocketConnection implements Connection {
  readonly remote: Address;
  readonly certified: string | undefined;
  readonly #socket: Socket;
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #ended = false;
  #failure: NetworkError | undefined;
  /** Set while a read waits for something to happen. */
  #wake: (() => void) | undefined;

  constructor(socket: Socket, remote: Address, certified?: string) {
    this.#socket = socket;
    this.remote = remote;
    this.certified = certified;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Uint8Array) => this.#arrived(bytes));
    socket.on("end", () => this.#happened(() => this.#ended = true));
    socket.on("error", () => this.#fail("the other side broke the connection"));
    socket.on("close", () => this.#fail("closed on this side"));
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
    if (this.#unreadBytes < UNREAD_BYTES_MAX) this.#socket.resume();
    return filled;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    // An empty buffer that is no part of another ends the whole process, in this runtime.
    if (bytes.length === 0) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onClose = () => reject(this.#failure ?? broken("closed on this side"));
    this.#socket.once("close", onClose);
    this.#socket.write(bytes, (error) => {
      this.#socket.off("close", onClose);
      if (error) reject(broken("the other side broke the connection"));
      else resolve();
    });
    return promise;
  }

  closeWrite(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve) => this.#socket.end(() => resolve()));
  }

  close(): void {
    this.#fail("closed on this side");
    this.#socket.destroySoon();
  }

  #arrived(bytes: Uint8Array): void {
    this.#unread.push(bytes);
    this.#unreadBytes += bytes.length;
    if (this.#unreadBytes >= UNREAD_BYTES_MAX) this.#socket.pause();
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

function broken(reason: string): NetworkError {
  return new NetworkError("reset", reason);
}
