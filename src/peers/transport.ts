/**
 * How the connections of links come about, and who may be at their other end: anybody where no
 * node has a key, else whoever proves a key that is authorised for the identity he claims.
 *
 * Invariant P4: on keyed links no message comes from, or goes to, whoever has not proven a key that
 * is authorised for his identity.
 */

import {
  type Address,
  bytesEqual,
  type Connection,
  type Listener,
  type Network,
  NetworkError,
  type PublicKeyBytes,
  type SecureEndpoint,
  type SecureListener,
} from "../base/mod.ts";
import type { NodeId } from "../raft/mod.ts";

/** The keys by which each node may be known: several while one takes the place of another. */
export type Authorised = ReadonlyMap<NodeId, readonly PublicKeyBytes[]>;

export type Arrivals = {
  /** `key` is null where nobody has to prove one. */
  readonly accept: (connection: Connection, key: PublicKeyBytes | null) => void;
  readonly refused: (remote: Address, reason: string) => void;
};

/** `key` is what the other side has proven, null where it does not have to. */
export type Dialed = { readonly connection: Connection; readonly key: PublicKeyBytes | null };

export interface Transport {
  listen(address: Address, arrivals: Arrivals): Promise<Listener>;
  dial(peer: NodeId, address: Address, timeoutMs: number): Promise<Dialed>;
  /** Why whoever has proven `key` is not `id`; null when he may be. */
  refuse(id: NodeId, key: PublicKeyBytes | null): string | null;
  /** Undefined where nobody has to prove anything. */
  readonly authorised: Authorised | undefined;
  /** The keys that count from now on. */
  authorise(authorised: Authorised): void;
}

export class PlainTransport implements Transport {
  readonly authorised = undefined;
  readonly #network: Network;

  constructor(network: Network) {
    this.#network = network;
  }

  listen(address: Address, { accept }: Arrivals): Promise<Listener> {
    return this.#network.listen(address, (connection) => accept(connection, null));
  }

  async dial(_peer: NodeId, address: Address, timeoutMs: number): Promise<Dialed> {
    return { connection: await this.#network.dial(address, timeoutMs), key: null };
  }

  refuse(): null {
    return null;
  }

  authorise(): void {}
}

export class KeyedTransport implements Transport {
  readonly #endpoint: SecureEndpoint;
  readonly #self: NodeId;
  #authorised: Authorised;
  #listener: SecureListener | undefined;

  constructor(options: { endpoint: SecureEndpoint; self: NodeId; authorised: Authorised }) {
    this.#endpoint = options.endpoint;
    this.#self = options.self;
    this.#authorised = options.authorised;
  }

  get authorised(): Authorised {
    return this.#authorised;
  }

  async listen(address: Address, arrivals: Arrivals): Promise<Listener> {
    const listener = await this.#endpoint.listen(address, {
      trusted: this.#trusted(),
      ...arrivals,
    });
    this.#listener = listener;
    return listener;
  }

  /** Tries one key after the other, the last first: that is where a new one is added. */
  async dial(peer: NodeId, address: Address, timeoutMs: number): Promise<Dialed> {
    let wrong = new NetworkError("denied", `no key is authorised for ${peer}`);
    for (const key of [...this.#authorised.get(peer) ?? []].reverse()) {
      try {
        return { connection: await this.#endpoint.dial(address, timeoutMs, key), key };
      } catch (error) {
        if (!(error instanceof NetworkError && error.code === "denied")) throw error;
        wrong = error;
      }
    }
    throw wrong;
  }

  refuse(id: NodeId, key: PublicKeyBytes | null): string | null {
    const keys = this.#authorised.get(id) ?? [];
    if (key !== null && keys.some((one) => bytesEqual(one, key))) return null;
    return `the key is not authorised for ${id} at ${this.#self}`;
  }

  authorise(authorised: Authorised): void {
    this.#authorised = authorised;
    this.#listener?.trust(this.#trusted());
  }

  /** Those of all other nodes: which of them is whose shows when a greeting names its sender. */
  #trusted(): PublicKeyBytes[] {
    return [...this.#authorised].filter(([id]) => id !== this.#self).flatMap(([, keys]) => keys);
  }
}
