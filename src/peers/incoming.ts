/**
 * The links on which peers send to this node: greeted within a deadline, one live link per peer,
 * bounded before the greeting, and closed at the first byte that makes no sense.
 *
 * Invariants:
 * - P1 a message is delivered under the identity that its link's greeting proved.
 * - P3 a peer has at most one live link here: the newest that was admitted.
 */

import { type Connection, err, limits, ok, type Result } from "../base/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import { decodeMessage } from "./codec.ts";
import { encodeBare, PING, PONG } from "./frame.ts";
import { Liveness } from "./liveness.ts";
import {
  checkGreeting,
  decodeHello,
  encodeRefusal,
  encodeWelcome,
  type Greeting,
  type SelfIdentity,
  shown,
} from "./handshake.ts";
import type { Incarnations } from "./incarnations.ts";
import type { LinkPorts } from "./outgoing.ts";
import { FrameStream, type StreamEnd } from "./stream.ts";
import type { PeerMessage } from "./types.ts";

export type IncomingOptions = {
  readonly ports: LinkPorts;
  readonly self: SelfIdentity;
  readonly incarnations: Incarnations;
  readonly isPeer: (id: NodeId) => boolean;
  readonly onMessage: (from: NodeId, message: PeerMessage) => void;
  readonly onUp: (greeting: Greeting) => void;
  readonly onDown: (peer: NodeId) => void;
};

/** `refused` before they had proven who they are, `malformed` after. */
export type IncomingCounters = { refused: number; malformed: number };

const LOG_INTERVAL_MS = 60_000;
const LOG_SOURCES_MAX = 1_000;

export class IncomingLinks {
  readonly #options: IncomingOptions;
  readonly #live = new Map<NodeId, Connection>();
  readonly #halfOpen = new Map<Connection, string>();
  readonly #loggedAt = new Map<string, number>();
  readonly counters: IncomingCounters = { refused: 0, malformed: 0 };
  #closed = false;

  constructor(options: IncomingOptions) {
    this.#options = options;
  }

  accept(connection: Connection): void {
    const { host } = connection.remote;
    const refusal = this.#closed ? "closing" : this.#crowded(host);
    if (refusal !== null) {
      connection.close();
      return this.#refused(connection, refusal);
    }
    this.#halfOpen.set(connection, host);
    void this.#serve(connection);
  }

  /** Whether messages of `peer` can arrive. */
  isLive(peer: NodeId): boolean {
    return this.#live.has(peer);
  }

