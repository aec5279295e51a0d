/**
 * The operations. Each validates, sets the deadline, asks the replica, and translates its answer.
 */

import { assert, type Clock, err, limits, ok, type Result } from "../base/mod.ts";
import type { NodeMetrics, NodeStatus, Replica } from "../node/mod.ts";
import type { Command, FirstOutcome, Mutation } from "../kv/mod.ts";
import { type Access, type Caller, type Credentials, openAccess } from "./access.ts";
import { withLag } from "./cluster_view.ts";
import { checksOf, conditionFailed } from "./conditions.ts";
import { readFailure, refusal, type ServiceError, writeFailure } from "./errors.ts";
import type { KeyRing, KeysView } from "./key_ring.ts";
import { type ListAnswer, type ListRequest, pageOf } from "./list.ts";
import {
  refuseTransaction,
  stepFailed,
  type TransactAnswer,
  transactionOf,
  type TransactRequest,
} from "./transaction.ts";
import type {
  Policies,
  PolicyChange,
  PolicyQuestion,
  PolicyVerdict,
  PolicyView,
} from "./policies.ts";
import type { NewToken, TokenChange, Tokens, TokenView } from "./tokens.ts";
import type {
  ClusterView,
  CommandOptions,
  DeleteAnswer,
  PutAnswer,
  PutRequest,
  ReadAnswer,
  ReadOptions,
  RequestOptions,
  RequestView,
  WriteOptions,
} from "./types.ts";
import { Watch, type WatchRequest } from "./watch.ts";
import {
  checkContentType,
  checkIdempotencyKey,
  checkKey,
  checkLifetime,
  checkValue,
} from "./validation.ts";

type Answer<T> = Promise<Result<T, ServiceError>>;
type KeyMutation = Extract<Mutation, { key: Uint8Array }>;

export type ServiceOptions = {
  readonly replica: Replica;
  readonly clock: Clock;
  readonly valueBytesMax?: number;
  /** For requests that name no time of their own. */
  readonly requestTimeoutMs?: number;
  /** Absent: nodes do not prove who they are. */
  readonly keyRing?: KeyRing | undefined;
  /** Absent: there are none. */
  readonly tokens?: Tokens | undefined;
  /** Absent: there is none, and none can be made. */
  readonly policies?: Policies | undefined;
  /** Absent: everybody may do everything. */
  readonly access?: Access | undefined;
};

export class Service {
  readonly valueBytesMax: number;
  readonly requestTimeoutMsMax: number;
  readonly #replica: Replica;
  readonly #clock: Clock;
  readonly #requestTimeoutMs: number;
  readonly #keyRing: KeyRing | undefined;
  readonly #tokens: Tokens | undefined;
  readonly #policies: Policies | undefined;
  readonly #access: Access;
  #readiness: Answer<void> | null = null;
  #clusterView: Promise<ClusterView> | null = null;

