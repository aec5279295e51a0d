/**
 * All links of one node. Each node dials every peer and sends on the link that it dialed; the link
 * that the peer dialed brings the peer's messages. So nobody has to agree on who connects to whom.
 */

import type { Address, Listener } from "../base/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import type { SelfIdentity } from "./handshake.ts";
import { Incarnations } from "./incarnations.ts";
import { type IncomingCounters, IncomingLinks } from "./incoming.ts";
import { type LinkPorts, OutgoingLink } from "./outgoing.ts";
import type { PeerMessage } from "./types.ts";

export type LinksOptions = {
  readonly ports: LinkPorts;
  readonly self: SelfIdentity;
  /** Where peers reach this node. */
  readonly listen: Address;
  readonly peers: ReadonlyMap<NodeId, Address>;
  readonly onMessage: (from: NodeId, message: PeerMessage) => void;
  /** Messages can be sent to `peer`. */
  readonly onUp: (peer: NodeId) => void;
  /**
   * A link with `peer`, in either direction, was up and broke: messages may be lost, and the peer's
   * process may have ended. Comes once per broken link.
   */
  readonly onDown: (peer: NodeId) => void;
};

export class Links {
  readonly #options: LinksOptions;
  readonly #outgoing = new Map<NodeId, OutgoingLink>();
  readonly #incoming: IncomingLinks;
  #listener: Listener | null = null;

  constructor(options: LinksOptions) {
    const { ports, self, peers, onUp, onDown, onMessage } = options;
    this.#options = options;
    const incarnations = new Incarnations();
    for (const [peer, address] of peers) {
      this.#outgoing.set(
        peer,
        new OutgoingLink({
          ports,
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
      self,
      incarnations,
      isPeer: (id) => peers.has(id),
      onMessage,
      // A peer that dials is there to be dialed: clusters heal without waiting out the delays.
      onUp: ({ from, boot }) => this.#outgoing.get(from)?.wake(boot),
      onDown,
    });
  }

  /** Listens, then dials every peer. Rejects with NetworkError when it cannot listen. */
  async start(): Promise<Address> {
    const { ports, listen } = this.#options;
    this.#listener = await ports.network.listen(listen, (one) => this.#incoming.accept(one));
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

  /** How many peers can be sent to. */
  get upCount(): number {
    return [...this.#outgoing.values()].filter((link) => link.up).length;
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
