/**
 * Finds the route of a request and calls it.
 *
 * Invariant: every request gets an answer; a handler that fails has made a mistake of its own, and
 * the answer says so without telling what it was. A broken assertion is no answer: it goes on up
 * and ends the process.
 */

import { AssertionError, type Log, ok, type Result } from "../../base/mod.ts";
import {
  type Caller,
  nobody,
  operations,
  refusal,
  type Service,
  type ServiceError,
} from "../../service/mod.ts";
import type { HttpCounters, RouteCounter } from "./counters.ts";
import type { Request } from "./request.ts";
import { closing, problemResponse, type Response } from "./response.ts";
import { KEY_PATH, type Route } from "./routes.ts";
import { isKeyTarget, parseQuery, quote, REST, splitTarget } from "./target.ts";

/** Paths and methods this server has nothing to do with: tunnels, and echoes of credentials. */
const REFUSED_METHODS = ["CONNECT", "TRACE"];
const NOBODY = ok(nobody);
const ALL_METHODS = "GET, HEAD, PUT, POST, DELETE, OPTIONS";

export type RouterOptions = {
  readonly routes: readonly Route[];
  readonly service: Service;
  readonly log: Log;
  readonly counters: HttpCounters;
};

type Target = { readonly route: Route; readonly counter: RouteCounter };
type Methods = ReadonlyMap<string, Target>;

export class Router {
  readonly #options: RouterOptions;
  readonly #paths = new Map<string, Map<string, Target>>();
  /** Of the routes that take the rest of the path as a key, but for the hot one. */
  readonly #prefixes: (readonly [prefix: string, Methods])[] = [];
  #counter: RouteCounter;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#counter = options.counters.other;
    for (const route of options.routes) {
      const target = { route, counter: options.counters.add(route.method, route.path) };
      const methods = this.#paths.get(route.path) ?? new Map<string, Target>();
      methods.set(route.method, target);
      if (route.method === "GET") methods.set("HEAD", target);
      if (!this.#paths.has(route.path)) this.#add(route.path, methods);
    }
  }

  #add(path: string, methods: Map<string, Target>): void {
    this.#paths.set(path, methods);
    if (path.endsWith(REST) && path !== KEY_PATH) {
      this.#prefixes.push([path.slice(0, -REST.length), methods]);
    }
  }

  /** Counts for the route that the last request went to. */
  get counter(): RouteCounter {
    return this.#counter;
  }

  /** An answer that can be given before the body is read, or null. */
  refuse(request: Request): Response | null {
    const found = this.#find(request);
    if ("status" in found) return found;
    const { route } = found;
    const caller = this.#callerOf(request, route);
    return caller.ok ? null : problemOf(route, caller.error);
  }

  handle(request: Request): Response | Promise<Response> {
    const found = this.#find(request);
    if ("status" in found) return found;
    const { route } = found;
    const { service, counters } = this.#options;
    const caller = this.#callerOf(request, route);
    if (!caller.ok) return problemOf(route, caller.error);
    try {
      const answer = route.handle(request, service, caller.value, counters);
      return answer instanceof Promise
        ? answer.catch((error) => this.#mistake(route, error))
        : answer;
    } catch (error) {
      return this.#mistake(route, error);
    }
  }

  /** Nobody has to say who they are where nobody is turned away for it. */
  #callerOf(request: Request, { operation }: Route): Result<Caller, ServiceError> {
    const { service } = this.#options;
    if (!service.guarded || operations[operation].permission === "public") return NOBODY;
    const { certified } = request;
    return service.identify({ certified, authorization: request.header("authorization") });
  }

  #find(request: Request): Target | Response {
    const found = this.#match(request);
    this.#counter = "status" in found ? this.#options.counters.other : found.counter;
    return found;
  }

  #match(request: Request): Target | Response {
    if (isKeyTarget(request.target)) {
      const methods = this.#paths.get(KEY_PATH) as Methods;
      return methods.get(request.method) ?? withoutRoute(request.method, methods);
    }
    const { path, query } = splitTarget(request.target);
    const rest = this.#prefixes.find(([prefix]) => path.startsWith(prefix))?.[1];
    const methods = rest ?? this.#paths.get(path);
    const target = methods?.get(request.method);
    if (target === undefined) return withoutRoute(request.method, methods, path);
    if (rest !== undefined) return target;
    const parameters = parseQuery(query, target.route.parameters);
    return parameters.ok ? target : problemOf(target.route, parameters.error);
  }

  #mistake(route: Route, error: unknown): Response {
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.log.error("request failed", { method: route.method, path: route.path, reason });
    if (error instanceof AssertionError) throw error;
    const effect = operations[route.operation].permission === "write" ? "unknown" : "none";
    return problemOf(route, { code: "internal", effect, detail: "The node's log says more." });
  }
}

function problemOf(route: Route, error: ServiceError): Response {
  return route.problem?.(error) ?? problemResponse(error);
}

function withoutRoute(method: string, methods: Methods | undefined, path = ""): Response {
  if (REFUSED_METHODS.includes(method)) return closing(notAllowed(method, ALL_METHODS));
  if (path === "*") return options(ALL_METHODS); // only OPTIONS comes with it
  if (methods === undefined) {
    return problemResponse(refusal("routeUnknown", `Nothing is at ${quote(path)}.`));
  }
  const allow = [...methods.keys(), "OPTIONS"].join(", ");
  return method === "OPTIONS" ? options(allow) : notAllowed(method, allow);
}

function options(allow: string): Response {
  return { status: 204, headers: { "Allow": allow }, body: null };
}

function notAllowed(method: string, allow: string): Response {
  const detail = `${method} is not one of ${allow}.`;
  return problemResponse(refusal("methodNotAllowed", detail), { "Allow": allow });
}
