/**
 * How long an item stays: `?ttl=` in seconds from the write on, or the field `Keva-Expires` with the
 * time itself, in milliseconds since 1970 by the cluster's time. Answers tell it in the same field.
 */

import { limits, ok, type Result } from "../../base/mod.ts";
import type { Lifetime, ServiceError } from "../../service/mod.ts";
import { invalid, wrong } from "./parameters.ts";
import type { Request } from "./request.ts";
import { type Parameters, quote } from "./target.ts";

export const EXPIRES = "Keva-Expires";

const SECONDS = /^[0-9]{1,9}(?:\.[0-9]{1,3})?$/;
/** Up to 15 digits are exact as a number. */
const TIME = /^[1-9][0-9]{0,14}$/;

export function lifetimeOf(
  request: Request,
  parameters: Parameters,
): Result<{ readonly lifetime?: Lifetime }, ServiceError> {
  const ttl = parameters.get("ttl");
  const expires = request.header("keva-expires");
  if (ttl === undefined && expires === null) return ok({});
  if (expires === null) return afterSeconds(ttl as string);
  if (ttl !== undefined) {
    return wrong("The lifetime stands in ttl or in Keva-Expires, not in both.");
  }
  if (TIME.test(expires)) return ok({ lifetime: { atMs: Number(expires) } });
  return wrong(`Keva-Expires is ${quote(expires)}; it must be milliseconds since 1970.`);
}

function afterSeconds(text: string): Result<{ readonly lifetime: Lifetime }, ServiceError> {
  const afterMs = SECONDS.test(text) ? Math.round(Number(text) * 1000) : 0;
  if (afterMs > 0 && afterMs <= limits.ttlMsMax) return ok({ lifetime: { afterMs } });
  return invalid("ttl", text, `seconds from 0.001 to ${limits.ttlMsMax / 1000}`);
}
