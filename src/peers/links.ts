/**
 * All links of one node. Each node dials every peer and sends on the link that it dialed; the link
 * that the peer dialed brings the peer's messages. So nobody has to agree on who connects to whom.
 */

import type { Address, Listener, PublicKeyBytes } from "../base/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import type { SelfIdentity } from "./handshake.ts";
import { Incarnations, type Refuse } from "./incarnations.ts";
import { type IncomingCounters, IncomingLinks } from "./incoming.ts";
import { type LinkPorts, OutgoingLink } from "./outgoing.ts";
import type { Refusal } from "./refusals.ts";
import type { Authorised, Transport } from "./transport.ts";
import type { PeerMessage } from "./types.ts";

export type LinksOptions = {
  readonly ports: LinkPorts;
  readonly transport: Transport;
  readonly self: SelfIdentity;
  /** Where peers reach this node. */
  readonly listen: Address;
  readonly peers: ReadonlyMap<NodeId, Address>;
  /** Asked at every greeting. */
  readonly refuse: Refuse;
  readonly onMessage: (from: NodeId, message: PeerMessage) => void;
  /** Messages can be sent to `peer`. */
  readonly onUp: (peer: NodeId) => void;
  /**
   * A link with `peer`, in either direction, was up and broke: messages may be lost, and the peer's
   * process may have ended. Comes once per broken link.
   */
  readonly onDown: (peer: NodeId) => void;
};

export type LinkKeys = {
  /** Undefined where nobody has to prove anything. */
  readonly authorised: Authorised | undefined;
  readonly peers: readonly {
    readonly id: NodeId;
    /** The key that it has proven on its link to this node; null while there is none. */
    readonly proven: PublicKeyBytes | null;
    /** The one that it has proven on this node's link to it; while it changes, another one. */
    readonly dialed: PublicKeyBytes | null;
    /** Whether this node's link to it is up, and else why it is not, as far as is known. */
    readonly isUp: boolean;
    readonly trouble: string | null;
  }[];
  /** Whom this node turned away lately. */
  readonly refused: readonly Refusal[];
};

export class Links {
  readonly #options: LinksOptions;
  readonly #incarnations: Incarnations;
  readonly #outgoing = new Map<NodeId, OutgoingLink>();
  readonly #incoming: IncomingLinks;
  #listener: Listener | null = null;

  constructor(options: LinksOptions) {
    const { ports, transport, self, peers, refuse, onUp, onDown, onMessage } = options;
    this.#options = options;
    const incarnations = this.#incarnations = new Incarnations(refuse);
    for (const [peer, address] of peers) {
      this.#outgoing.set(
        peer,
        new OutgoingLink({
          ports,
          transport,
          self,
          incarnations,
          peer,
          address,
          onUp: () => onUp(peer),
          onDown: () => onDown(peer),
        }),
      );
    }
    this.#incoming = new IncomingLinks({
      ports,
      transport,
      self,
      incarnations,
      isPeer: (id) => peers.has(id),
      onMessage,
      // A peer that dials is there to be dialed: clusters heal without waiting out the delays.
      onUp: ({ from, boot }, key) => {
        this.#outgoing.get(from)?.wake(boot);
        this.#outgoing.get(from)?.follow(key);
      },
      onDown,
    });
  }

  /** Listens, then dials every peer. Rejects with NetworkError when it cannot listen. */
  async start(): Promise<Address> {
    const { transport, listen } = this.#options;
    this.#listener = await transport.listen(listen, {
      accept: (connection, key) => this.#incoming.accept(connection, key),
      refused: (remote, reason) => this.#incoming.refused(remote, reason),
    });
    for (const link of this.#outgoing.values()) link.start();
    return this.#listener.address;
  }

  /** Queues `message`; false when it certainly does not leave: unknown peer, link down, queue full. */
  send(to: NodeId, message: PeerMessage): boolean {
    return this.#outgoing.get(to)?.send(message) ?? false;
  }

  /** Whether `peer` can be sent to. */
  isUp(peer: NodeId): boolean {
    return this.#outgoing.get(peer)?.up === true;
  }

  /** Whether `peer` can send to this node, so that it could answer what it is asked. */
  hears(peer: NodeId): boolean {
    return this.#incoming.isLive(peer);
  }

  /** How many peers can be sent to. */
  get upCount(): number {
    return [...this.#outgoing.values()].filter((link) => link.up).length;
  }

  /** The data directory, in hex, that `peer` greeted with and was admitted; else undefined. */
  directoryOf(peer: NodeId): string | undefined {
    return this.#incarnations.directoryOf(peer);
  }

  /** The peers that turn this node away, each with its reason. */
  get refusals(): Map<NodeId, string> {
    const refusals = new Map<NodeId, string>();
    for (const [peer, { refusal }] of this.#outgoing) {
      if (refusal !== null) refusals.set(peer, refusal);
    }
    return refusals;
  }

  /** `refuse` may judge differently from now on: ends the links with whom it refuses. */
  review(): void {
    for (const [peer, link] of this.#outgoing) {
      if (!this.#incarnations.isOutdated(peer)) continue;
      link.disconnect();
      this.#incoming.disconnect(peer);
    }
  }

  /** Other keys count from now on. Links that rest on a key which is gone end at once. */
  authorise(authorised: Authorised): void {
    this.#options.transport.authorise(authorised);
    this.#incoming.reviewKeys();
    for (const link of this.#outgoing.values()) link.reviewKeys();
  }

  /** This node has another key: its links move to connections on which it has proven that one. */
  renew(): void {
    for (const link of this.#outgoing.values()) void link.renew();
  }

  /** Who is known by which key, and how that shows. */
  keys(): LinkKeys {
    const { transport, peers } = this.#options;
    return {
      authorised: transport.authorised,
      peers: [...peers.keys()].map((id) => ({
        id,
        proven: this.#incoming.keyOf(id),
        dialed: this.#outgoing.get(id)?.key ?? null,
        isUp: this.isUp(id),
        trouble: this.#outgoing.get(id)?.trouble ?? null,
      })),
      refused: this.#incoming.refusals,
    };
  }

  /** Whether messages are still on their way out. */
  get busy(): boolean {
    return [...this.#outgoing.values()].some((link) => link.busy);
  }

  get counters(): IncomingCounters & { readonly dropped: number } {
    let dropped = 0;
    for (const link of this.#outgoing.values()) dropped += link.dropped;
    return { ...this.#incoming.counters, dropped };
  }

  close(): void {
    this.#listener?.close();
    for (const link of this.#outgoing.values()) link.close();
    this.#incoming.close();
  }
}
