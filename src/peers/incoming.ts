/**
 * The links on which peers send to this node: greeted within a deadline, one live link per peer,
 * bounded before the greeting, and closed at the first byte that makes no sense.
 *
 * Invariants:
 * - P1 a message is delivered under the identity that its link's greeting proved.
 * - P3 a peer has at most one live link here: the newest that was admitted. When the peer moves to
 *   it, what it had said on the one before is delivered first.
 */

import {
  type Address,
  type Connection,
  err,
  limits,
  ok,
  type PublicKeyBytes,
  type Result,
} from "../base/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import { decodeMessage } from "./codec.ts";
import { encodeBare, MOVED, PING, PONG } from "./frame.ts";
import { Liveness } from "./liveness.ts";
import {
  checkGreeting,
  decodeHello,
  encodeRefusal,
  encodeWelcome,
  type Greeting,
  isRenewal,
  type SelfIdentity,
  shown,
} from "./handshake.ts";
import type { Incarnations } from "./incarnations.ts";
import type { LinkPorts } from "./outgoing.ts";
import { type Refusal, Refusals } from "./refusals.ts";
import { FrameStream, type StreamEnd } from "./stream.ts";
import type { Transport } from "./transport.ts";
import type { PeerMessage } from "./types.ts";

export type IncomingOptions = {
  readonly ports: LinkPorts;
  readonly self: SelfIdentity;
  readonly incarnations: Incarnations;
  readonly transport: Transport;
  readonly isPeer: (id: NodeId) => boolean;
  readonly onMessage: (from: NodeId, message: PeerMessage) => void;
  readonly onUp: (greeting: Greeting, key: PublicKeyBytes | null) => void;
  readonly onDown: (peer: NodeId) => void;
};

/** `refused` before they had proven who they are, `malformed` after. */
export type IncomingCounters = {
  refused: number;
  malformed: number;
  /** Messages that each peer has delivered. */
  readonly received: Map<NodeId, number>;
};

type Link = {
  readonly connection: Connection;
  readonly key: PublicKeyBytes | null;
  /** Its peer has said all that it wanted to say on it. */
  moved: boolean;
  /** Resolves when nothing more is delivered from it. */
  readonly ended: PromiseWithResolvers<void>;
};

/** A greeting that was answered; `renewal`: of who has a link already. */
type Greeted = { readonly greeting: Greeting; readonly renewal: boolean };

const REPLACED: StreamEnd = { malformed: false, reason: "replaced" };
const LOG_INTERVAL_MS = 60_000;
const LOG_SOURCES_MAX = 1_000;

export class IncomingLinks {
  readonly #options: IncomingOptions;
  readonly #live = new Map<NodeId, Link>();
  /** Those that their peers are moving away from. */
  readonly #leaving = new Map<NodeId, Link>();
  readonly #halfOpen = new Map<Connection, string>();
  readonly #loggedAt = new Map<string, number>();
  readonly counters: IncomingCounters = { refused: 0, malformed: 0, received: new Map() };
  readonly #refusals = new Refusals();
  #closed = false;

  constructor(options: IncomingOptions) {
    this.#options = options;
  }

  /** `key` is what the other side has proven, where it had to. */
  accept(connection: Connection, key: PublicKeyBytes | null): void {
    const { host } = connection.remote;
    const refusal = this.#closed ? "closing" : this.#crowded(host);
    if (refusal !== null) {
      connection.close();
      return this.refused(connection.remote, refusal);
    }
    this.#halfOpen.set(connection, host);
    void this.#serve({ connection, key, moved: false, ended: Promise.withResolvers() });
  }

  /** Whether messages of `peer` can arrive. */
  isLive(peer: NodeId): boolean {
    return this.#live.has(peer);
  }

