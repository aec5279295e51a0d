/**
 * What query parameters say that more than one route knows.
 */

import { err, ok, type Result, utf8 } from "../../base/mod.ts";
import { type ReadOptions, refusal, type Service, type ServiceError } from "../../service/mod.ts";
import { type Parameters, quote } from "./target.ts";

const SECONDS = /^[0-9]{1,6}(?:\.[0-9]{1,3})?$/;

/** `?consistency=` and `?timeout=`. */
export function readOptions(
  parameters: Parameters,
  service: Service,
): Result<ReadOptions, ServiceError> {
  const consistency = parameters.get("consistency") ?? "linearizable";
  if (consistency !== "linearizable" && consistency !== "stale") {
    return invalid("consistency", consistency, "linearizable or stale");
  }
  const timeout = timeoutOf(parameters, service);
  return timeout.ok ? ok({ consistency, ...timeout.value }) : timeout;
}

/** `?timeout=` in seconds, fractions allowed. */
export function timeoutOf(
  parameters: Parameters,
  service: Service,
): Result<{ timeoutMs?: number }, ServiceError> {
  const text = parameters.get("timeout");
  if (text === undefined) return ok({});
  const timeoutMs = SECONDS.test(text) ? Math.round(Number(text) * 1000) : 0;
  if (timeoutMs > 0 && timeoutMs <= service.requestTimeoutMsMax) return ok({ timeoutMs });
  return invalid("timeout", text, `seconds from 0.001 to ${service.requestTimeoutMsMax / 1000}`);
}

/** Bytes as UTF-8 text under `name`, or as base64url under the same name with 64. */
export function bytesOf(
  parameters: Parameters,
  name: string,
): Result<Uint8Array | undefined, ServiceError> {
  const text = parameters.get(name);
  const encoded = parameters.get(`${name}64`);
  if (encoded === undefined) return ok(text === undefined ? undefined : utf8(text));
  if (text !== undefined) return wrong(`${name} stands in ${name} or in ${name}64, not in both.`);
  try {
    return ok(Uint8Array.fromBase64(encoded, { alphabet: "base64url" }));
  } catch {
    return wrong(`${name}64 is not base64url.`);
  }
}

/** False unless it is given. */
export function flagOf(parameters: Parameters, name: string): Result<boolean, ServiceError> {
  const text = parameters.get(name) ?? "false";
  return text === "true" || text === "false"
    ? ok(text === "true")
    : invalid(name, text, "true or false");
}

export function invalid(name: string, value: string, allowed: string): Result<never, ServiceError> {
  return wrong(`${name} is ${quote(value)}; allowed: ${allowed}.`);
}

export function wrong(detail: string): Result<never, ServiceError> {
  return err(refusal("parameterInvalid", detail));
}
