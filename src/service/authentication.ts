/**
 * Who a request comes from: by a token, else by the certificate of its connection. A token is the
 * more specific of the two, since a program chooses it for each request; so it wins, and a wrong
 * one is refused even on a connection with a good certificate.
 *
 * This node judges by what it has applied. It refuses a token at the latest when it has applied its
 * revocation, for which `Tokens` waits.
 */

import { err, type Hash, limits, ok, type Random, type Result, type Secret } from "../base/mod.ts";
import type { Replica } from "../node/mod.ts";
import { isName } from "../access/mod.ts";
import { type Caller, type Credentials, nobody, OPERATOR_ROLE } from "./access.ts";
import { refusal, type ServiceError } from "./errors.ts";
import { isTokenText, newTokenText, saltedHash, type TokenCheck, tokenIdOf } from "./token_text.ts";
import { storedTokens } from "./tokens.ts";

export type AuthenticationOptions = {
  readonly replica: Replica;
  readonly hash: Hash;
  /** True: who shows nothing is turned away. */
  readonly required: boolean;
  /** Absent: there is none. */
  readonly operator?: OperatorToken | undefined;
};

export type OperatorToken = { readonly text: Secret; readonly check: TokenCheck };

type Holder = { readonly caller: Caller; readonly check: TokenCheck };
type Identified = Result<Caller, ServiceError>;

/** As long as the ids of other tokens, and none of theirs, since it is no hexadecimal number. */
const OPERATOR_ID = "nodeoperator";
const SCHEME = /^bearer +(\S+)$/i;
const NOBODY = ok(nobody);

/**
 * For whoever can read the files of this node: it counts on this node only, until its process ends.
 * So the first token of a cluster can be made, and any later one after all others were lost.
 */
export function makeOperatorToken(ports: { random: Random; hash: Hash }): OperatorToken {
  const text = newTokenText(OPERATOR_ID, ports.random);
  const salted = saltedHash(text, ports);
  return { text, check: { id: OPERATOR_ID, createdAtMs: 0, roles: [OPERATOR_ROLE], ...salted } };
}

export class Authentication {
  readonly #options: AuthenticationOptions;
  /** By id. */
  readonly #holders = new Map<string, Holder>();
  /** What was found right: looking that up costs a fraction of a hash. */
  readonly #known = new Map<string, Identified>();
  /** By the names of their certificates. */
  readonly #certified = new Map<string, Identified>();
  /** Of the records from which both maps were made. */
  #version = -1;

  constructor(options: AuthenticationOptions) {
    this.#options = options;
  }

  identify({ authorization, certified }: Credentials): Identified {
    if (authorization !== null) return this.#bearer(authorization);
    if (certified !== undefined) return this.#named(certified);
    return this.#options.required ? err(SHOW_A_TOKEN) : NOBODY;
  }

  /** Why nobody may come as `caller`, or null. */
  refuse(caller: Caller): ServiceError | null {
    return caller.name === null && this.#options.required ? SHOW_A_TOKEN : null;
  }

  /** Whether the token by which `caller` is known, if he is by one, was not revoked meanwhile. */
  counts({ token }: Caller): boolean {
    if (token === undefined) return true;
    this.#follow();
    return this.#holders.has(token);
  }

  /** One caller for all requests under one name: what he may do is kept with him. */
  #named(name: string): Identified {
    const known = this.#certified.get(name);
    if (known !== undefined) return known;
    if (!isName(name)) return err(NO_NAME);
    const identified = ok({ name, roles: [] });
    if (this.#certified.size >= limits.knownTokensMax) this.#certified.clear();
    this.#certified.set(name, identified);
    return identified;
  }

  #bearer(authorization: string): Identified {
    this.#follow();
    const known = this.#known.get(authorization);
    if (known !== undefined) return known;
    const text = SCHEME.exec(authorization)?.[1];
    const id = text === undefined ? null : tokenIdOf(text);
    if (text === undefined || id === null) return err(NO_TOKEN);
    const holder = this.#holders.get(id);
    if (holder === undefined || !isTokenText(text, holder.check, this.#options.hash)) {
      return err(WRONG_TOKEN);
    }
    const identified = ok(holder.caller);
    if (this.#known.size >= limits.knownTokensMax) this.#known.clear();
    this.#known.set(authorization, identified);
    return identified;
  }

  /** Forgets everything as soon as any record may have changed. */
  #follow(): void {
    const { replica, operator } = this.#options;
    const { recordsVersion } = replica.state;
    if (recordsVersion === this.#version) return;
    this.#version = recordsVersion;
    this.#known.clear();
    this.#holders.clear();
    for (const { name, check } of storedTokens(replica)) {
      this.#holders.set(check.id, {
        caller: { name, roles: check.roles, token: check.id },
        check,
      });
    }
    if (operator === undefined) return;
    // A space stands in no name of a token.
    const { roles } = operator.check;
    const caller = { name: `operator of ${replica.id}`, roles, token: OPERATOR_ID };
    this.#holders.set(OPERATOR_ID, { caller, check: operator.check });
  }
}

export const SHOW_A_TOKEN = refusal("unauthenticated", "The request does not say who sends it.");
/** Names of certificates and of tokens are one kind: what a policy says of one it says of both. */
const NO_NAME = refusal(
  "unauthenticated",
  "The certificate of the connection names nobody: its subject needs exactly one common name, a " +
    "letter or digit and then letters, digits and . _ @ -, at most 64 in all.",
);
const NO_TOKEN = refusal(
  "unauthenticated",
  'The field Authorization is not "Bearer" and a token of Keva.',
);
const WRONG_TOKEN = refusal(
  "unauthenticated",
  "This node knows no such token: it is wrong, was revoked, or is the operator token of another " +
    "node or of an earlier start.",
);