  constructor(options: ServiceOptions) {
    this.#replica = options.replica;
    this.#clock = options.clock;
    this.#keyRing = options.keyRing;
    this.#tokens = options.tokens;
    this.#policies = options.policies;
    this.#access = options.access ?? openAccess;
    this.valueBytesMax = options.valueBytesMax ?? limits.valueBytesMax;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? limits.requestTimeoutMs;
    this.requestTimeoutMsMax = Math.max(this.#requestTimeoutMs, limits.requestTimeoutMsMax);
  }

  /** Who sent a request that shows these. */
  identify(credentials: Credentials): Result<Caller, ServiceError> {
    return this.#access.identify(credentials);
  }

  /** Whether `identify` can give anything but nobody: else there is no need to ask. */
  get guarded(): boolean {
    return this.#access.guarded;
  }

  async read(caller: Caller, key: Uint8Array, options: ReadOptions): Answer<ReadAnswer> {
    const refused = checkKey(key) ?? this.#access.refuse(caller, "read", key);
    if (refused !== null) return err(refused);
    if (options.consistency === "linearizable") {
      const confirmed = await this.#replica.linearize(this.#deadline(options));
      if (!confirmed.ok) return err(readFailure(confirmed.error));
    }
    return ok({ item: this.#replica.state.get(key) ?? null, consistency: options.consistency });
  }

  /** A page of items. Those that the caller may not read are left out, as if they were not there. */
  async list(caller: Caller, request: ListRequest, options: ReadOptions): Answer<ListAnswer> {
    assert(request.limit > 0 && request.limit <= limits.listItemsMax, "a limit that is allowed");
    const { consistency } = options;
    if (consistency === "linearizable") {
      const confirmed = await this.#replica.linearize(this.#deadline(options));
      if (!confirmed.ok) return err(readFailure(confirmed.error));
    }
    const readable = this.#access.readable(caller, "read");
    if (!readable.ok) return readable;
    const { state } = this.#replica;
    const page = pageOf(state, request, readable.value.ranges());
    return ok({ ...page, revision: state.applied, consistency });
  }

  async put(
    caller: Caller,
    request: PutRequest,
    options: WriteOptions = {},
  ): Answer<PutAnswer> {
    const { key, value, contentType, lifetime } = request;
    const refused = checkKey(key) ?? this.#access.refuse(caller, "write", key) ??
      checkValue(value, this.valueBytesMax) ?? checkContentType(contentType) ??
      checkLifetime(lifetime);
    if (refused !== null) return err(refused);
    const written = await this.#write(caller, { kind: "put", ...request }, options);
    if (!written.ok) return written;
    const { existed, ...rest } = written.value;
    return ok({ ...rest, created: !existed });
  }

  async delete(
    caller: Caller,
    key: Uint8Array,
    options: WriteOptions = {},
  ): Answer<DeleteAnswer> {
    const refused = checkKey(key) ?? this.#access.refuse(caller, "write", key);
    if (refused !== null) return err(refused);
    return await this.#write(caller, { kind: "delete", key }, options);
  }

  /** What became of the write that `caller` sent with `idempotencyKey`. */
  async request(
    caller: Caller,
    idempotencyKey: string,
    options: RequestOptions = {},
  ): Answer<RequestView> {
    const refused = checkIdempotencyKey(idempotencyKey);
    if (refused !== null) return err(refused);
    const confirmed = await this.#replica.linearize(this.#deadline(options));
    if (!confirmed.ok) return err(readFailure(confirmed.error));
    const { state } = this.#replica;
    const found = state.request(requestName(caller, idempotencyKey));
    if (found === undefined) {
      return ok({ state: "notSeen", forgottenMs: state.requestsForgottenMs });
    }
    const { outcome, timeMs: atMs } = found;
    const isDone = outcome.kind === "applied" || outcome.kind === "transacted";
    return ok(
      isDone ? { state: "done", atMs, revision: outcome.revision } : { state: "refused", atMs },
    );
  }

  /** All of one branch happens, as one revision, or nothing does. */
  async transact(
    caller: Caller,
    request: TransactRequest,
    options: CommandOptions = {},
  ): Answer<TransactAnswer> {
    const { valueBytesMax } = this;
    const refused = refuseTransaction(request, { caller, access: this.#access, valueBytesMax });
    if (refused !== null) return err(refused);
    const transaction = transactionOf(request, valueBytesMax);
    const executed = await this.#execute(caller, transaction, options);
    if (!executed.ok) return executed;
    const { outcome, replayed } = executed.value;
    if (outcome.kind === "transacted") return ok({ ...outcome, ...replayed });
    assert(outcome.kind === "stepFailed", "a transaction is done or cannot be");
    return err({ ...stepFailed(outcome, request, valueBytesMax), ...replayed });
  }

  /** Begins where every write acknowledged before the call is already told, or yet to come. */
  async watch(caller: Caller, request: WatchRequest, options: RequestOptions = {}): Answer<Watch> {
    const refused = request.prefix.length === 0 ? null : checkKey(request.prefix);
    if (refused !== null) return err(refused);
    const confirmed = await this.#replica.linearize(this.#deadline(options));
    if (!confirmed.ok) return err(readFailure(confirmed.error));
    const { revision } = this.#replica.state.now;
    if (request.after !== undefined && request.after.revision > revision) {
      const detail =
        `The watch begins after ${request.after.revision}, but ${revision} is the newest.`;
      return err(refusal("parameterInvalid", detail));
    }
    return Watch.begin({
      replica: this.#replica,
      clock: this.#clock,
      access: this.#access,
      caller,
      request,
    });
  }

  status(caller: Caller): Result<NodeStatus, ServiceError> {
    return this.#inspect(caller, () => this.#replica.status());
  }

  metrics(caller: Caller): Result<NodeMetrics, ServiceError> {
    return this.#inspect(caller, () => this.#replica.metrics());
  }

  /** Callers that ask while an answer is on its way share it: the question costs messages. */
  async clusterStatus(caller: Caller): Answer<ClusterView> {
    const refused = this.#access.refuse(caller, "inspect");
    if (refused !== null) return err(refused);
    this.#clusterView ??= this.#replica.clusterStatus().then(withLag).finally(() => {
      this.#clusterView = null;
    });
    return ok(await this.#clusterView);
  }

  keys(caller: Caller): Result<KeysView, ServiceError> {
    return this.#inspect(
      caller,
      () => this.#keyRing?.view() ?? { node: this.#replica.id, keyed: false },
    );
  }

  reloadKeys(caller: Caller): Result<void, ServiceError> {
    const refused = this.#access.refuse(caller, "admin");
    if (refused !== null) return err(refused);
    return this.#keyRing?.reload() ?? err(refusal("keysAbsent", "There are none to reload."));
  }

  listTokens(caller: Caller): Answer<TokenView[]> {
    return this.#administer(caller, this.#tokens, (tokens, until) => tokens.list(until));
  }

  /** The answer holds the token's text, which nobody can tell again. */
  createToken(
    caller: Caller,
    request: { readonly name: string; readonly roles: readonly string[] },
  ): Answer<NewToken> {
    return this.#administer(
      caller,
      this.#tokens,
      (tokens, until) => tokens.create(caller, request, until),
    );
  }

  revokeToken(caller: Caller, nameOrId: string): Answer<TokenChange> {
    return this.#administer(
      caller,
      this.#tokens,
      (tokens, until) => tokens.revoke(caller, nameOrId, until),
    );
  }

  listPolicy(caller: Caller): Answer<PolicyView> {
    return this.#administer(caller, this.#policies, (policies, until) => policies.list(until));
  }

  /** `rule` as `listPolicy` shows it. */
  addPolicy(caller: Caller, rule: string): Answer<PolicyChange> {
    return this.#administer(
      caller,
      this.#policies,
      (policies, until) => policies.add(caller, rule, until),
    );
  }