  /** Ends the link with `peer`, who may come again and be judged anew. */
  disconnect(peer: NodeId): void {
    const link = this.#live.get(peer);
    if (link === undefined) return;
    this.#live.delete(peer); // at once, so that nothing more is delivered
    link.close();
    this.#options.onDown(peer);
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#halfOpen.keys()) connection.close();
    for (const connection of this.#live.values()) connection.close();
  }

  #crowded(host: string): string | null {
    if (this.#halfOpen.size >= limits.halfOpenLinksMax) return "too many strangers";
    const same = [...this.#halfOpen.values()].filter((other) => other === host).length;
    return same >= limits.halfOpenLinksPerAddressMax ? "too many strangers of one address" : null;
  }

  async #serve(connection: Connection): Promise<void> {
    const { ports } = this.#options;
    const stream = new FrameStream(connection, ports.hash, limits.handshakeBytesMax);
    const greeted = await stream.withDeadline(ports.clock, () => this.#greet(stream));
    this.#halfOpen.delete(connection);
    if (this.#closed) return connection.close();
    if (!greeted.ok) {
      connection.close();
      return this.#refused(connection, greeted.error);
    }
    const peer = greeted.value.from;
    // The membership may have changed while the answer was on its way.
    if (this.#options.incarnations.isOutdated(peer)) return connection.close();
    this.#goLive(greeted.value, connection);
    stream.raiseLimit(limits.peerFrameBytesMax);
    const end = await this.#receive(stream, peer, connection);
    connection.close();
    if (this.#live.get(peer) !== connection || this.#closed) return;
    this.#live.delete(peer);
    this.#logEnd(peer, end);
    this.#options.onDown(peer);
  }

  #goLive(greeting: Greeting, connection: Connection): void {
    const { onUp, onDown } = this.#options;
    const peer = greeting.from;
    const previous = this.#live.get(peer);
    this.#live.set(peer, connection);
    if (previous !== undefined) {
      previous.close();
      onDown(peer);
    }
    onUp(greeting);
  }

  async #greet(stream: FrameStream): Promise<Result<Greeting, string>> {
    const { ports, self } = this.#options;
    const frame = await stream.next();
    if (!frame.ok) return err(frame.error.reason);
    const hello = decodeHello(frame.value);
    if (!hello.ok) return hello;
    const refusal = this.#judge(hello.value);
    if (refusal !== null) {
      await stream.write(encodeRefusal(ports.hash, refusal));
      return err(refusal);
    }
    const written = await stream.write(encodeWelcome(ports.hash, self, hello.value.from));
    return written.ok ? ok(hello.value) : written;
  }

  #judge(greeting: Greeting): string | null {
    const { self, isPeer, incarnations } = this.#options;
    const fits = checkGreeting(greeting, self);
    if (!fits.ok) return fits.error;
    if (!isPeer(greeting.from)) return `${shown(greeting.from)} is no member known to ${self.id}`;
    const reason = incarnations.admit(greeting);
    if (reason !== null) {
      const fields = { peer: greeting.from, reason };
      this.#logSometimes(
        "error",
        `identity ${greeting.from}`,
        "identity refused",
        fields,
      );
    }
    return reason;
  }

  /** Delivers messages, and says that they arrive, until the link ends; returns why it did. */
  async #receive(stream: FrameStream, peer: NodeId, link: Connection): Promise<StreamEnd> {
    const { ports, self, onMessage } = this.#options;
    const ends = { from: peer, to: self.id };
    const pong = encodeBare(ports.hash, PONG);
    let answering = false;
    const liveness = new Liveness({
      clock: ports.clock,
      bytesRead: () => stream.bytesRead,
      beat: (heard) => {
        if (!heard || answering) return;
        answering = true;
        void stream.write(pong).then(() => answering = false);
      },
      onLost: () => link.close(),
    });
    try {
      while (true) {
        const frame = await stream.next();
        if (this.#live.get(peer) !== link || this.#closed) {
          return { malformed: false, reason: "replaced" };
        }
        if (!frame.ok) return frame.error;
        if (frame.value.kind === PING) continue;
        const message = decodeMessage(frame.value, ends);
        if (!message.ok) return { malformed: true, reason: message.error };
        onMessage(peer, message.value);
      }
    } finally {
      liveness.stop();
    }
  }

  #logEnd(peer: NodeId, { malformed, reason }: StreamEnd): void {
    if (!malformed) return this.#options.ports.log.debug("incoming link ended", { peer, reason });
    this.counters.malformed++;
    this.#logSometimes("warn", `malformed ${peer}`, "malformed frame", { peer, reason });
  }

  #refused(connection: Connection, reason: string): void {
    this.counters.refused++;
    const { host } = connection.remote;
    this.#logSometimes("warn", `refused ${host}`, "link refused", { host, reason });
  }

  /** At most one line per source and minute, so that strangers cannot fill the log. */
  #logSometimes(
    level: "warn" | "error",
    source: string,
    event: string,
    fields: Record<string, string>,
  ): void {
    const now = this.#options.ports.clock.now();
    if (now - (this.#loggedAt.get(source) ?? -LOG_INTERVAL_MS) < LOG_INTERVAL_MS) return;
    if (this.#loggedAt.size >= LOG_SOURCES_MAX) this.#loggedAt.clear();
    this.#loggedAt.set(source, now);
    this.#options.ports.log[level](event, fields);
  }
}
