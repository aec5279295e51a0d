/**
 * GET /v1/requests/{key}: what became of a write that was sent with an idempotency key.
 */

import { latin1Text } from "../../base/mod.ts";
import { type Caller, refusal, type RequestView, type Service } from "../../service/mod.ts";
import type { Request } from "./request.ts";
import { jsonResponse, problemResponse, type Response } from "./response.ts";
import { parsePathRest, quote } from "./target.ts";

export const REQUEST_PATH = "/v1/requests/{key}";
export const REQUEST_PARAMETERS = ["sentMs"];

const MILLISECONDS = /^[0-9]{1,15}$/;

export async function readRequest(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const target = parsePathRest(request.target, REQUEST_PATH, REQUEST_PARAMETERS);
  if (!target.ok) return problemResponse(target.error);
  const { rest, parameters } = target.value;
  const sent = parameters.get("sentMs");
  if (sent !== undefined && !MILLISECONDS.test(sent)) {
    const detail = `sentMs is ${quote(sent)}; it must be milliseconds since 1970.`;
    return problemResponse(refusal("parameterInvalid", detail));
  }
  const view = await service.request(caller, latin1Text(rest));
  return view.ok
    ? jsonResponse(bodyOf(view.value, sent === undefined ? Infinity : Number(sent)))
    : problemResponse(view.error);
}

/** Only who knows when it was sent can tell a request that was forgotten from one that never came. */
function bodyOf(view: RequestView, sentMs: number): unknown {
  if (view.state !== "notSeen" || sentMs > view.forgottenMs) return view;
  return { ...view, state: "expired" };
}
