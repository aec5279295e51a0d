/**
 * GET, PUT, POST and DELETE of one key: the hot path.
 */

import { err, ok, type Result } from "../../base/mod.ts";
import {
  type Caller,
  type Consistency,
  type ReadAnswer,
  type ReadOptions,
  refusal,
  type Service,
  type ServiceError,
  type WriteOptions,
  type Written,
} from "../../service/mod.ts";
import { entityTag, namesRevision, writeConditions } from "./conditions.ts";
import { invalid, readOptions, timeoutOf } from "./parameters.ts";
import { idempotencyKeyOf } from "./idempotency.ts";
import { EXPIRES, lifetimeOf } from "./lifetime.ts";
import type { Request } from "./request.ts";
import { problemResponse, REPLAYED, type Response } from "./response.ts";
import { type Parameters, parseKeyTarget } from "./target.ts";

export const READ_PARAMETERS = ["consistency", "missing", "timeout"];
export const WRITE_PARAMETERS = ["timeout"];
export const PUT_PARAMETERS = [...WRITE_PARAMETERS, "ttl"];

const DEFAULT_CONTENT_TYPE = "application/octet-stream";
const LINEARIZABLE: ReadQuery = {
  options: { consistency: "linearizable" },
  missingStatus: 204,
};

type ReadQuery = { readonly options: ReadOptions; readonly missingStatus: 204 | 404 };
type Preconditions = { readonly ifMatch: string | null; readonly ifNoneMatch: string | null };

export async function readKey(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const target = parseKeyTarget(request.target, READ_PARAMETERS);
  if (!target.ok) return problemResponse(target.error);
  const query = readQuery(target.value.parameters, service);
  if (!query.ok) return problemResponse(query.error);
  const ifMatch = request.header("if-match");
  const ifNoneMatch = request.header("if-none-match");
  const answer = await service.read(caller, target.value.key, query.value.options);
  if (!answer.ok) return problemResponse(answer.error);
  return itemResponse(answer.value, query.value.missingStatus, { ifMatch, ifNoneMatch });
}

export async function putKey(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const target = parseKeyTarget(request.target, PUT_PARAMETERS);
  if (!target.ok) return problemResponse(target.error);
  const options = writeOptions(request, target.value.parameters, service);
  if (!options.ok) return problemResponse(options.error);
  const lifetime = lifetimeOf(request, target.value.parameters);
  if (!lifetime.ok) return problemResponse(lifetime.error);
  const contentType = request.header("content-type") ?? "";
  const put = { key: target.value.key, value: request.body, contentType, ...lifetime.value };
  const answer = await service.put(caller, put, options.value);
  if (!answer.ok) return problemResponse(answer.error);
  const { revision, created } = answer.value;
  const body = `{"done":"true","revision":${revision},"created":${created}}\n`;
  return written(answer.value, body, true);
}

export async function deleteKey(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const target = parseKeyTarget(request.target, WRITE_PARAMETERS);
  if (!target.ok) return problemResponse(target.error);
  const options = writeOptions(request, target.value.parameters, service);
  if (!options.ok) return problemResponse(options.error);
  const answer = await service.delete(caller, target.value.key, options.value);
  if (!answer.ok) return problemResponse(answer.error);
  const { revision, existed } = answer.value;
  const body = `{"done":"true","existed":${existed},"revision":${revision}}\n`;
  return written(answer.value, body, false);
}

/** An ETag only where there is an item that has it. */
function written({ revision, replayed }: Written, body: string, tagged: boolean): Response {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (tagged) headers["ETag"] = entityTag(revision);
  headers["Keva-Revision"] = String(revision);
  if (replayed === true) headers[REPLAYED] = "true";
  return { status: 200, headers, body };
}

function itemResponse(
  answer: ReadAnswer,
  missingStatus: 204 | 404,
  preconditions: Preconditions,
): Response {
  const { item, consistency } = answer;
  const { ifMatch, ifNoneMatch } = preconditions;
  const revision = item === null ? 0 : item.revision;
  if (ifMatch !== null && (item === null || !namesRevision(ifMatch, revision, false))) {
    const detail = item === null
      ? "There is no item under this key."
      : `The item under this key has revision ${revision}.`;
    return problemResponse({ ...refusal("conditionFailed", detail), revision });
  }
  if (item === null) return missingResponse(missingStatus, consistency);
  const headers = {
    "Content-Type": item.contentType === "" ? DEFAULT_CONTENT_TYPE : item.contentType,
    "ETag": entityTag(revision),
    "Keva-Revision": String(revision),
    "Keva-Consistency": consistency,
    ...item.expiresMs !== undefined && { [EXPIRES]: String(item.expiresMs) },
  };
  if (ifNoneMatch !== null && namesRevision(ifNoneMatch, revision, true)) {
    return { status: 304, headers, body: null };
  }
  return { status: 200, headers, body: item.value };
}

function missingResponse(status: 204 | 404, consistency: Consistency): Response {
  const headers = { "Keva-Consistency": consistency };
  if (status === 204) return { status, headers, body: null };
  return problemResponse(refusal("keyMissing", "There is no item under this key."), headers);
}

function readQuery(parameters: Parameters, service: Service): Result<ReadQuery, ServiceError> {
  if (parameters.size === 0) return ok(LINEARIZABLE);
  const options = readOptions(parameters, service);
  if (!options.ok) return options;
  const missing = parameters.get("missing") ?? "204";
  if (missing !== "204" && missing !== "404") return invalid("missing", missing, "204 or 404");
  return ok({ options: options.value, missingStatus: missing === "404" ? 404 : 204 });
}

function writeOptions(
  request: Request,
  parameters: Parameters,
  service: Service,
): Result<WriteOptions, ServiceError> {
  const refused = refusedHeader(request);
  if (refused !== null) return err(refused);
  const timeout = timeoutOf(parameters, service);
  if (!timeout.ok) return timeout;
  const conditions = writeConditions(request);
  if (!conditions.ok) return conditions;
  const once = idempotencyKeyOf(request);
  if (conditions.value === undefined) return ok({ ...timeout.value, ...once });
  return ok({ ...timeout.value, ...once, conditions: conditions.value });
}

/** Headers that would change what the write means. To ignore one would be to lie about it. */
export function refusedHeader(request: Request): ServiceError | null {
  if (request.header("content-range") !== null) {
    return refusal("notImplemented", "A part of a value cannot be written.");
  }
  const encoding = request.header("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    return refusal("encodingUnsupported", "Content-Encoding is not kept with a value.");
  }
  return null;
}
