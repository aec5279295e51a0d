/**
 * The link on which this node sends to one peer: dialed, greeted, and dialed again when it breaks.
 * Messages wait in one bounded queue; all that a loop turn queues leave in one write.
 */

import {
  type Address,
  BoundedQueue,
  ByteWriter,
  type Clock,
  type Connection,
  err,
  type Hash,
  limits,
  type Log,
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
  type Greeting,
  isRefusal,
  type SelfIdentity,
} from "./handshake.ts";
import type { Incarnations } from "./incarnations.ts";
import { encodeBare, PING, PONG } from "./frame.ts";
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

const DIAL_TIMEOUT_MS = 2_000;
/** One write to the operating system holds about this much, so that a slow link queues, not it. */
const WRITE_BYTES = 1024 * 1024;

export class OutgoingLink {
  readonly #options: OutgoingOptions;
  readonly #queue = new BoundedQueue<PeerMessage>(
    { itemsMax: limits.peerQueueFramesMax, weightMax: limits.peerQueueBytesMax },
    messageBytes,
  );
  #connection: Connection | null = null;
  /** Set while the link is up, with the start of the peer's process that it leads to. */
  #stream: FrameStream | null = null;
  #boot = 0;
  /** What the peer has proven on it. */
  #key: PublicKeyBytes | null = null;
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
    return this.#stream !== null;
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
    if (this.#stream === null || this.#closed) return false;
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
    if (this.#stream !== null && boot > this.#boot) this.#connection?.close();
    this.#dialNow();
  }

  /** Ends the link if it rests on a key that is no longer authorised; dials at once if it is down. */
  reviewKeys(): void {
    const { transport, peer } = this.#options;
    if (!this.up) this.#dialNow();
    else if (transport.refuse(peer, this.#key) !== null) this.disconnect();
  }

  /** Ends the link, if there is one; the peer is dialed again and judged anew. */
  disconnect(): void {
    this.#connection?.close();
  }

  close(): void {
    this.#closed = true;
    this.#dialNow();
    this.#connection?.close();
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

  /** Dials, greets, and then waits for the end of the link; returns why it ended. */
  async #connect(): Promise<string> {
    const { ports, transport, peer, address, onUp, onDown } = this.#options;
    let dialed: Dialed;
    try {
      dialed = await transport.dial(peer, address, DIAL_TIMEOUT_MS);
    } catch (error) {
      this.#refusal = null;
      return reasonOf(error);
    }
    this.#connection = dialed.connection;
    if (this.#closed) return this.#hangUp("closing");
    const stream = new FrameStream(this.#connection, ports.hash, limits.handshakeBytesMax);
    const greeted = await stream.withDeadline(ports.clock, () => this.#greet(stream));
    if (this.#closed) return this.#hangUp("closing");
    if (!greeted.ok) {
      // Who does not know this node's key says nothing and hangs up.
      const isMute = dialed.key !== null && this.#refusal === null;
      return this.#hangUp(greeted.error + (isMute ? `; ${peer} may not know this node's key` : ""));
    }
    // The keys may have changed meanwhile.
    if (transport.refuse(peer, dialed.key) !== null) return this.#hangUp("the key was revoked");
    this.#key = dialed.key;
    this.#stream = stream;
    this.#boot = greeted.value.boot;
    const upAt = ports.clock.now();
    ports.log.info("link up", { peer });
    onUp();
    const reason = await this.#untilEnd(stream, this.#connection);
    this.#stream = null;
    this.#queue.drain();
    // A link that breaks as soon as it is up, again and again, is dialed ever more slowly.
    if (ports.clock.now() - upAt >= limits.reconnectDelayMsMax) {
      this.#delayMs = limits.reconnectDelayMsMin;
      this.#reasonLogged = "";
    }
    if (!this.#closed) onDown();
    return this.#hangUp(reason);
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

  #hangUp(reason: string): string {
    this.#connection?.close();
    this.#connection = null;
    return reason;
  }

  async #greet(stream: FrameStream): Promise<Result<Greeting, string>> {
    const { ports, self, peer, incarnations } = this.#options;
    const written = await stream.write(encodeHello(ports.hash, self, peer));
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
    while ((this.#queue.length > 0 || this.#pingDue) && this.#stream !== null) {
      const stream: FrameStream = this.#stream;
      const writer = this.#writer.reset(); // one write at a time, so its buffer is free again
      if (this.#pingDue) writer.raw(encodeBare(hash, PING));
      this.#pingDue = false;
      while (this.#queue.length > 0 && writer.length < WRITE_BYTES) {
        encodeMessage(writer, hash, this.#queue.shift() as PeerMessage);
      }
      const written = await stream.write(writer.view());
      if (!written.ok) this.#connection?.close(); // the reader notices and ends the link
    }
    this.#flushing = false;
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
