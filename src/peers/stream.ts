/**
 * Frames over one connection, and the handshake on top: what dialing and accepting share.
 */

import {
  type Clock,
  type Connection,
  err,
  type Hash,
  limits,
  ok,
  type Result,
} from "../base/mod.ts";
import { type Frame, FrameReader } from "./frame.ts";

/** Why no further frame comes. `malformed`: what came is no frame, which no healthy peer sends. */
export type StreamEnd = { readonly malformed: boolean; readonly reason: string };

/** Reads frames until the connection ends; never rejects. */
export class FrameStream {
  readonly #connection: Connection;
  readonly #reader: FrameReader;
  #bytesRead = 0;

  constructor(connection: Connection, hash: Hash, frameBytesMax: number) {
    this.#connection = connection;
    this.#reader = new FrameReader(hash, frameBytesMax);
  }

  /** All bytes that have arrived, of unfinished frames too. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** After the handshake: larger frames are allowed. Bytes already read are kept. */
  raiseLimit(frameBytesMax: number): void {
    this.#reader.raiseLimit(frameBytesMax);
  }

  /** The next frame; an error when the stream ended, broke, or cannot be trusted. */
  async next(): Promise<Result<Frame, StreamEnd>> {
    while (true) {
      const frame = this.#reader.next();
      if (!frame.ok) return err({ malformed: true, reason: frame.error });
      if (frame.value !== null) return ok(frame.value);
      const filled = await this.#fill();
      if (!filled.ok) return err({ malformed: false, reason: filled.error });
    }
  }

  async #fill(): Promise<Result<void, string>> {
    try {
      const count = await this.#connection.read(this.#reader.space());
      if (count === null) return err(CLOSED);
      this.#reader.filled(count);
      this.#bytesRead += count;
      return ok();
    } catch (error) {
      return err(reasonOf(error));
    }
  }

  async write(bytes: Uint8Array): Promise<Result<void, string>> {
    try {
      await this.#connection.write(bytes);
      return ok();
    } catch (error) {
      return err(reasonOf(error));
    }
  }

  /**
   * Runs a handshake under its deadline: past it the connection is closed, which ends every read
   * and write that `run` waits for.
   */
  async withDeadline<T>(
    clock: Clock,
    run: () => Promise<Result<T, string>>,
  ): Promise<Result<T, string>> {
    let late = false;
    const timer = clock.after(limits.handshakeTimeoutMs, () => {
      late = true;
      this.#connection.close();
    });
    const result = await run();
    timer.cancel();
    return late ? err("the handshake took too long") : result;
  }
}

const CLOSED = "closed by the other side";

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
