/**
 * The table of routes. What a method and a path do, which operation that is (and so which
 * permission it takes), and which query parameters it knows: 404, 405, OPTIONS, the list at "/"
 * follow from it, and so can any description of the API.
 */

import { type Result, utf8 } from "../../base/mod.ts";
import {
  type Caller,
  type OperationName,
  operations,
  type Service,
  type ServiceError,
} from "../../service/mod.ts";
import { exposition, nodeFamilies } from "../metrics/mod.ts";
import type { HttpCounters } from "./counters.ts";
import { httpFamilies } from "./families.ts";
import { deleteText, DISTKV_KEY_PATH, DISTKV_PATH, getText, putTexts } from "./distkv_routes.ts";
import { DKV_KEY_PATH, dkvProblem, getPair, nodesStatus, putPair } from "./dkv_routes.ts";
import {
  deleteKey,
  PUT_PARAMETERS,
  putKey,
  READ_PARAMETERS,
  readKey,
  WRITE_PARAMETERS,
} from "./key_routes.ts";
import { LIST_PARAMETERS, listKeys } from "./list_route.ts";
import { readRequest, REQUEST_PARAMETERS, REQUEST_PATH } from "./request_route.ts";
import {
  addPolicy,
  listPolicy,
  REMOVE_PARAMETERS,
  removePolicy,
  testPolicy,
} from "./policy_routes.ts";
import { openApiDocument } from "./openapi.ts";
import type { Request } from "./request.ts";
import { jsonResponse, problemResponse, type Response, textResponse } from "./response.ts";
import { KEY_PREFIX, REST } from "./target.ts";
import { createToken, listTokens, REVOKE_PARAMETERS, revokeToken } from "./token_routes.ts";
import { transact, TRANSACT_PARAMETERS } from "./txn_route.ts";
import { WATCH_PARAMETERS, watchKeys } from "./watch_route.ts";

export type Handler = (
  request: Request,
  service: Service,
  caller: Caller,
  counters: HttpCounters,
) => Response | Promise<Response>;

export type Route = {
  /** A GET route answers HEAD too. */
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly operation: OperationName;
  readonly parameters: readonly string[];
  readonly handle: Handler;
  /** How it writes an error, where that is not as RFC 9457 has it. */
  readonly problem?: (error: ServiceError) => Response;
};

export const KEY_PATH = `${KEY_PREFIX}${REST}`;

export const routes: readonly Route[] = [
  route("GET", KEY_PATH, "read", readKey, READ_PARAMETERS),
  route("PUT", KEY_PATH, "put", putKey, PUT_PARAMETERS),
  route("POST", KEY_PATH, "put", putKey, PUT_PARAMETERS),
  route("DELETE", KEY_PATH, "delete", deleteKey, WRITE_PARAMETERS),
  route("GET", "/v1/storage/keys", "list", listKeys, LIST_PARAMETERS),
  route("POST", "/v1/storage/txn", "transact", transact, TRANSACT_PARAMETERS),
  route("GET", REQUEST_PATH, "request", readRequest, REQUEST_PARAMETERS),
  route("GET", "/v1/storage/watch", "watch", watchKeys, WATCH_PARAMETERS),
  route("GET", "/v1/cluster/status", "clusterStatus", clusterStatus),
  route("GET", "/v1/cluster/keys", "keys", keys),
  route("POST", "/v1/cluster/keys/reload", "reloadKeys", reloadKeys),
  route("GET", "/v1/tokens", "listTokens", listTokens),
  route("POST", "/v1/tokens", "createToken", createToken),
  route("DELETE", "/v1/tokens", "revokeToken", revokeToken, REVOKE_PARAMETERS),
  route("GET", "/v1/policy", "listPolicy", listPolicy),
  route("POST", "/v1/policy", "addPolicy", addPolicy),
  route("DELETE", "/v1/policy", "removePolicy", removePolicy, REMOVE_PARAMETERS),
  route("POST", "/v1/policy/test", "testPolicy", testPolicy),
  route("GET", "/metrics", "metrics", metrics),
  route("GET", "/livez", "live", live),
  route("GET", "/readyz", "ready", ready),
  route("GET", "/openapi.json", "describeApi", describeApi),
  route("GET", "/", "describe", describe),
  route("GET", DISTKV_KEY_PATH, "read", getText),
  route("POST", DISTKV_PATH, "transact", putTexts),
  route("DELETE", DISTKV_KEY_PATH, "delete", deleteText),
  dkvRoute("POST", "/v0/kv", "put", putPair),
  dkvRoute("GET", DKV_KEY_PATH, "read", getPair),
  dkvRoute("GET", "/v0/cluster/status", "clusterStatus", nodesStatus),
];

function route(
  method: Route["method"],
  path: string,
  operation: OperationName,
  handle: Handler,
  parameters: readonly string[] = [],
): Route {
  return { method, path, operation, parameters, handle };
}

function dkvRoute(...parts: Parameters<typeof route>): Route {
  return { ...route(...parts), problem: dkvProblem };
}

async function clusterStatus(
  _request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  return answered(await service.clusterStatus(caller));
}

function keys(_request: Request, service: Service, caller: Caller): Response {
  return answered(service.keys(caller));
}

function reloadKeys(request: Request, service: Service, caller: Caller): Response {
  const reloaded = service.reloadKeys(caller);
  return reloaded.ok ? keys(request, service, caller) : problemResponse(reloaded.error);
}

function answered(answer: Result<unknown, ServiceError>): Response {
  return answer.ok ? jsonResponse(answer.value) : problemResponse(answer.error);
}

async function metrics(
  _request: Request,
  service: Service,
  caller: Caller,
  counters: HttpCounters,
): Promise<Response> {
  const node = service.metrics(caller);
  if (!node.ok) return problemResponse(node.error);
  const families = [...nodeFamilies(node.value), ...httpFamilies(counters)];
  const { contentType, text } = await exposition(families);
  return { status: 200, headers: { "Content-Type": contentType }, body: utf8(text) };
}

function live(_request: Request, service: Service): Response {
  return textResponse(service.live() ? 200 : 503, "ok");
}

/** A probe learns whether and why not, but nothing about the members: anybody may ask. */
async function ready(_request: Request, service: Service): Promise<Response> {
  const answer = await service.ready();
  if (answer.ok) return textResponse(200, "ready");
  const { code, effect, detail } = answer.error;
  return problemResponse({ code, effect, detail });
}

/** Made when somebody asks for it first. */
let document: Response | null = null;

function describeApi(): Response {
  document ??= jsonResponse(openApiDocument(routes));
  return document;
}

function describe(): Response {
  const lines = routes.map(({ method, path, operation }) =>
    `  ${method.padEnd(6)} ${path.padEnd(24)}  ${operations[operation].summary}`
  );
  return textResponse(200, ["Keva, a distributed key-value store.", "", ...lines].join("\n"));
}
