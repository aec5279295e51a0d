/**
 * The routes of distkv's HTTP example, for its clients: values are text in JSON. A missing key reads
 * as empty text, as it did there; `Keva-Revision` tells it from an empty value.
 */

import * as z from "zod";
import { err, fromUtf8, ok, type Result, utf8 } from "../../base/mod.ts";
import { type Caller, refusal, type Service, type ServiceError } from "../../service/mod.ts";
import { idempotencyKeyOf } from "./idempotency.ts";
import { jsonBody } from "./json_body.ts";
import type { Request } from "./request.ts";
import { json, problemResponse, type Response } from "./response.ts";
import { parsePathRest } from "./target.ts";

export const DISTKV_PATH = "/key";
export const DISTKV_KEY_PATH = "/key/{key}";

const JSON_HEADERS = { "Content-Type": "application/json" };
const TEXT = "text/plain; charset=utf-8";
const DONE: Response = { status: 200, headers: { "Content-Type": TEXT }, body: "" };

/** As documents tell it; `pairsOf` reads it. */
export const textsSchema = z.record(z.string(), z.string());

export async function getText(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const key = keyOf(request);
  if (!key.ok) return problemResponse(key.error);
  const name = fromUtf8(key.value);
  if (!name.ok) return problemResponse(refusal("badTarget", "The key is not UTF-8."));
  const answer = await service.read(caller, key.value, { consistency: "linearizable" });
  if (!answer.ok) return problemResponse(answer.error);
  const { item } = answer.value;
  const value = item === null ? ok("") : fromUtf8(item.value);
  if (!value.ok) return problemResponse(NO_TEXT);
  const body = `{${json(name.value)}:${json(value.value)}}`;
  const revision = String(item?.revision ?? 0);
  return { status: 200, headers: { ...JSON_HEADERS, "Keva-Revision": revision }, body };
}

/** All pairs or none. */
export async function putTexts(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const pairs = pairsOf(request.body);
  if (!pairs.ok) return problemResponse(pairs.error);
  const steps = pairs.value.map(([key, value]) => ({
    kind: "put" as const,
    key: utf8(key),
    value: utf8(value),
    contentType: TEXT,
  }));
  const transaction = { checks: [], steps, elseSteps: [] };
  const answer = await service.transact(caller, transaction, idempotencyKeyOf(request));
  return answer.ok ? DONE : problemResponse(answer.error);
}

export async function deleteText(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const key = keyOf(request);
  if (!key.ok) return problemResponse(key.error);
  const answer = await service.delete(caller, key.value, idempotencyKeyOf(request));
  return answer.ok ? DONE : problemResponse(answer.error);
}

const NO_TEXT = refusal(
  "valueNotText",
  "The value is not UTF-8; read it at /v1/storage/key/, which gives bytes.",
);

function keyOf(request: Request): Result<Uint8Array, ServiceError> {
  const target = parsePathRest(request.target, DISTKV_KEY_PATH);
  return target.ok ? ok(target.value.rest) : target;
}

/** A schema would lose the key `__proto__`. */
function pairsOf(body: Uint8Array): Result<[string, string][], ServiceError> {
  const value = jsonBody(body);
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  const pairs = isMap ? Object.entries(value) : [];
  const isText = pairs.every((pair) =>
    pair.every((part) => typeof part === "string" && part.isWellFormed())
  );
  if (isMap && isText && pairs.length > 0) return ok(pairs as [string, string][]);
  return err(refusal("bodyInvalid", 'It must be JSON as {"key": "value"}, all values texts.'));
}