  removePolicy(caller: Caller, rule: string): Answer<PolicyChange> {
    return this.#administer(
      caller,
      this.#policies,
      (policies, until) => policies.remove(caller, rule, until),
    );
  }

  testPolicy(caller: Caller, question: PolicyQuestion): Answer<PolicyVerdict> {
    return this.#administer(
      caller,
      this.#policies,
      (policies, until) => policies.test(question, until),
    );
  }

  /** That this code runs is the answer. */
  live(): boolean {
    return true;
  }

  /** Probes share one read round, so that however often they come they cost one at a time. */
  ready(): Answer<void> {
    this.#readiness ??= this.#confirmReads().finally(() => {
      this.#readiness = null;
    });
    return this.#readiness;
  }

  #inspect<T>(caller: Caller, look: () => T): Result<T, ServiceError> {
    const refused = this.#access.refuse(caller, "inspect");
    return refused === null ? ok(look()) : err(refused);
  }

  async #administer<P, T>(
    caller: Caller,
    part: P | undefined,
    run: (part: P, deadlineAt: number) => Answer<T>,
  ): Answer<T> {
    const refused = this.#access.refuse(caller, "admin");
    if (refused !== null) return err(refused);
    assert(part !== undefined, "a service that is asked to administer something has it");
    return await run(part, this.#deadline({}));
  }

  async #confirmReads(): Answer<void> {
    const confirmed = await this.#replica.linearize(this.#clock.now() + limits.readyTimeoutMs);
    if (!confirmed.ok) return err(readFailure(confirmed.error));
    // A cluster that is still being founded serves already, but bears no failure.
    const { trouble, leader } = this.#replica.status();
    if (trouble === undefined) return ok();
    return err(readFailure({ code: "noLeader", effect: "none", reason: trouble, leader }));
  }

  async #write(
    caller: Caller,
    mutation: KeyMutation,
    options: WriteOptions,
  ): Answer<DeleteAnswer> {
    const { conditions } = options;
    const checks = conditions === undefined ? [] : checksOf(mutation.key, conditions);
    const command = { checks, mutations: [mutation] };
    const executed = await this.#execute(caller, command, options);
    if (!executed.ok) return executed;
    const { outcome, replayed } = executed.value;
    if (outcome.kind === "applied") {
      const { revision, existed } = outcome;
      return ok({ revision, existed: existed[0] === true, ...replayed });
    }
    assert(outcome.kind === "checkFailed", "a write of a key adds no record");
    return err({ ...conditionFailed(outcome.revision), ...replayed });
  }

  /** Once for each idempotency key of the caller, where there is one. */
  async #execute(
    caller: Caller,
    command: Command,
    options: CommandOptions,
  ): Answer<{ readonly outcome: FirstOutcome; readonly replayed: { readonly replayed?: true } }> {
    let named = command;
    const { idempotencyKey } = options;
    if (idempotencyKey !== undefined) {
      const refused = checkIdempotencyKey(idempotencyKey);
      if (refused !== null) return err(refused);
      named = { ...command, request: requestName(caller, idempotencyKey) };
    }
    const outcome = await this.#replica.execute(named, this.#deadline(options));
    if (!outcome.ok) return err(writeFailure(outcome.error));
    switch (outcome.value.kind) {
      case "repeated":
        return ok({ outcome: outcome.value.first, replayed: REPLAYED });
      case "requestReused":
        return err(refusal("idempotencyKeyReused", "Another request was sent with this key."));
      default:
        return ok({ outcome: outcome.value, replayed: NOT_REPLAYED });
    }
  }

  /** On the scale of Clock.now(). */
  #deadline(options: RequestOptions): number {
    const timeoutMs = options.timeoutMs ?? this.#requestTimeoutMs;
    return this.#clock.now() + Math.min(timeoutMs, this.requestTimeoutMsMax);
  }
}

/** Callers have keys of their own: nobody learns what another's gave. No name has a line break. */
function requestName({ name }: Caller, idempotencyKey: string): string {
  return `${name ?? ""}\n${idempotencyKey}`;
}

const REPLAYED = { replayed: true } as const;
const NOT_REPLAYED = {};
