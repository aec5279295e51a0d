/**
 * One request to a cluster: tries its endpoints until one answers or the deadline comes.
 *
 * The rule that keeps writes honest: after an attempt that may have reached a node, a write is sent
 * again only under an idempotency key. Without one it is sent again only when the connection was
 * refused, so that nothing left this machine, or when the node itself says that there was no effect.
 */

import { limits } from "../base/mod.ts";
import { Deadline } from "./deadline.ts";
import { type Endpoint, textOf, urlOf } from "./endpoint.ts";
import { errorOf, FIND_OUT, KevaError } from "./error.ts";
import { mayBeKept, noteAnswer, noteRefusal } from "./kept_connections.ts";
import type { Nodes } from "./nodes.ts";
import { tlsFailure, tlsHint } from "./tls_failure.ts";

/** The function of that name in browsers, Deno and Node. */
export type Fetch = typeof fetch;

export type Request = {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Path and parameters. */
  readonly target: string;
  /** Tell the node how long it may take, by `timeout`: it knows best what became of the request. */
  readonly tellsTimeout?: boolean;
  /** Under which a write happens once, however often it is sent. */
  readonly idempotencyKey?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
};

export type Answer = {
  /** The node that gave it. */
  readonly endpoint: Endpoint;
  readonly response: Response;
  readonly body: Uint8Array;
};

/** Between two rounds over all endpoints: doubles from the first to the second. */
const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 1_000;

/** Of the time that is left, what one node of several gets when another may be asked instead. */
const PATIENCE_SHARE = 0.5;
const PATIENCE_MS_MIN = 250;
/** The node is to answer a little before this side gives up. */
const NODE_SHARE = 0.9;

export class Transport {
  readonly #nodes: Nodes;
  readonly #fetch: Fetch;
  readonly #credentials: Readonly<Record<string, string>>;

  constructor(
    nodes: Nodes,
    options: { readonly fetch: Fetch; readonly token: string | undefined },
  ) {
    const { token } = options;
    this.#nodes = nodes;
    this.#fetch = options.fetch;
    this.#credentials = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  /** The answer of the first endpoint that gives one, or throws {@link KevaError}. */
  async send(request: Request): Promise<Answer> {
    const deadline = begin(request);
    try {
      return await this.#rounds(request, deadline, wholeAnswer);
    } finally {
      deadline.clear();
    }
  }

  /**
   * The same for an answer without an end: the deadline is that of its head, and its body is read by
   * the caller, until the request's signal ends it.
   */
  async open(request: Request): Promise<Response> {
    const deadline = begin(request);
    try {
      return await this.#rounds(request, deadline, (_, response, attempt) => {
        deadline.lift();
        attempt.lift();
        return Promise.resolve(response);
      });
    } catch (error) {
      deadline.clear();
      throw error;
    }
  }

  /** The answer of this one endpoint, asked once. */
  async ask(endpoint: Endpoint, request: Request): Promise<Answer | KevaError> {
    const deadline = new Deadline(request.timeoutMs, request.signal);
    try {
      return await this.#attempt(endpoint, request, deadline, wholeAnswer);
    } finally {
      deadline.clear();
    }
  }

  async #rounds<T>(request: Request, deadline: Deadline, take: Take<T>): Promise<T> {
    const doubt = new Doubt(request);
    let failure: KevaError | null = null;
    for (let pauseMs = PAUSE_MS_MIN;; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
      const answer: T | KevaError = await this.#round(request, deadline, take, doubt);
      if (!(answer instanceof KevaError)) return answer;
      // Nobody listens at all: waiting would not help. A node that answered may soon do better.
      const isHopeless = answer.code === "unreachable" && !doubt.isOpen;
      if (isHopeless) throw unreachable(this.#nodes.given, answer.cause);
      if (answer.code === "tlsFailed") throw doubt.about(answer);
      failure = moreTelling(failure, answer);
      await deadline.pause(pauseMs);
      if (deadline.signal.aborted) throw doubt.about(failure);
    }
  }

  /** Asks each endpoint once; returns the most telling failure when each may be asked again. */
  async #round<T>(
    request: Request,
    deadline: Deadline,
    take: Take<T>,
    doubt: Doubt,
  ): Promise<T | KevaError> {
    let failure: KevaError | null = null;
    const order = this.#nodes.order(request.method === "GET" ? "read" : "write");
    for (const endpoint of order) {
      const attempt = order.length > 1 && mayRepeat(request) ? patience(deadline) : deadline;
      const answer = await this.#attempt(endpoint, request, attempt, take);
      if (!(answer instanceof KevaError)) {
        this.#nodes.answered(endpoint);
        return answer;
      }
      if (attempt !== deadline) attempt.clear();
      this.#learn(endpoint, answer);
      doubt.hear(answer);
      if (!mayTryNext(answer, request)) throw doubt.about(answer);
      if (deadline.signal.aborted && !deadline.timedOut) throw doubt.about(answer);
      failure = moreTelling(failure, answer);
      if (deadline.signal.aborted) return failure;
    }
    return failure as KevaError;
  }

  #learn(endpoint: Endpoint, failure: KevaError): void {
    if (failure.status === undefined && failure.code !== "aborted") this.#nodes.failed(endpoint);
    if (failure.leader !== undefined) this.#nodes.leads(failure.leader);
    else if (failure.code === "noLeader") this.#nodes.leads(null);
  }

  async #attempt<T>(
    endpoint: Endpoint,
    request: Request,
    deadline: Deadline,
    take: Take<T>,
  ): Promise<T | KevaError> {
    const isWrite = request.method !== "GET";
    const call = this.#fetch;
    const isKept = mayBeKept(call, endpoint);
    try {
      const response = await call(`${urlOf(endpoint)}${targetOf(request, deadline)}`, {
        method: request.method,
        headers: { ...request.headers, ...this.#credentials, ...keyField(request) },
        redirect: "error",
        signal: deadline.signal,
        ...request.body === undefined ? {} : { body: request.body as BodyInit },
      });
      noteAnswer(call, endpoint);
      if (!response.ok) return await errorOf(response, isWrite);
      return await take(endpoint, response, deadline);
    } catch (cause) {
      const refusal = refusalOf(cause);
      if (refusal !== null) noteRefusal(call, endpoint);
      return attemptError({ endpoint, isWrite, isKept, refusal, cause, deadline });
    }
  }
}

