/**
 * One simulated connection: two pipes over two routes. A route is one direction between two hosts:
 * it delays, and can hold everything back. A pipe is one direction of one connection, in order.
 */

import {
  type Address,
  assert,
  type Clock,
  type Connection,
  NetworkError,
} from "../../src/base/mod.ts";
import type { SeededRandom } from "./seeded_random.ts";

export type Conditions = {
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /** How fast bytes follow each other. */
  readonly bytesPerMs: number;
  /** Reads return any non-empty part of what has arrived, as TCP may. */
  readonly fragment: boolean;
};

/** What travels as one: a larger write arrives in pieces. */
const SEGMENT_BYTES = 64 * 1024;
/** Bytes written and not yet read past which a write waits. */
const WINDOW_BYTES = 256 * 1024;

/** One stream on a route: its bytes leave one after another and arrive in that order. */
type Lane = { departureMs: number; arrivalMs: number };

export class Route {
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  #conditions: Conditions;
  #held: { readonly arrive: () => void; readonly lane: Lane }[] | null = null;

  constructor(clock: Clock, random: SeededRandom, conditions: Conditions) {
    this.#clock = clock;
    this.#random = random;
    this.#conditions = conditions;
  }

  set(conditions: Partial<Conditions>): void {
    this.#conditions = { ...this.#conditions, ...conditions };
  }

  /** Everything waits from now on, what is already on its way included. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const { arrive, lane } of held) this.carry(arrive, lane);
  }

  /** Runs `arrive` after the delay of this route, and after what `lane` carried before. */
  carry(arrive: () => void, lane: Lane = newLane(), sizeBytes = 0): void {
    const { delayMsMin, delayMsMax, bytesPerMs } = this.#conditions;
    const now = this.#clock.now();
    lane.departureMs = Math.max(lane.departureMs, now) + sizeBytes / bytesPerMs;
    const delayMs = this.#random.between(delayMsMin, delayMsMax);
    lane.arrivalMs = Math.max(lane.arrivalMs, lane.departureMs + delayMs);
    this.#clock.after(lane.arrivalMs - now, () => {
      if (this.#held === null) arrive();
      else this.#held.push({ arrive, lane });
    });
  }

  /** How many of `available` bytes one read returns. */
  fragment(available: number): number {
    return this.#conditions.fragment ? 1 + this.#random.below(available) : available;
  }
}

function newLane(): Lane {
  return { departureMs: 0, arrivalMs: 0 };
}

type Waiter<T> = { resolve(value: T): void; reject(error: NetworkError): void };
type Reader = Waiter<number | null> & { readonly buffer: Uint8Array };

/** One direction of a connection. Each of its two sides can be closed or fail by itself. */
class Pipe {
  readonly #route: Route;
  readonly #lane = newLane();
  #arrived: Uint8Array[] = [];
  #unreadBytes = 0;
  #ended = false;
  #silent = false;
  #reader: Reader | null = null;
  #writer: Waiter<void> | null = null;
  #readError: NetworkError | null = null;
  #writeError: NetworkError | null = null;
  /** Set once nobody reads any more: told when bytes arrive nevertheless. */
  #unwanted: (() => void) | null = null;

  constructor(route: Route) {
    this.#route = route;
  }

