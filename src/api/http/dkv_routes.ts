/**
 * The REST routes of dkv, for its clients: keys and values in base64, answers and errors as its
 * gateway writes them. A write goes to any node, and a missing key is an error as it was there.
 */

import * as z from "zod";
import { err, latin1Text, ok, type Result } from "../../base/mod.ts";
import {
  type Caller,
  explain,
  refusal,
  type Service,
  type ServiceError,
} from "../../service/mod.ts";
import { jsonBody } from "./json_body.ts";
import type { Request } from "./request.ts";
import { json, jsonResponse, type Response } from "./response.ts";
import { parsePathRest } from "./target.ts";

export const DKV_KEY_PATH = "/v0/kv/key/{key}";

/** Proto3's JSON: an absent field is an empty one. */
export const pairSchema = z.strictObject({
  key: z.string().default(""),
  value: z.string().default(""),
});

/** The codes of gRPC for what HTTP says with these. */
const GRPC_CODES: Readonly<Record<number, number>> = {
  400: 3, // INVALID_ARGUMENT
  401: 16, // UNAUTHENTICATED
  403: 7, // PERMISSION_DENIED
  404: 5, // NOT_FOUND
  409: 10, // ABORTED
  412: 9, // FAILED_PRECONDITION
  413: 11, // OUT_OF_RANGE
  429: 8, // RESOURCE_EXHAUSTED
  500: 13, // INTERNAL
  501: 12, // UNIMPLEMENTED
  503: 14, // UNAVAILABLE
  504: 4, // DEADLINE_EXCEEDED
};
const UNKNOWN = 2;

export async function putPair(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const pair = pairOf(request.body);
  if (!pair.ok) return dkvProblem(pair.error);
  const put = await service.put(caller, { ...pair.value, contentType: "" });
  return put.ok ? jsonResponse({}) : dkvProblem(put.error);
}

export async function getPair(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const target = parsePathRest(request.target, DKV_KEY_PATH);
  if (!target.ok) return dkvProblem(target.error);
  const { rest } = target.value;
  const key = bytesOf(latin1Text(rest));
  if (key === null) return dkvProblem(refusal("badTarget", "The key is not base64."));
  const answer = await service.read(caller, key, { consistency: "linearizable" });
  if (!answer.ok) return dkvProblem(answer.error);
  const { item } = answer.value;
  if (item === null) return dkvProblem(refusal("keyMissing", "There is no value for this key."));
  return jsonResponse({ value: item.value.toBase64() });
}

export async function nodesStatus(
  _request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const status = await service.clusterStatus(caller);
  if (!status.ok) return dkvProblem(status.error);
  const nodes = status.value.members.map(({ id, peerAddress, reachable, status }) => ({
    id,
    address: peerAddress,
    reachable,
    role: status?.role ?? "unknown",
  }));
  return jsonResponse({ nodes });
}

/** An error as gRPC's gateway writes it. */
export function dkvProblem(error: ServiceError): Response {
  const { status, title } = explain(error);
  const doubt = error.effect === "unknown" ? " The write may have happened." : "";
  const message = `${title}: ${error.detail}${doubt}`;
  const body = json({ code: GRPC_CODES[status] ?? UNKNOWN, message, details: [] });
  return { status, headers: { "Content-Type": "application/json" }, body: `${body}\n` };
}

function pairOf(body: Uint8Array): Result<{ key: Uint8Array; value: Uint8Array }, ServiceError> {
  const pair = pairSchema.safeParse(jsonBody(body));
  if (!pair.success) {
    return err(
      refusal("bodyInvalid", 'It must be JSON as {"key": "aGVsbG8=", "value": "d29ybGQ="}.'),
    );
  }
  const [key, value] = [bytesOf(pair.data.key), bytesOf(pair.data.value)];
  if (key !== null && value !== null) return ok({ key, value });
  const which = key === null ? "key" : "value";
  return err(refusal("bodyInvalid", `The ${which} is not base64.`));
}

/** Base64 in either alphabet, padded or not, as protobuf's JSON is read everywhere; else null. */
function bytesOf(text: string): Uint8Array | null {
  try {
    return Uint8Array.fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return null;
  }
}
