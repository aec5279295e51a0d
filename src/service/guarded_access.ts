/**
 * What callers may do: everything where no policy is; else what it allows, and nothing more. Who
 * asks is known by `Authentication`.
 *
 * Invariant: no refusal depends on what is stored, so that none tells it.
 */

import type { Permissions } from "../access/mod.ts";
import { type Bell, err, ok, printableText, type Result } from "../base/mod.ts";
import type { KeyRange } from "../kv/mod.ts";
import {
  type Access,
  type Caller,
  type Credentials,
  EVERYTHING,
  OPERATOR_ROLE,
  type Sight,
} from "./access.ts";
import { type Authentication, SHOW_A_TOKEN } from "./authentication.ts";
import { refusal, type ServiceError } from "./errors.ts";
import type { Demand } from "./operations.ts";
import type { PolicyInForce } from "./policy_in_force.ts";

/** So much of a key stands in the text of a refusal. */
const SHOWN_LENGTH_MAX = 64;

export class GuardedAccess implements Access {
  /** Also where everybody may do everything: a wrong token is refused there too. */
  readonly guarded = true;
  readonly #authentication: Authentication;
  readonly #policy: PolicyInForce;

  constructor(authentication: Authentication, policy: PolicyInForce) {
    this.#authentication = authentication;
    this.#policy = policy;
  }

  identify(credentials: Credentials): Result<Caller, ServiceError> {
    return this.#authentication.identify(credentials);
  }

  refuse(caller: Caller, demand: Demand, key?: Uint8Array): ServiceError | null {
    const judging = this.#judging(caller);
    if (!judging.ok) return judging.error;
    if (judging.value === null || judging.value.of(caller).allows(demand, key)) return null;
    return forbidden(caller, demand, key === undefined ? "" : ` for the key ${shown(key)}`);
  }

  refuseRange(caller: Caller, demand: Demand, { start, end }: KeyRange): ServiceError | null {
    const judging = this.#judging(caller);
    if (!judging.ok) return judging.error;
    if (judging.value === null || judging.value.of(caller).allowsAll(demand, start, end)) {
      return null;
    }
    const until = end === null ? "" : ` up to ${shown(end)}`;
    return forbidden(caller, demand, ` for every key from ${shown(start)}${until}`);
  }

  readable(caller: Caller, demand: "read" | "watch"): Result<Sight, ServiceError> {
    if (!this.#authentication.counts(caller)) return err(NO_MORE);
    const judging = this.#judging(caller);
    if (!judging.ok) return judging;
    if (judging.value === null) return ok(EVERYTHING);
    const grants = judging.value.of(caller);
    return ok({
      sees: (key) => grants.allows(demand, key),
      ranges: () => grants.ranges(demand),
      basis: grants.basis(demand),
    });
  }

  get changes(): Bell {
    return this.#policy.changes;
  }

  get version(): number {
    return this.#policy.version;
  }

  /** By what to judge; null: he may do everything. */
  #judging(caller: Caller): Result<Permissions | null, ServiceError> {
    const refused = this.#authentication.refuse(caller);
    if (refused !== null) return err(refused);
    if (caller.roles.includes(OPERATOR_ROLE)) return NO_POLICY;
    const permissions = this.#policy.permissions();
    if (!permissions.ok || permissions.value === null) return permissions;
    return caller.name === null ? err(SHOW_A_TOKEN) : permissions;
  }
}

const NO_POLICY = ok(null);
const NO_MORE = refusal("unauthenticated", "The token of this caller was revoked.");

function forbidden({ name }: Caller, permission: Demand, what: string): ServiceError {
  const detail = `The policy does not give ${name} the permission "${permission}"${what}.`;
  return { ...refusal("forbidden", detail), permission };
}

function shown(key: Uint8Array): string {
  const text = new TextDecoder().decode(key);
  const start = printableText(text.slice(0, SHOWN_LENGTH_MAX));
  return text.length > SHOWN_LENGTH_MAX ? `"${start}…"` : `"${start}"`;
}