  write(bytes: Uint8Array): Promise<void> {
    assert(this.#writer === null, "one write at a time");
    if (this.#writeError) return Promise.reject(this.#writeError);
    for (let at = 0; at < bytes.length; at += SEGMENT_BYTES) {
      this.#send(bytes.slice(at, at + SEGMENT_BYTES));
    }
    if (this.#unreadBytes <= WINDOW_BYTES) return Promise.resolve();
    return new Promise((resolve, reject) => this.#writer = { resolve, reject });
  }

  read(buffer: Uint8Array): Promise<number | null> {
    assert(this.#reader === null, "one read at a time");
    return new Promise((resolve, reject) => {
      this.#reader = { buffer, resolve, reject };
      this.#serve();
    });
  }

  /** No byte follows those that were written. */
  end(): void {
    this.carry(() => {
      this.#ended = true;
      this.#serve();
    });
  }

  closeReader(unwanted: () => void): void {
    this.#unwanted = unwanted;
    this.#arrived = [];
    this.failReader(closedHere());
  }

  failReader(error: NetworkError): void {
    this.#readError ??= error;
    this.#serve();
  }

  failWriter(error: NetworkError): void {
    this.#writeError ??= error;
    this.#writer?.reject(this.#writeError);
    this.#writer = null;
  }

  /** What is on its way and what is still written never arrives. */
  silence(): void {
    this.#silent = true;
  }

  carry(arrive: () => void, sizeBytes = 0): void {
    if (!this.#silent) this.#route.carry(() => this.#silent || arrive(), this.#lane, sizeBytes);
  }

  #send(bytes: Uint8Array): void {
    this.#unreadBytes += bytes.length;
    this.carry(() => {
      if (this.#unwanted) return this.#unwanted();
      this.#arrived.push(bytes);
      this.#serve();
    }, bytes.length);
  }

  /** Settles the waiting read, if there is something to settle it with. */
  #serve(): void {
    const reader = this.#reader;
    if (reader === null) return;
    const chunk = this.#arrived[0];
    if (chunk === undefined && !this.#ended && !this.#readError) return;
    this.#reader = null;
    if (chunk !== undefined) reader.resolve(this.#take(chunk, reader.buffer));
    else if (this.#readError) reader.reject(this.#readError);
    else reader.resolve(null);
  }

  #take(chunk: Uint8Array, buffer: Uint8Array): number {
    const length = this.#route.fragment(Math.min(chunk.length, buffer.length));
    buffer.set(chunk.subarray(0, length));
    if (length < chunk.length) this.#arrived[0] = chunk.subarray(length);
    else this.#arrived.shift();
    this.#unreadBytes -= length;
    if (this.#unreadBytes <= WINDOW_BYTES) {
      this.#writer?.resolve();
      this.#writer = null;
    }
    return length;
  }
}

export class SimConnection implements Connection {
  readonly host: string;
  readonly remote: Address;
  readonly #out: Pipe;
  readonly #in: Pipe;
  #open = true;
  #ended = false;

  constructor(local: Address, remote: Address, out: Pipe, into: Pipe) {
    this.host = local.host;
    this.remote = remote;
    this.#out = out;
    this.#in = into;
  }

  get open(): boolean {
    return this.#open;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#in.read(buffer);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#out.write(bytes);
  }

  closeWrite(): Promise<void> {
    if (!this.#open) return Promise.reject(closedHere());
    if (!this.#ended) this.#out.end();
    this.#ended = true;
    this.#out.failWriter(closedHere());
    return Promise.resolve();
  }

  /** The other side reads what was written, then the end; what it still sends is answered by RST. */
  close(): void {
    if (!this.#open) return;
    void this.closeWrite();
    this.#open = false;
    this.#in.closeReader(() => this.#sendReset());
  }

  /** The process on this side is gone; the other side hears of it when the news has travelled. */
  kill(): void {
    this.#open = false;
    this.#out.failWriter(reset());
    this.#in.closeReader(() => {});
    this.#sendReset();
  }

  /** Both sides know at once, and what was on its way is lost. */
  break(): void {
    this.#open = false;
    for (const pipe of [this.#in, this.#out]) {
      pipe.silence();
      pipe.failReader(reset());
      pipe.failWriter(reset());
    }
  }

  silence(): void {
    this.#in.silence();
    this.#out.silence();
  }

  #sendReset(): void {
    this.#out.carry(() => {
      this.#out.failReader(reset());
      this.#in.failWriter(reset());
    });
  }
}

export function socketPair(
  near: Address,
  far: Address,
  there: Route,
  back: Route,
): [dialed: SimConnection, accepted: SimConnection] {
  const [out, into] = [new Pipe(there), new Pipe(back)];
  return [new SimConnection(near, far, out, into), new SimConnection(far, near, into, out)];
}

function reset(): NetworkError {
  return new NetworkError("reset", "the other side broke the connection");
}

function closedHere(): NetworkError {
  return new NetworkError("reset", "closed on this side");
}