  /** Ends the link with `peer`, who may come again and be judged anew. */
  disconnect(peer: NodeId): void {
    const links = [this.#live.get(peer), this.#leaving.get(peer)];
    this.#live.delete(peer); // at once, so that nothing more is delivered
    this.#leaving.delete(peer);
    for (const link of links) link?.connection.close();
    if (links.some((link) => link !== undefined)) this.#options.onDown(peer);
  }

  /** Ends the links of those whose key is no longer authorised. */
  reviewKeys(): void {
    for (const [peer, { key }] of [...this.#leaving, ...this.#live]) {
      if (this.#options.transport.refuse(peer, key) !== null) this.disconnect(peer);
    }
  }

  /** The key that `peer` has proven on its live link. */
  keyOf(peer: NodeId): PublicKeyBytes | null {
    return this.#live.get(peer)?.key ?? null;
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#halfOpen.keys()) connection.close();
    for (const { connection } of this.#live.values()) connection.close();
    for (const { connection } of this.#leaving.values()) connection.close();
  }

  #crowded(host: string): string | null {
    if (this.#halfOpen.size >= limits.halfOpenLinksMax) return "too many strangers";
    const same = [...this.#halfOpen.values()].filter((other) => other === host).length;
    return same >= limits.halfOpenLinksPerAddressMax ? "too many strangers of one address" : null;
  }

  async #serve(link: Link): Promise<void> {
    const { ports, transport, incarnations } = this.#options;
    const { connection, key } = link;
    const stream = new FrameStream(connection, ports.hash, limits.handshakeBytesMax);
    const greeted = await stream.withDeadline(ports.clock, () => this.#greet(stream, key));
    this.#halfOpen.delete(connection);
    if (this.#closed) return connection.close();
    if (!greeted.ok) {
      connection.close();
      return this.refused(connection.remote, greeted.error);
    }
    const { greeting, renewal } = greeted.value;
    const peer = greeting.from;
    // The membership or the keys may have changed while the answer was on its way.
    if (incarnations.isOutdated(peer) || transport.refuse(peer, key) !== null) {
      return connection.close();
    }
    const before = this.#goLive(greeting, link, renewal);
    if (before !== undefined) await before.ended.promise;
    stream.raiseLimit(limits.peerFrameBytesMax);
    const end = await this.#receive(stream, peer, link);
    connection.close();
    link.ended.resolve();
    this.#ended(peer, link, end);
  }

  #ended(peer: NodeId, link: Link, end: StreamEnd): void {
    const links = [this.#live, this.#leaving].find((all) => all.get(peer) === link);
    if (links === undefined || this.#closed) return;
    links.delete(peer);
    if (links === this.#leaving && link.moved) return; // nothing is lost
    this.#logEnd(peer, end);
    this.#options.onDown(peer);
  }

  /** Returns the link whose last messages come first, when the peer moves to this one. */
  #goLive(greeting: Greeting, link: Link, renewal: boolean): Link | undefined {
    const { ports, onUp, onDown } = this.#options;
    const peer = greeting.from;
    const previous = this.#live.get(peer);
    this.#live.set(peer, link);
    const isMove = renewal && previous !== undefined && !this.#leaving.has(peer);
    if (isMove && !previous.moved) {
      this.#leaving.set(peer, previous);
      ports.clock.after(limits.linkMoveTimeoutMs, () => previous.connection.close());
    } else if (previous !== undefined) {
      previous.connection.close();
      if (!isMove) onDown(peer);
    }
    onUp(greeting, link.key);
    return isMove ? previous : undefined;
  }

  async #greet(
    stream: FrameStream,
    key: PublicKeyBytes | null,
  ): Promise<Result<Greeted, string>> {
    const { ports, self } = this.#options;
    const frame = await stream.next();
    if (!frame.ok) return err(frame.error.reason);
    const hello = decodeHello(frame.value);
    if (!hello.ok) return hello;
    const refusal = this.#judge(hello.value, key);
    if (refusal !== null) {
      await stream.write(encodeRefusal(ports.hash, refusal));
      return err(refusal);
    }
    const written = await stream.write(encodeWelcome(ports.hash, self, hello.value.from));
    return written.ok ? ok({ greeting: hello.value, renewal: isRenewal(frame.value) }) : written;
  }

  #judge(greeting: Greeting, key: PublicKeyBytes | null): string | null {
    const { self, isPeer, incarnations, transport } = this.#options;
    const fits = checkGreeting(greeting, self);
    if (!fits.ok) return fits.error;
    if (!isPeer(greeting.from)) return `${shown(greeting.from)} is no member known to ${self.id}`;
    const reason = transport.refuse(greeting.from, key) ?? incarnations.admit(greeting);
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
  async #receive(stream: FrameStream, peer: NodeId, link: Link): Promise<StreamEnd> {
    const { ports, self, onMessage } = this.#options;
    const ends = { from: peer, to: self.id };
    const { received } = this.counters;
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
      onLost: () => link.connection.close(),
    });
    try {
      while (true) {
        const frame = await stream.next();
        const isLeaving = this.#leaving.get(peer) === link;
        if (!isLeaving && this.#live.get(peer) !== link || this.#closed) return REPLACED;
        if (!frame.ok) return frame.error;
        if (frame.value.kind === PING) continue;
        if (frame.value.kind === MOVED) {
          link.moved = true;
          if (isLeaving) return REPLACED;
          continue; // the greeting of the other link is still being answered
        }
        const message = decodeMessage(frame.value, ends);
        if (!message.ok) return { malformed: true, reason: message.error };
        received.set(peer, (received.get(peer) ?? 0) + 1);
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

  get refusals(): readonly Refusal[] {
    return this.#refusals.latest(this.#options.ports.clock.now());
  }

  /** Somebody was turned away, here or before. */
  refused({ host }: Address, reason: string): void {
    this.counters.refused++;
    this.#refusals.add(host, reason, this.#options.ports.clock.now());
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
