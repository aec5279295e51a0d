/**
 * Who asks, and what they may. The service asks `Access` before each operation; adapters only pass
 * on what a request showed.
 */

import { Bell, EMPTY, ok, type Result } from "../base/mod.ts";
import type { KeyRange } from "../kv/mod.ts";
import type { ServiceError } from "./errors.ts";
import type { Demand } from "./operations.ts";

/** Who sends a request, as far as that is proven. */
export type Caller = {
  /** What a token or a client certificate proved; null: nobody said who they are. */
  readonly name: string | null;
  /** Those of the token. */
  readonly roles: readonly string[];
  /** The id of the token that proved it. */
  readonly token?: string;
};

export const nobody: Caller = { name: null, roles: [] };

/**
 * Of the token that a node writes into its own directory: it may do everything there. No token that
 * a client asks for can have a role of this name.
 */
export const OPERATOR_ROLE = "keva:operator";

/** What a request shows of its sender. */
export type Credentials = {
  /** The common name of a client certificate that the connection has proven. */
  readonly certified?: string | undefined;
  /** The field `Authorization`. */
  readonly authorization: string | null;
};

/** Whether a caller may see `key`. */
export type Sees = (key: Uint8Array) => boolean;

/** What a caller gets of an answer about many keys. */
export type Sight = {
  /** Null: every key. */
  readonly sees: Sees | null;
  /** The same keys as ranges, in order and apart. */
  ranges(): readonly KeyRange[];
  /** While this is the same, so are these keys. */
  readonly basis: string;
};

export interface Access {
  /** False: everybody may do everything, and nobody has to be asked for credentials. */
  readonly guarded: boolean;
  /** An error when what is shown proves nobody: a wrong token is worse than none. */
  identify(credentials: Credentials): Result<Caller, ServiceError>;
  /** Why `caller` may not, or null. `key` is absent where the operation is about no key. */
  refuse(caller: Caller, demand: Demand, key?: Uint8Array): ServiceError | null;
  /** Why `caller` may not do so to every key of `range`, those included that no item has; or null. */
  refuseRange(caller: Caller, demand: Demand, range: KeyRange): ServiceError | null;
  /**
   * What `caller` gets of an answer about many keys. Other keys are left out, since a refusal would
   * tell that they are there. An error: he counts no more, or nobody can say at the moment.
   */
  readable(caller: Caller, demand: "read" | "watch"): Result<Sight, ServiceError>;
  /** Goes up whenever `readable` may give something else, for whomever; then `changes` rings. */
  readonly version: number;
  readonly changes: Bell;
}

/** All keys. */
export const EVERYTHING: Sight = {
  sees: null,
  ranges: () => [{ start: EMPTY, end: null }],
  basis: "everything",
};

/** For a node that only this machine reaches, or that says `insecure`. */
export const openAccess: Access = {
  guarded: false,
  identify: () => ok(nobody),
  refuse: () => null,
  refuseRange: () => null,
  readable: () => ok(EVERYTHING),
  version: 0,
  changes: new Bell(),
};
