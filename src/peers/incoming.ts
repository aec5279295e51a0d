/**
 * The links on which peers send to this node: greeted within a deadline, one live link per peer,
 * bounded before the greeting, and closed at the first byte that makes no sense.
 *
 * Invariants:
 * - P1 a message is delivered under the identity that its link's greeting proved.
 * - P2 a peer has at most one live link; a second process under its name is refused.
 */

import { bytesEqual, type Connection, err, hex, limits, ok, type Result } from "../base/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import { decodeMessage } from "./codec.ts";
import {
  checkGreeting,
  decodeHello,
  encodeRefusal,
  encodeWelcome,
  type Greeting,
  type SelfIdentity,
} from "./handshake.ts";
import type { LinkPorts } from "./outgoing.ts";
import { FrameStream } from "./stream.ts";
import type { PeerMessage } from "./types.ts";

export type IncomingOptions = {
  readonly ports: LinkPorts;
  readonly self: SelfIdentity;
  readonly isPeer: (id: NodeId) => boolean;
  readonly onMessage: (from: NodeId, message: PeerMessage) => void;
  readonly onUp: (peer: NodeId) => void;
  readonly onDown: (peer: NodeId) => void;
};

type Live = { readonly connection: Connection; readonly greeting: Greeting };

export type IncomingCounters = { refused: number; malformed: number };

const LOG_INTERVAL_MS = 60_000;
const LOG_SOURCES_MAX = 1_000;

export class IncomingLinks {
  readonly #options: IncomingOptions;
  readonly #live = new Map<NodeId, Live>();
  readonly #halfOpen = new Map<Connection, string>();
  readonly #loggedAt = new Map<string, number>();
  readonly counters: IncomingCounters = { refused: 0, malformed: 0 };
  #closed = false;

  constructor(options: IncomingOptions) {
    this.#options = options;
  }

  accept(connection: Connection): void {
    const host = connection.remote.host;
    const sameHost = [...this.#halfOpen.values()].filter((other) => other === host).length;
    if (
      this.#closed || this.#halfOpen.size >= limits.halfOpenLinksMax ||
      sameHost >= limits.halfOpenLinksPerAddressMax
    ) {
      this.counters.refused++;
      connection.close();
      return;
    }
    this.#halfOpen.set(connection, host);
    void this.#serve(connection);
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#halfOpen.keys()) connection.close();
    for (const { connection } of this.#live.values()) connection.close();
  }

  async #serve(connection: Connection): Promise<void> {
    const { ports } = this.#options;
    const stream = new FrameStream(connection, ports.hash, limits.handshakeBytesMax);
    const greeted = await stream.withDeadline(ports.clock, () => this.#greet(stream));
    this.#halfOpen.delete(connection);
    if (!greeted.ok || this.#closed) {
      connection.close();
      if (!greeted.ok) this.#refused(connection, greeted.error);
      return;
    }
    const greeting = greeted.value;
    const peer = greeting.from;
    this.#live.get(peer)?.connection.close();
    const live = { connection, greeting };
    this.#live.set(peer, live);
    this.#options.onUp(peer);
    stream.raiseLimit(limits.peerFrameBytesMax);
    const reason = await this.#receive(stream, peer, live);
    connection.close();
    if (this.#live.get(peer) !== live) return; // replaced by a newer link of the same peer
    this.#live.delete(peer);
    if (this.#closed) return;
    ports.log.debug("incoming link ended", { peer, reason });
    this.#options.onDown(peer);
  }

  async #greet(stream: FrameStream): Promise<Result<Greeting, string>> {
    const { ports, self } = this.#options;
    const frame = await stream.next();
    if (!frame.ok) return frame;
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
    const fits = checkGreeting(greeting, this.#options.self);
    if (!fits.ok) return fits.error;
    if (!this.#options.isPeer(greeting.from)) {
      return `${greeting.from} is no member known to ${this.#options.self.id}`;
    }
    const live = this.#live.get(greeting.from)?.greeting;
    if (live === undefined) return null;
    const same = bytesEqual(live.directory, greeting.directory);
    if (same && greeting.boot >= live.boot) return null; // reconnected, or restarted
    this.#options.ports.log.error("two processes under one identity", {
      peer: greeting.from,
      directory: hex(greeting.directory),
      boot: greeting.boot,
      live: hex(live.directory),
    });
    return `another process is connected as ${greeting.from}`;
  }

  /** Delivers messages until the link ends; returns why it did. */
  async #receive(stream: FrameStream, peer: NodeId, live: Live): Promise<string> {
    const ends = { from: peer, to: this.#options.self.id };
    while (true) {
      const frame = await stream.next();
      if (this.#live.get(peer) !== live || this.#closed) return "replaced";
      if (!frame.ok) return frame.error;
      const message = decodeMessage(frame.value, ends);
      if (!message.ok) {
        this.counters.malformed++;
        this.#logSometimes(`malformed ${peer}`, "malformed message", {
          peer,
          reason: message.error,
        });
        return message.error;
      }
      this.#options.onMessage(peer, message.value);
    }
  }

  #refused(connection: Connection, reason: string): void {
    this.counters.refused++;
    const { host } = connection.remote;
    this.#logSometimes(`refused ${host}`, "link refused", { host, reason });
  }

  /** At most one line per source and minute, so that strangers cannot fill the log. */
  #logSometimes(source: string, event: string, fields: Record<string, string>): void {
    const now = this.#options.ports.clock.now();
    if (now - (this.#loggedAt.get(source) ?? -LOG_INTERVAL_MS) < LOG_INTERVAL_MS) return;
    if (this.#loggedAt.size >= LOG_SOURCES_MAX) this.#loggedAt.clear();
    this.#loggedAt.set(source, now);
    this.#options.ports.log.warn(event, fields);
  }
}
