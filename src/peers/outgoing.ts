/**
 * The link on which this node sends to one peer: dialed, greeted, and dialed again when it breaks.
 * Messages wait in one bounded queue; all that a loop turn queues leave in one write.
 */

import {
  type Address,
  BoundedQueue,
  bytesEqual,
  ByteWriter,
  type Clock,
  type Connection,
  err,
  type Hash,
  limits,
  type Log,
  ok,
  type PublicKeyBytes,
  type Random,
  type Result,
  type Timer,
} from "../base/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import { encodeMessage, messageBytes } from "./codec.ts";
import {
  checkGreeting,
  decodeAnswer,
  encodeHello,
  encodeRenewal,
  type Greeting,
  isRefusal,
  type SelfIdentity,
} from "./handshake.ts";
import type { Incarnations } from "./incarnations.ts";
import { encodeBare, MOVED, PING, PONG } from "./frame.ts";
import { Liveness } from "./liveness.ts";
import { FrameStream, reasonOf } from "./stream.ts";
import type { Dialed, Transport } from "./transport.ts";
import type { PeerMessage } from "./types.ts";

export type LinkPorts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: Hash;
  readonly log: Log;
};

export type OutgoingOptions = {
  readonly ports: LinkPorts;
  readonly self: SelfIdentity;
  readonly incarnations: Incarnations;
  readonly transport: Transport;
  readonly peer: NodeId;
  readonly address: Address;
  readonly onUp: () => void;
  readonly onDown: () => void;
};

/** A connection that was dialed and greeted. */
type Opened = {
  readonly connection: Connection;
  readonly stream: FrameStream;
  /** The start of the peer's process that it leads to. */
  readonly boot: number;
  /** What the peer has proven on it. */
  readonly key: PublicKeyBytes | null;
};

const DIAL_TIMEOUT_MS = 2_000;
/** One write to the operating system holds about this much, so that a slow link queues, not it. */
const WRITE_BYTES = 1024 * 1024;