/** Whether to do it twice is as good as once, so that no answer is worth waiting for too long. */
function mayRepeat({ method, idempotencyKey }: Request): boolean {
  return method === "GET" || (idempotencyKey ?? null) !== null;
}

function keyField({ idempotencyKey }: Request): Record<string, string> {
  return (idempotencyKey ?? null) === null ? {} : { "idempotency-key": idempotencyKey as string };
}

/**
 * Whether an attempt of a write may have happened. A later one that certainly did not says nothing
 * about it; only an outcome that the cluster itself decided does, since it is that of the first.
 */
class Doubt {
  readonly #request: Request;
  isOpen = false;

  constructor(request: Request) {
    this.#request = request;
  }

  hear({ effect }: KevaError): void {
    this.isOpen ||= effect === "unknown";
  }

  /** The failure that the caller is told of. */
  about(failure: KevaError): KevaError {
    const isDecided = failure.code === "conditionFailed";
    if (!this.isOpen || isDecided || !mayRepeat(this.#request)) return failure;
    const { code, message, status, cause } = failure;
    const { idempotencyKey } = this.#request;
    const next = `Send it again with the idempotency key ${idempotencyKey}: it happens once.`;
    return new KevaError({ code, effect: "unknown", message, next, status, cause });
  }
}

function patience(deadline: Deadline): Deadline {
  const { leftMs } = deadline;
  const ms = Math.max(Math.ceil(leftMs * PATIENCE_SHARE), Math.min(leftMs, PATIENCE_MS_MIN));
  return new Deadline(ms, deadline);
}

function targetOf({ target, tellsTimeout }: Request, { leftMs }: Deadline): string {
  if (tellsTimeout !== true) return target;
  const ms = Math.min(Math.max(NODE_SHARE * leftMs, 1), limits.requestTimeoutMsMax);
  return `${target}${target.includes("?") ? "&" : "?"}timeout=${+(ms / 1000).toFixed(3)}`;
}

function moreTelling(former: KevaError | null, latter: KevaError): KevaError {
  return former !== null && telling(former) > telling(latter) ? former : latter;
}

/** What a node said tells more than that one could not be understood, and that than a silent one. */
function telling({ status, code }: KevaError): number {
  if (status !== undefined) return 2;
  return code === "tlsFailed" ? 1 : 0;
}

/** What is made of a good answer. */
type Take<T> = (endpoint: Endpoint, response: Response, attempt: Deadline) => Promise<T>;

async function wholeAnswer(
  endpoint: Endpoint,
  response: Response,
  attempt: Deadline,
): Promise<Answer> {
  const body = new Uint8Array(await response.arrayBuffer());
  attempt.clear();
  return { endpoint, response, body };
}

function begin(request: Request): Deadline {
  if (request.signal?.aborted) throw abortedBeforeSending();
  return new Deadline(request.timeoutMs, request.signal);
}

function abortedBeforeSending(): KevaError {
  const message = "the request was given up before it was sent";
  return new KevaError({ code: "aborted", effect: "none", message, next: "Try again." });
}

type Attempt = {
  readonly endpoint: Endpoint;
  readonly isWrite: boolean;
  /** It may have been sent on a connection of before, whatever became of a new one. */
  readonly isKept: boolean;
  readonly refusal: "certain" | "last" | null;
  readonly cause: unknown;
  readonly deadline: Deadline;
};

function unreachable(endpoints: readonly Endpoint[], cause: unknown): KevaError {
  return new KevaError({
    code: "unreachable",
    effect: "none",
    message: `no node answers at ${endpoints.map(textOf).join(" or ")}`,
    next: "Check that a node is running there, and that this is its user_port.",
    cause,
  });
}

function attemptError(
  { endpoint, isWrite, isKept, refusal, cause, deadline }: Attempt,
): KevaError {
  const mistrust = deadline.signal.aborted ? null : tlsFailure(endpoint, cause);
  if (mistrust !== null) {
    const { message, next } = mistrust;
    const effect = isWrite && (isKept || !mistrust.isBefore) ? "unknown" : "none";
    return new KevaError({ code: "tlsFailed", effect, message, next, cause });
  }
  const nothingSent = refusal === "certain" || (refusal === "last" && !(isWrite && isKept));
  if (nothingSent) return unreachable([endpoint], cause);
  const where = textOf(endpoint);
  const effect = isWrite ? "unknown" : "none";
  const next = isWrite ? FIND_OUT : "Try again.";
  if (deadline.signal.aborted) {
    const { timedOut, timeoutMs } = deadline;
    return new KevaError({
      code: timedOut ? "timeout" : "aborted",
      effect,
      message: timedOut
        ? `${where} did not answer within ${timeoutMs} ms`
        : `the request to ${where} was given up`,
      next,
      cause,
    });
  }
  const message = `the connection to ${where} broke before the answer was complete` +
    tlsHint(endpoint);
  return new KevaError({ code: "connectionLost", effect, message, next, cause });
}

/** Whether another endpoint may be asked after this failure. */
function mayTryNext(failure: KevaError, request: Request): boolean {
  const isHarmless = failure.effect === "none" || mayRepeat(request);
  if (failure.status === undefined) return isHarmless;
  const isBusy = failure.status === 503 || failure.status === 429;
  return isHarmless && (isBusy || (mayRepeat(request) && failure.status >= 500));
}

/**
 * Whether no connection came about, at all (`certain`) or at the last of possibly several attempts.
 * Deno says so in the message, Node in the code of the cause; browsers do not tell, so there a lost
 * write is always of unknown effect.
 */
function refusalOf(error: unknown): "certain" | "last" | null {
  if (!(error instanceof TypeError)) return null;
  if (/client error \(Connect\)/.test(error.message)) return "last";
  const { cause } = error as { cause?: { code?: unknown; message?: unknown } };
  if (cause?.message === "bad port") return "certain"; // of those that `fetch` never dials
  return NEVER_CONNECTED.includes(String(cause?.code ?? "")) ? "certain" : null;
}

const NEVER_CONNECTED = [
  "ECONNREFUSED",
  "ENOTFOUND",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
];
