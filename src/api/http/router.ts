/**
 * Finds the route of a request and calls it.
 *
 * Invariant: every request gets an answer; a handler that fails has made a mistake of its own, and
 * the answer says so without telling what it was. A broken assertion is no answer: it goes on up
 * and ends the process.
 */

import { AssertionError, type Log } from "../../base/mod.ts";
import { operations, refusal, type Service } from "../../service/mod.ts";
import type { Request } from "./request.ts";
import { closing, problemResponse, type Response } from "./response.ts";
import { KEY_PATH, type Route } from "./routes.ts";
import { isKeyTarget, parseQuery, quote, splitTarget } from "./target.ts";

/** Paths and methods this server has nothing to do with: tunnels, and echoes of credentials. */
const REFUSED_METHODS = ["CONNECT", "TRACE"];
const ALL_METHODS = "GET, HEAD, PUT, POST, DELETE, OPTIONS";

type Methods = ReadonlyMap<string, Route>;

export class Router {
  readonly #service: Service;
  readonly #log: Log;
  readonly #paths = new Map<string, Map<string, Route>>();

  constructor(routes: readonly Route[], service: Service, log: Log) {
    this.#service = service;
    this.#log = log;
    for (const route of routes) {
      const methods = this.#paths.get(route.path) ?? new Map<string, Route>();
      methods.set(route.method, route);
      if (route.method === "GET") methods.set("HEAD", route);
      this.#paths.set(route.path, methods);
    }
  }

  /** An answer that can be given before the body is read, or null. */
  refuse(request: Request): Response | null {
    const found = this.#find(request);
    return "status" in found ? found : null;
  }

  handle(request: Request): Response | Promise<Response> {
    const found = this.#find(request);
    if ("status" in found) return found;
    try {
      const answer = found.handle(request, this.#service);
      return answer instanceof Promise
        ? answer.catch((error) => this.#mistake(found, error))
        : answer;
    } catch (error) {
      return this.#mistake(found, error);
    }
  }

  #find(request: Request): Route | Response {
    if (isKeyTarget(request.target)) {
      const methods = this.#paths.get(KEY_PATH) as Methods;
      return methods.get(request.method) ?? withoutRoute(request.method, methods);
    }
    const { path, query } = splitTarget(request.target);
    const methods = this.#paths.get(path);
    const route = methods?.get(request.method);
    if (route === undefined) return withoutRoute(request.method, methods, path);
    const parameters = parseQuery(query, route.parameters);
    return parameters.ok ? route : problemResponse(parameters.error);
  }

  #mistake(route: Route, error: unknown): Response {
    const reason = error instanceof Error ? error.message : String(error);
    this.#log.error("request failed", { method: route.method, path: route.path, reason });
    if (error instanceof AssertionError) throw error;
    const effect = operations[route.operation].permission === "write" ? "unknown" : "none";
    return problemResponse({ code: "internal", effect, detail: "The node's log says more." });
  }
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
