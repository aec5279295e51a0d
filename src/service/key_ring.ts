/**
 * The keys by which nodes know each other, while they are in use: read anew on demand, put into
 * effect on the links, and shown together with what the links make of them.
 */

import { bytesEqual, err, type Hash, type Log, ok, type Result } from "../base/mod.ts";
import { fingerprint, type PublicKey, publicKeyLine } from "../keys/mod.ts";
import type { Replica } from "../node/mod.ts";
import { refusal, type ServiceError } from "./errors.ts";

/** A key and the node that it stands for. */
export type NodeKey = { readonly node: string; readonly key: PublicKey };

/** Reads all authorised keys from where they are kept, or says what is wrong there. */
export type KeySource = () => Result<readonly NodeKey[], string>;

/** This node's own key, and where it finds those of the others. */
export type NodeKeys = {
  readonly privateKeyPem: string;
  readonly own: PublicKey;
  readonly source: KeySource;
};

export type KeyRingOptions = Omit<NodeKeys, "privateKeyPem"> & {
  readonly replica: Replica;
  readonly hash: Hash;
  readonly log: Log;
  /** What the source gave when the node started. */
  readonly authorised: readonly NodeKey[];
};

type Links = ReturnType<Replica["linkKeys"]>;

export type KeysView = {
  readonly node: string;
  /** False: nodes do not prove who they are, and there is nothing more to tell. */
  readonly keyed: boolean;
  /** The line by which others know this node. */
  readonly own?: string;
  readonly authorised?: readonly KeyView[];
  readonly links?: readonly {
    readonly node: string;
    readonly up: boolean;
    readonly trouble: string | null;
  }[];
  /** Whom this node turned away lately. */
  readonly refused?: Links["refused"];
};

export type KeyView = {
  readonly node: string;
  readonly fingerprint: string;
  /**
   * `own`: this node's; `proven`: its node has proven it on a link that is up; `absent`: nobody has;
   * `unknown`: its node is none of this cluster.
   */
  readonly state: "own" | "proven" | "absent" | "unknown";
};

export class KeyRing {
  readonly #options: KeyRingOptions;
  #authorised: readonly NodeKey[];

  constructor(options: KeyRingOptions) {
    this.#options = options;
    this.#authorised = options.authorised;
    this.#warn();
  }

  /** Puts into effect what the source gives now. When it gives an error, everything stays. */
  reload(): Result<void, ServiceError> {
    const { replica, log, source } = this.#options;
    const read = source();
    if (!read.ok) {
      log.error("keys not reloaded", { reason: read.error });
      return err(refusal("keysInvalid", `${read.error}; the keys stay as they were.`));
    }
    const before = this.#authorised;
    this.#authorised = read.value;
    replica.authorise(byNode(read.value));
    this.#audit("key authorised", without(read.value, before));
    this.#audit("key revoked", without(before, read.value));
    this.#warn();
    return ok();
  }

  view(): KeysView {
    const { replica, own } = this.#options;
    const { peers, refused } = replica.linkKeys();
    return {
      node: replica.id,
      keyed: true,
      own: publicKeyLine(own),
      authorised: this.#authorised.map(({ node, key }) => ({
        node,
        fingerprint: this.#fingerprint(key),
        state: this.#stateOf(node, key, peers),
      })),
      links: peers.map(({ id, isUp, trouble }) => ({ node: id, up: isUp, trouble })),
      refused,
    };
  }

  #stateOf(node: string, key: PublicKey, peers: Links["peers"]): KeyView["state"] {
    const { replica, own } = this.#options;
    if (node === replica.id) return bytesEqual(key.bytes, own.bytes) ? "own" : "absent";
    const peer = peers.find(({ id }) => id === node);
    if (peer === undefined) return "unknown";
    return peer.proven !== null && bytesEqual(peer.proven, key.bytes) ? "proven" : "absent";
  }

  /** Others that have the same list would not let this node in. */
  #warn(): void {
    const { replica, own, log } = this.#options;
    const mine = ({ node, key }: NodeKey) =>
      node === replica.id && bytesEqual(key.bytes, own.bytes);
    if (this.#authorised.some(mine)) return;
    log.warn("this node's own key is not among the authorised ones", { key: publicKeyLine(own) });
  }

  #audit(event: string, keys: readonly NodeKey[]): void {
    for (const { node, key } of keys) {
      this.#options.log.info(event, { peer: node, key: this.#fingerprint(key) });
    }
  }

  #fingerprint(key: PublicKey): string {
    return fingerprint(this.#options.hash, key);
  }
}

/** As the links want them. */
export function byNode(keys: readonly NodeKey[]): Map<string, Uint8Array[]> {
  const nodes = new Map<string, Uint8Array[]>();
  for (const { node, key } of keys) nodes.set(node, [...nodes.get(node) ?? [], key.bytes]);
  return nodes;
}

function without(keys: readonly NodeKey[], others: readonly NodeKey[]): NodeKey[] {
  return keys.filter(({ node, key }) =>
    !others.some((one) => one.node === node && bytesEqual(one.key.bytes, key.bytes))
  );
}
