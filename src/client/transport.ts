/**
 * One request to a cluster: tries its endpoints until one answers or the deadline comes.
 *
 * The rule that keeps writes honest: after an attempt that may have reached a node, a write is
 * never sent again. It is sent again only when the connection was refused, so that nothing left
 * this machine, or when the node itself says that there was no effect.
 */

import { type Endpoint, textOf, urlOf } from "./endpoint.ts";
import { errorOf, FIND_OUT, KevaError } from "./error.ts";
import type { Nodes } from "./nodes.ts";
import { tlsFailure, tlsHint } from "./tls_failure.ts";

/** The function of that name in browsers, Deno and Node. */
export type Fetch = typeof fetch;

export type Request = {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Path and parameters. */
  readonly target: string;
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
      const take: Take<Response> = (_, response) => Promise.resolve(response);
      const response = await this.#rounds(request, deadline, take);
      deadline.lift();
      return response;
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
    for (let pauseMs = PAUSE_MS_MIN;; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
      const failure = await this.#round(request, deadline, take);
      if (!(failure instanceof KevaError)) return failure;
      // Nobody listens at all: waiting would not help. A node that answered may soon do better.
      if (failure.code === "unreachable") throw unreachable(this.#nodes.given, failure.cause);
      if (failure.code === "tlsFailed") throw failure;
      await deadline.pause(pauseMs);
      if (deadline.signal.aborted) throw failure;
    }
  }

  /** Asks each endpoint once; returns the last failure when each may be asked again. */
  async #round<T>(
    request: Request,
    deadline: Deadline,
    take: Take<T>,
  ): Promise<T | KevaError> {
    let failure: KevaError | null = null;
    for (const endpoint of this.#nodes.order(request.method === "GET" ? "read" : "write")) {
      const answer = await this.#attempt(endpoint, request, deadline, take);
      if (!(answer instanceof KevaError)) {
        this.#nodes.answered(endpoint);
        return answer;
      }
      this.#learn(endpoint, answer);
      if (!mayTryNext(answer, request)) throw answer;
      if (deadline.signal.aborted) throw answer;
      if (failure === null || telling(answer) >= telling(failure)) failure = answer;
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
    try {
      const call = this.#fetch;
      const response = await call(`${urlOf(endpoint)}${request.target}`, {
        method: request.method,
        headers: { ...request.headers, ...this.#credentials },
        redirect: "error",
        signal: deadline.signal,
        ...request.body === undefined ? {} : { body: request.body as BodyInit },
      });
      if (!response.ok) return await errorOf(response, isWrite);
      return await take(endpoint, response);
    } catch (cause) {
      return attemptError({ endpoint, isWrite, cause, deadline });
    }
  }
}

/** What a node said tells more than that one could not be understood, and that than a silent one. */
function telling({ status, code }: KevaError): number {
  if (status !== undefined) return 2;
  return code === "tlsFailed" ? 1 : 0;
}

/** What is made of a good answer. */
type Take<T> = (endpoint: Endpoint, response: Response) => Promise<T>;

async function wholeAnswer(endpoint: Endpoint, response: Response): Promise<Answer> {
  return { endpoint, response, body: new Uint8Array(await response.arrayBuffer()) };
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

function attemptError({ endpoint, isWrite, cause, deadline }: Attempt): KevaError {
  const mistrust = deadline.signal.aborted ? null : tlsFailure(endpoint, cause);
  if (mistrust !== null) {
    const { message, next, isBefore } = mistrust;
    const effect = isWrite && !isBefore ? "unknown" : "none";
    return new KevaError({ code: "tlsFailed", effect, message, next, cause });
  }
  if (wasRefused(cause)) return unreachable([endpoint], cause);
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
  const message = `the connection to ${where} broke before the answer was complete`;
  const hint = next + tlsHint(endpoint);
  return new KevaError({ code: "connectionLost", effect, message, next: hint, cause });
}

/** Whether another endpoint may be asked after this failure. */
function mayTryNext(failure: KevaError, request: Request): boolean {
  if (failure.status === undefined) return failure.effect === "none";
  const isBusy = failure.status === 503 || failure.status === 429;
  const isRead = request.method === "GET";
  return failure.effect === "none" && (isBusy || (isRead && failure.status >= 500));
}

/**
 * Whether nothing was sent because no connection came about. Deno says so in the message, Node in
 * the code of the cause; browsers do not tell, so there a lost write is always of unknown effect.
 */
function wasRefused(error: unknown): boolean {
  if (!(error instanceof TypeError)) return false;
  const { cause } = error as { cause?: { code?: unknown } };
  const code = String(cause?.code ?? "");
  return /client error \(Connect\)/.test(error.message) ||
    ["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH", "EAI_AGAIN"].includes(code);
}

/** Aborts at the end of the given time, or when the caller's own signal does. */
class Deadline {
  readonly timeoutMs: number;
  timedOut = false;
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #abort = (): void => this.#controller.abort();
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(timeoutMs: number, outer: AbortSignal | undefined) {
    this.timeoutMs = timeoutMs;
    this.#outer = outer;
    this.#timer = setTimeout(() => {
      this.timedOut = true;
      this.#abort();
    }, timeoutMs);
    outer?.addEventListener("abort", this.#abort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves after that time, or at once when the deadline comes. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        this.signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.signal.addEventListener("abort", done);
    });
  }

  /** From now on there is no deadline; the caller's signal still aborts. */
  lift(): void {
    clearTimeout(this.#timer);
  }

  clear(): void {
    this.lift();
    this.#outer?.removeEventListener("abort", this.#abort);
  }
}
