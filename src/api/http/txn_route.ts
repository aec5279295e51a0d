/**
 * POST /v1/storage/txn: checks, and the steps that are done where all of them hold, or else others;
 * all at once and under one revision.
 */

import type { Caller, Service, StepResult, TransactAnswer } from "../../service/mod.ts";
import { jsonBytes } from "./json_bytes.ts";
import { idempotencyKeyOf } from "./idempotency.ts";
import { refusedHeader } from "./key_routes.ts";
import { timeoutOf } from "./parameters.ts";
import type { Request } from "./request.ts";
import { json, problemResponse, REPLAYED, type Response } from "./response.ts";
import { parseQuery, splitTarget } from "./target.ts";
import { transactRequest } from "./txn_body.ts";

export const TRANSACT_PARAMETERS = ["timeout"];

export async function transact(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const refused = refusedHeader(request);
  if (refused !== null) return problemResponse(refused);
  const parameters = parseQuery(splitTarget(request.target).query, TRANSACT_PARAMETERS);
  if (!parameters.ok) return problemResponse(parameters.error);
  const options = timeoutOf(parameters.value, service);
  if (!options.ok) return problemResponse(options.error);
  const wanted = transactRequest(request.body);
  if (!wanted.ok) return problemResponse(wanted.error);
  const once = { ...options.value, ...idempotencyKeyOf(request) };
  const answer = await service.transact(caller, wanted.value, once);
  return answer.ok ? transacted(answer.value) : problemResponse(answer.error);
}

function transacted({ revision, failedCheck, results, replayed }: TransactAnswer): Response {
  const branch = failedCheck === null ? { branch: "then" } : { branch: "else", failedCheck };
  const body = { done: "true", revision, ...branch, results: results.map(told) };
  const headers = {
    "Content-Type": "application/json",
    "Keva-Revision": String(revision),
    ...replayed === true && { [REPLAYED]: "true" },
  };
  return { status: 200, headers, body: `${json(body)}\n` };
}

function told(result: StepResult): Record<string, unknown> {
  switch (result.kind) {
    case "got": {
      if (result.item === null) return { found: false };
      const { revision, contentType, value, expiresMs } = result.item;
      const expires = expiresMs === undefined ? {} : { expiresMs };
      return { found: true, revision, contentType, ...expires, ...jsonBytes("value", value) };
    }
    case "changed":
      return { existed: result.existed };
    case "deleted":
      return { deleted: result.count };
    case "number":
      return { value: String(result.value) };
    case "appended":
      return { bytes: result.bytes };
  }
}
