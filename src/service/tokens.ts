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
import type { Check, Mutation, Revision } from "../kv/mod.ts";
import type { Replica } from "../node/mod.ts";
import type { Caller } from "./access.ts";
import { readFailure, refusal, type ServiceError, writeFailure } from "./errors.ts";
import {
  decodeTokenCheck,
  encodeTokenCheck,
  isTokenName,
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

/** A change of tokens, and which members may not know it yet. */
export type TokenChange = {
  readonly name: string;
  readonly revision: Revision;
  /** Members that had not applied it within `limits.tokenChangeWaitMs`, or do not answer. */
  readonly pending: readonly string[];
};

export type NewToken = TokenView & TokenChange & { readonly token: Secret };

/** How often members are asked how far they have come. */
const POLL_MS = 20;

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
    const { clock, random, log } = this.#options;
    const { name, roles } = request;
    const invalid = whatIsWrong(name, roles);
    if (invalid !== null) return err(refusal("tokenInvalid", invalid));
    const id = newTokenId(random);
    const token = newTokenText(id, random);
    const createdAtMs = clock.wallTime();
    const check = { id, createdAtMs, roles, ...saltedHash(token, this.#options) };
    const changed = await this.#change(
      { kind: "record", of: "token", name, revision: 0 },
      { kind: "setRecord", of: "token", name, body: encodeTokenCheck(check) },
      deadlineAt,
    );
    if (!changed.ok) return changed;
    if (changed.value === null) {
      return err(refusal("tokenExists", `There is a token named ${name} already.`));
    }
    const by = caller.name ?? "nobody";
    log.info("token created", { token: name, id, roles: roles.join(" "), by, ...changed.value });
    const pending = await this.#settled(changed.value.revision);
    return ok({ ...view(name, check), ...changed.value, pending, token });
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
    const { name, revision, check: { id } } = found;
    const changed = await this.#change(
      { kind: "record", of: "token", name, revision },
      { kind: "deleteRecord", of: "token", name },
      deadlineAt,
    );
    if (!changed.ok) return changed;
    if (changed.value === null) return missing(); // somebody else was faster
    log.info("token revoked", { token: name, id, by: caller.name ?? "nobody", ...changed.value });
    return ok({ name, ...changed.value, pending: await this.#settled(changed.value.revision) });
  }

  /** Null when the check does not hold. */
  async #change(
    check: Check,
    mutation: Mutation,
    deadlineAt: number,
  ): Answer<{ readonly revision: Revision } | null> {
    const command = { checks: [check], mutations: [mutation] };
    const outcome = await this.#options.replica.execute(command, deadlineAt);
    if (!outcome.ok) return err(writeFailure(outcome.error));
    const { value } = outcome;
    if (value.kind === "applied") return ok({ revision: value.revision });
    if (value.kind === "checkFailed") return ok(null);
    assert(value.kind === "recordsFull", "a change of tokens has no name and is no transaction");
    return err(refusal("recordsFull", `There are ${limits.recordsMax} records already.`));
  }

  /**
   * Waits a little for the other members: whoever holds a new token may go to any of them, and
   * whoever revokes one wants it refused by all. Gives those that it cannot vouch for.
   */
  async #settled(revision: Revision): Promise<string[]> {
    const { replica, clock } = this.#options;
    const giveUpAt = clock.now() + limits.tokenChangeWaitMs;
    while (true) {
      const { members } = await replica.clusterStatus();
      const behind = members.filter(({ status }) => (status?.applied ?? 0) < revision);
      const canCatchUp = behind.some(({ reachable }) => reachable);
      if (!canCatchUp || clock.now() >= giveUpAt) return behind.map(({ id }) => id);
      await new Promise<void>((resolve) => void clock.after(POLL_MS, resolve));
    }
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
  if (!isTokenName(name)) return `The name of a token is ${NAMES}.`;
  if (!roles.every(isTokenName)) return `The name of a role is ${NAMES}.`;
  if (new Set(roles).size < roles.length) return "A role is given twice.";
  return roles.length > limits.rolesPerTokenMax
    ? `A token has at most ${limits.rolesPerTokenMax} roles.`
    : null;
}