export class OutgoingLink {
  readonly #options: OutgoingOptions;
  readonly #queue = new BoundedQueue<PeerMessage>(
    { itemsMax: limits.peerQueueFramesMax, weightMax: limits.peerQueueBytesMax },
    messageBytes,
  );
  /** Set while the link is up. */
  #link: Opened | null = null;
  /** All that are open, whatever their state. */
  readonly #connections = new Set<Connection>();
  /** A renewal goes from being dialed over being ready to being moved to; one at a time. */
  #renewing = false;
  #ready: Opened | null = null;
  #movedTo: Opened | null = null;
  #renewAgain = false;
  readonly #writer = new ByteWriter();
  #flushing = false;
  #pingDue = false;
  #closed = false;
  #delayMs: number = limits.reconnectDelayMsMin;
  #retry: { readonly timer: Timer; readonly dial: () => void } | null = null;
  #reasonLogged = "";
  #dropped = 0;
  #refusal: string | null = null;
  #trouble: string | null = null;

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  get up(): boolean {
    return this.#link !== null;
  }

  /** What the peer has proven on it; null while it is down. */
  get key(): PublicKeyBytes | null {
    return this.#link?.key ?? null;
  }

  /** Whether messages are still on their way out. */
  get busy(): boolean {
    return this.#flushing;
  }

  /** Messages that found the queue full, or that no frame can hold. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Why the peer turned this node away, when that is what it said last. */
  get refusal(): string | null {
    return this.#refusal;
  }

  /** Why the link is down; null while it is up, and before the first attempt has ended. */
  get trouble(): string | null {
    return this.up ? null : this.#trouble;
  }

  start(): void {
    void this.#run();
  }

  /** Queues `message`; false when it certainly will not leave: link down, full, or too large. */
  send(message: PeerMessage): boolean {
    if (this.#link === null || this.#closed) return false;
    const fits = messageBytes(message) <= limits.peerFrameBytesMax;
    if (!fits || !this.#queue.push(message)) {
      this.#dropped++;
      return false;
    }
    this.#flushSoon();
    return true;
  }

  /**
   * The peer is known to be there, in its start `boot`: dial now instead of waiting out the delay,
   * and leave a link to an earlier process, whose end no packet may ever tell.
   */
  wake(boot: number): void {
    if (this.#link !== null && boot > this.#link.boot) this.disconnect();
    this.#dialNow();
  }

  /** The peer has just proven `key` elsewhere: a link that rests on another one is renewed. */
  follow(key: PublicKeyBytes | null): void {
    const known = this.#link?.key;
    if (key !== null && known && !bytesEqual(key, known)) void this.renew();
  }

  /**
   * Moves the link to a new connection, which rests on the keys of now; nothing that is said on it
   * gets lost or out of order. When that does not work, the link stays where it is.
   */
  async renew(): Promise<void> {
    if (!this.up || this.#closed) return; // the next dial does it
    this.#renewAgain = this.#renewing;
    if (this.#renewing) return;
    this.#renewing = true;
    const opened = await this.#open(encodeRenewal);
    if (opened.ok && this.up && !this.#closed && this.#ready === null) {
      this.#ready = opened.value;
      return this.#flushSoon();
    }
    this.#renewing = false;
    if (opened.ok) return this.#hangUp(opened.value.connection);
    const fields = { peer: this.#options.peer, reason: opened.error };
    this.#options.ports.log.warn("link not renewed", fields);
    if (this.#renewAgain) void this.renew();
  }

  /** Ends the link if it rests on a key that is no longer authorised; dials at once if it is down. */
  reviewKeys(): void {
    const { transport, peer } = this.#options;
    if (!this.up) this.#dialNow();
    else if (transport.refuse(peer, this.#link?.key ?? null) !== null) this.disconnect();
  }

  /** Ends the link, if there is one; the peer is dialed again and judged anew. */
  disconnect(): void {
    for (const connection of this.#connections) connection.close();
  }

  close(): void {
    this.#closed = true;
    this.#dialNow();
    this.disconnect();
  }

  #dialNow(): void {
    this.#delayMs = limits.reconnectDelayMsMin;
    this.#retry?.timer.cancel();
    this.#retry?.dial();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const ended = await this.#connect();
      if (this.#closed) return;
      this.#trouble = ended;
      this.#logOnce(ended);
      await this.#pause();
    }
  }

  /** Brings the link up, and then waits for its end; returns why it ended. */
  async #connect(): Promise<string> {
    const { ports, peer, onUp, onDown } = this.#options;
    const opened = await this.#open(encodeHello);
    if (!opened.ok) return opened.error;
    this.#link = opened.value;
    const upAt = ports.clock.now();
    ports.log.info("link up", { peer });
    onUp();
    const reason = await this.#untilGivenUp(opened.value);
    this.#link = null;
    this.#queue.drain();
    // A link that breaks as soon as it is up, again and again, is dialed ever more slowly.
    if (ports.clock.now() - upAt >= limits.reconnectDelayMsMax) {
      this.#delayMs = limits.reconnectDelayMsMin;
      this.#reasonLogged = "";
    }
    if (!this.#closed) onDown();
    return reason;
  }

  /** Dials and greets; an error when nothing came of it. */
  async #open(encode: typeof encodeHello): Promise<Result<Opened, string>> {
    const { ports, transport, peer, address } = this.#options;
    let dialed: Dialed;
    try {
      dialed = await transport.dial(peer, address, DIAL_TIMEOUT_MS);
    } catch (error) {
      this.#refusal = null;
      return err(reasonOf(error));
    }
    const { connection, key } = dialed;
    this.#connections.add(connection);
    const stream = new FrameStream(connection, ports.hash, limits.handshakeBytesMax);
    const greeted = this.#closed
      ? err("closing")
      : await stream.withDeadline(ports.clock, () => this.#greet(stream, encode));
    const failed = this.#failureOf(greeted, key);
    if (greeted.ok && failed === null) {
      return ok({ connection, stream, boot: greeted.value.boot, key });
    }
    this.#hangUp(connection);
    return err(failed ?? "");
  }

  /** What speaks against using a connection that was greeted so. */
  #failureOf(greeted: Result<Greeting, string>, key: PublicKeyBytes | null): string | null {
    const { transport, peer } = this.#options;
    if (this.#closed) return "closing";
    if (!greeted.ok) {
      // Who does not know this node's key says nothing and hangs up.
      const isMute = key !== null && this.#refusal === null;
      return greeted.error + (isMute ? `; ${peer} may not know this node's key` : "");
    }
    // The keys may have changed meanwhile.
    return transport.refuse(peer, key) === null ? null : "the key was revoked";
  }

  /** Waits for the end of the link, on whatever connections it moves to; returns why it ended. */
  async #untilGivenUp(first: Opened): Promise<string> {
    for (let now = first;;) {
      const reason = await this.#untilEnd(now.stream, now.connection);
      this.#hangUp(now.connection);
      const next = this.#movedTo;
      if (this.#ready !== null) this.#hangUp(this.#ready.connection);
      this.#ready = this.#movedTo = null;
      this.#renewing = false;
      if (next === null) return reason;
      now = next;
      if (this.#renewAgain) void this.renew();
    }
  }

  /** The peer only says on this link that it hears; whatever else ends the wait ends the link. */
  async #untilEnd(stream: FrameStream, connection: Connection): Promise<string> {
    const liveness = new Liveness({
      clock: this.#options.ports.clock,
      bytesRead: () => stream.bytesRead,
      beat: () => {
        this.#pingDue = true;
        this.#flushSoon();
      },
      onLost: () => connection.close(),
    });
    try {
      while (true) {
        const frame = await stream.next();
        if (!frame.ok) return liveness.lost ? "no answer to pings" : frame.error.reason;
        if (frame.value.kind !== PONG) return "unexpected frame";
      }
    } finally {
      liveness.stop();
    }
  }

  #hangUp(connection: Connection): void {
    connection.close();
    this.#connections.delete(connection);
  }

  async #greet(
    stream: FrameStream,
    encode: typeof encodeHello,
  ): Promise<Result<Greeting, string>> {
    const { ports, self, peer, incarnations } = this.#options;
    const written = await stream.write(encode(ports.hash, self, peer));
    if (!written.ok) return written;
    const frame = await stream.next();
    if (!frame.ok) return err(frame.error.reason);
    const answer = decodeAnswer(frame.value);
    this.#refusal = isRefusal(frame.value) && !answer.ok ? answer.error : null;
    if (!answer.ok) return answer;
    if (answer.value.from !== peer) return err(`${answer.value.from} answers instead of ${peer}`);
    const fits = checkGreeting(answer.value, self);
    if (!fits.ok) return fits;
    const refused = incarnations.admit(answer.value);
    return refused === null ? answer : err(refused);
  }

  /** At the end of the current callback, so that what it goes on to send shares the write. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    void Promise.resolve().then(() => this.#flush());
  }

  async #flush(): Promise<void> {
    const { hash } = this.#options.ports;
    while (this.#link !== null && (this.#queue.length > 0 || this.#pingDue || this.#ready)) {
      if (this.#ready !== null) {
        await this.#move(this.#link, this.#ready);
        continue;
      }
      const { stream, connection }: Opened = this.#link;
      const writer = this.#writer.reset(); // one write at a time, so its buffer is free again
      if (this.#pingDue) writer.raw(encodeBare(hash, PING));
      this.#pingDue = false;
      while (this.#queue.length > 0 && writer.length < WRITE_BYTES) {
        encodeMessage(writer, hash, this.#queue.shift() as PeerMessage);
      }
      const written = await stream.write(writer.view());
      if (!written.ok) connection.close(); // the reader notices and ends the link
    }
    this.#flushing = false;
  }

  /** All so far was said on `from`. The peer ends it once it has read that; at the latest, we do. */
  async #move(from: Opened, to: Opened): Promise<void> {
    const { ports, peer } = this.#options;
    this.#ready = null;
    const written = await from.stream.write(encodeBare(ports.hash, MOVED));
    if (!written.ok || this.#link !== from) {
      from.connection.close();
      return this.#hangUp(to.connection);
    }
    this.#link = this.#movedTo = to;
    ports.log.info("link renewed", { peer });
    ports.clock.after(limits.linkMoveTimeoutMs, () => from.connection.close());
  }

  /** Waits before the next attempt: twice as long each time, with a random part against lockstep. */
  #pause(): Promise<void> {
    const { clock, random } = this.#options.ports;
    const delayMs = this.#delayMs / 2 + random.below(Math.ceil(this.#delayMs / 2));
    this.#delayMs = Math.min(this.#delayMs * 2, limits.reconnectDelayMsMax);
    return new Promise((resolve) => {
      const dial = () => {
        this.#retry = null;
        resolve();
      };
      this.#retry = { timer: clock.after(delayMs, dial), dial };
    });
  }

  /** One line per cause, not per attempt: a peer may be away for days. */
  #logOnce(reason: string): void {
    if (reason === this.#reasonLogged) return;
    this.#reasonLogged = reason;
    this.#options.ports.log.warn("link down", { peer: this.#options.peer, reason });
  }
}
