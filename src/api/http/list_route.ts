/**
 * GET /v1/storage/keys: the items in a range of keys, a page at a time, as JSON or, where `Accept`
 * names it, as NDJSON with an item on each line.
 *
 * A page that does not reach the end says where the next one begins: `next64` in JSON and the field
 * `Keva-Next`, to be sent back as `after64`. Each page shows the state at one revision, which it
 * states; the state may move on between two pages.
 */

import { EMPTY, limits, ok, type Result } from "../../base/mod.ts";
import type {
  Caller,
  ListAnswer,
  Listed,
  ListRequest,
  ReadOptions,
  Service,
  ServiceError,
} from "../../service/mod.ts";
import { jsonBytes } from "./json_bytes.ts";
import { bytesOf, flagOf, invalid, readOptions, wrong } from "./parameters.ts";
import type { Request } from "./request.ts";
import { json, problemResponse, type Response } from "./response.ts";
import { type Parameters, parseQuery, splitTarget } from "./target.ts";

export const LIST_PARAMETERS = [
  ...["prefix", "prefix64", "start", "start64", "end", "end64", "after", "after64"],
  ...["limit", "reverse", "values", "keys_only", "consistency", "timeout"],
];

const LIMIT = /^[1-9][0-9]{0,8}$/;
const NDJSON = "application/x-ndjson";
/** A media range of `Accept` that asks for one of the names under which NDJSON goes. */
const WANTS_NDJSON = /(?:^|[,\s])application\/(?:x-)?(?:ndjson|jsonl)(?:$|[;,\s])/i;

/** How much of each item is told. */
type Detail = "key" | "item" | "value";
type Asked = { readonly list: ListRequest; readonly detail: Detail; readonly read: ReadOptions };

export async function listKeys(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const parameters = parseQuery(splitTarget(request.target).query, LIST_PARAMETERS);
  if (!parameters.ok) return problemResponse(parameters.error);
  const asked = askedFor(parameters.value, service);
  if (!asked.ok) return problemResponse(asked.error);
  const lines = WANTS_NDJSON.test(request.header("accept") ?? "");
  const { list, detail, read } = asked.value;
  const answer = await service.list(caller, list, read);
  return answer.ok ? pageResponse(answer.value, detail, lines) : problemResponse(answer.error);
}

function pageResponse(answer: ListAnswer, detail: Detail, lines: boolean): Response {
  const { revision, consistency } = answer;
  const next = answer.next?.toBase64({ alphabet: "base64url", omitPadding: true });
  const headers = {
    "Content-Type": lines ? NDJSON : "application/json",
    "Keva-Revision": String(revision),
    "Keva-Consistency": consistency,
    ...next !== undefined && { "Keva-Next": next },
  };
  const items = answer.items.map((listed) => told(listed, detail));
  const body = lines
    ? items.map((item) => `${json(item)}\n`).join("")
    : `${json({ revision, consistency, items, next64: next })}\n`;
  return { status: 200, headers, body };
}

function told({ key, item }: Listed, detail: Detail): Record<string, string | number> {
  const named = jsonBytes("key", key);
  if (detail === "key") return named;
  const { revision, contentType, value, expiresMs } = item;
  const about = {
    ...named,
    revision,
    contentType,
    ...expiresMs !== undefined && { expiresMs },
    bytes: value.length,
  };
  return detail === "item" ? about : { ...about, ...jsonBytes("value", value) };
}

function askedFor(parameters: Parameters, service: Service): Result<Asked, ServiceError> {
  const detail = detailOf(parameters);
  if (!detail.ok) return detail;
  const list = listRequest(parameters, detail.value === "value");
  if (!list.ok) return list;
  const read = readOptions(parameters, service);
  return read.ok ? ok({ list: list.value, detail: detail.value, read: read.value }) : read;
}

function listRequest(
  parameters: Parameters,
  values: boolean,
): Result<ListRequest, ServiceError> {
  const prefix = bytesOf(parameters, "prefix");
  if (!prefix.ok) return prefix;
  const start = bytesOf(parameters, "start");
  if (!start.ok) return start;
  const end = bytesOf(parameters, "end");
  if (!end.ok) return end;
  const after = bytesOf(parameters, "after");
  if (!after.ok) return after;
  const reverse = flagOf(parameters, "reverse");
  if (!reverse.ok) return reverse;
  const limit = limitOf(parameters);
  if (!limit.ok) return limit;
  return ok({
    prefix: prefix.value ?? EMPTY,
    start: start.value,
    end: end.value,
    after: after.value,
    reverse: reverse.value,
    limit: limit.value,
    values,
  });
}

function limitOf(parameters: Parameters): Result<number, ServiceError> {
  const text = parameters.get("limit") ?? String(limits.listItemsMax);
  const limit = LIMIT.test(text) ? Number(text) : 0;
  if (limit > 0 && limit <= limits.listItemsMax) return ok(limit);
  return invalid("limit", text, `1 to ${limits.listItemsMax}`);
}

function detailOf(parameters: Parameters): Result<Detail, ServiceError> {
  const values = flagOf(parameters, "values");
  if (!values.ok) return values;
  const keysOnly = flagOf(parameters, "keys_only");
  if (!keysOnly.ok) return keysOnly;
  if (values.value && keysOnly.value) return wrong("values and keys_only exclude each other.");
  return ok(keysOnly.value ? "key" : values.value ? "value" : "item");
}
