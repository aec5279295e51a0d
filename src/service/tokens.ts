/**
 * The tokens of clients: records of the cluster, so that every node knows the same ones.
 *
 * Invariant: the text of a token leaves this process once, in the answer to its creation; it is
 * neither stored nor logged.
 */

import {
  assert,
  type Clock,
  err,
  type Hash,
  limits,
  type Log,
  ok,
  type Random,
  type Result,
  type Secret,
} from "../base/mod.ts";
import { isName } from "../access/mod.ts";
import type { Revision } from "../kv/mod.ts";
import type { Replica } from "../node/mod.ts";
import type { Caller } from "./access.ts";
import { readFailure, refusal, type ServiceError } from "./errors.ts";
import { changeRecord, type RecordChange, settled } from "./record_change.ts";
import {
  decodeTokenCheck,
  encodeTokenCheck,
  newTokenId,
  newTokenText,
  saltedHash,
  type TokenCheck,
} from "./token_text.ts";

type Answer<T> = Promise<Result<T, ServiceError>>;

export type TokensOptions = {
  readonly replica: Replica;
  readonly clock: Clock;
  readonly hash: Hash;
  /** In production, one that nobody can predict. */
  readonly random: Random;
  readonly log: Log;
};

export type TokenView = {
  readonly name: string;
  /** The part of the token's text that is no secret. */
  readonly id: string;
  readonly roles: readonly string[];
  /** By the clock of the node that created it. */
  readonly createdAtMs: number;
};

export type TokenChange = RecordChange & { readonly name: string };

export type NewToken = TokenView & TokenChange & { readonly token: Secret };

export class Tokens {
  readonly #options: TokensOptions;

  constructor(options: TokensOptions) {
    this.#options = options;
  }

  async list(deadlineAt: number): Answer<TokenView[]> {
    const confirmed = await this.#options.replica.linearize(deadlineAt);
    if (!confirmed.ok) return err(readFailure(confirmed.error));
    return ok(
      storedTokens(this.#options.replica).map(({ name, check }) => view(name, check)),
    );
  }

  async create(
    caller: Caller,
    request: { readonly name: string; readonly roles: readonly string[] },
    deadlineAt: number,
  ): Answer<NewToken> {
    const { replica, clock, random, log } = this.#options;
    const { name, roles } = request;
    const invalid = whatIsWrong(name, roles);
    if (invalid !== null) return err(refusal("tokenInvalid", invalid));
    const id = newTokenId(random);
    const token = newTokenText(id, random);
    const createdAtMs = clock.wallTime();
    const check = { id, createdAtMs, roles, ...saltedHash(token, this.#options) };
    const changed = await changeRecord(replica, {
      check: { kind: "record", of: "token", name, revision: 0 },
      mutation: { kind: "setRecord", of: "token", name, body: encodeTokenCheck(check) },
    }, deadlineAt);
    if (!changed.ok) return changed;
    if (changed.value === null) {
      return err(refusal("tokenExists", `There is a token named ${name} already.`));
    }
    const { value: revision } = changed;
    const by = caller.name ?? "nobody";
    log.info("token created", { token: name, id, roles: roles.join(" "), by, revision });
    return ok({ ...view(name, check), ...await settled(this.#options, revision), token });
  }

  /** `nameOrId` as `list` shows them. */
  async revoke(caller: Caller, nameOrId: string, deadlineAt: number): Answer<TokenChange> {
    const { replica, log } = this.#options;
    const confirmed = await replica.linearize(deadlineAt);
    if (!confirmed.ok) return err(readFailure(confirmed.error));
    const tokens = storedTokens(replica);
    const found = tokens.find(({ name }) => name === nameOrId) ??
      tokens.find(({ check }) => check.id === nameOrId);
    const missing = () => err(refusal("tokenMissing", "No token has this name or id."));
    if (found === undefined) return missing();
    const { name, check: { id } } = found;
    const changed = await changeRecord(replica, {
      check: { kind: "record", of: "token", name, revision: found.revision },
      mutation: { kind: "deleteRecord", of: "token", name },
    }, deadlineAt);
    if (!changed.ok) return changed;
    if (changed.value === null) return missing(); // somebody else was faster
    const { value: revision } = changed;
    log.info("token revoked", { token: name, id, by: caller.name ?? "nobody", revision });
    return ok({ name, ...await settled(this.#options, revision) });
  }
}

export type StoredToken = {
  readonly name: string;
  readonly revision: Revision;
  readonly check: TokenCheck;
};

/** As far as this node has applied. */
export function storedTokens(replica: Replica): StoredToken[] {
  return replica.state.records("token").map(({ name, revision, body }) => {
    const check = decodeTokenCheck(body);
    assert(check.ok, `token ${name} is a record that this version can read`);
    return { name, revision, check: check.value };
  });
}

function view(name: string, { id, roles, createdAtMs }: TokenCheck): TokenView {
  return { name, id, roles, createdAtMs };
}

const NAMES = "1 to 64 letters, digits and . _ @ -, the first a letter or a digit";

function whatIsWrong(name: string, roles: readonly string[]): string | null {
  if (!isName(name)) return `The name of a token is ${NAMES}.`;
  if (!roles.every(isName)) return `The name of a role is ${NAMES}.`;
  if (new Set(roles).size < roles.length) return "A role is given twice.";
  return roles.length > limits.rolesPerTokenMax
    ? `A token has at most ${limits.rolesPerTokenMax} roles.`
    : null;
}
