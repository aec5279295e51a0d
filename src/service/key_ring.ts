/**
 * The keys by which nodes know each other, while they are in use: read anew on demand, put into
 * effect on the links, and shown together with what the links make of them.
 */

import {
  bytesEqual,
  err,
  type Hash,
  type Log,
  ok,
  type Result,
  type SecureEndpoint,
} from "../base/mod.ts";
import { fingerprint, type PublicKey, publicKeyLine } from "../keys/mod.ts";
import type { Replica } from "../node/mod.ts";
import { refusal, type ServiceError } from "./errors.ts";

/** A key and the node that it stands for. */
export type NodeKey = { readonly node: string; readonly key: PublicKey };

/** Reads all authorised keys from where they are kept, or says what is wrong there. */
export type KeySource = () => Result<readonly NodeKey[], string>;

export type OwnKey = { readonly privateKeyPem: string; readonly own: PublicKey };

/** This node's own key, and where it finds it anew, and those of the others. */
export type NodeKeys = OwnKey & {
  readonly ownSource: () => Result<OwnKey, string>;
  readonly source: KeySource;
};

export type KeyRingOptions = Omit<NodeKeys, "privateKeyPem"> & {
  readonly endpoint: Pick<SecureEndpoint, "use">;
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
  #own: PublicKey;

  constructor(options: KeyRingOptions) {
    this.#options = options;
    this.#own = options.own;
    this.#authorised = options.authorised;
    this.#warn();
  }

  /**
   * Puts into effect what the sources give now: who is authorised, then this node's own key. Of
   * which one gives an error, that stays as it was; a new key of its own that is not authorised is
   * such an error, since the others would shut this node out.
   */
  reload(): Result<void, ServiceError> {
    const { replica, source, ownSource } = this.#options;
    const read = source();
    if (!read.ok) return this.#refuse(read.error);
    const before = this.#authorised;
    this.#authorised = read.value;
    replica.authorise(byNode(read.value));
    this.#audit("key authorised", without(read.value, before));
    this.#audit("key revoked", without(before, read.value));
    // Last, and on its own: whatever is wrong with it, a revoked key does not count any more.
    const changed = this.#changeOwn(ownSource());
    this.#warn();
    return changed;
  }

  #changeOwn(read: Result<OwnKey, string>): Result<void, ServiceError> {
    if (!read.ok) return this.#refuse(read.error);
    const { own } = read.value;
    if (bytesEqual(own.bytes, this.#own.bytes)) return ok();
    if (!this.#isListed(this.#authorised, own)) {
      return this.#refuse(`the new key of ${this.#options.replica.id} is not authorised here`);
    }
    void this.#change(read.value);
    return ok();
  }

  #refuse(reason: string): Result<void, ServiceError> {
    this.#options.log.error("keys not reloaded", { reason });
    return err(refusal("keysInvalid", `${reason}; what it is about stays as it was.`));
  }

  /** The old key goes on to count for as long as it is authorised. */
  async #change({ privateKeyPem, own }: OwnKey): Promise<void> {
    const { replica, endpoint, log } = this.#options;
    this.#own = own;
    await endpoint.use(privateKeyPem);
    replica.renewLinks();
    log.info("own key changed", { key: this.#fingerprint(own) });
  }

  view(): KeysView {
    const { replica } = this.#options;
    const { peers, refused } = replica.linkKeys();
    return {
      node: replica.id,
      keyed: true,
      own: publicKeyLine(this.#own),
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
    const { replica } = this.#options;
    if (node === replica.id) return bytesEqual(key.bytes, this.#own.bytes) ? "own" : "absent";
    const peer = peers.find(({ id }) => id === node);
    if (peer === undefined) return "unknown";
    const isUsed = [peer.proven, peer.dialed].some((one) => one && bytesEqual(one, key.bytes));
    return isUsed ? "proven" : "absent";
  }

  /** Others that have the same list would not let this node in. */
  #warn(): void {
    if (this.#isListed(this.#authorised, this.#own)) return;
    const fields = { key: publicKeyLine(this.#own) };
    this.#options.log.warn("this node's own key is not among the authorised ones", fields);
  }

  #isListed(keys: readonly NodeKey[], own: PublicKey): boolean {
    const { id } = this.#options.replica;
    return keys.some(({ node, key }) => node === id && bytesEqual(key.bytes, own.bytes));
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
