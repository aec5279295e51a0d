/** The field `Idempotency-Key`, as a structured field has a string or just as it is. */

import type { Request } from "./request.ts";

const QUOTED = /^"[^"\\]*"$/;

export function idempotencyKeyOf(request: Request): { readonly idempotencyKey?: string } {
  const key = request.header("idempotency-key");
  if (key === null) return NONE;
  return { idempotencyKey: QUOTED.test(key) ? key.slice(1, -1) : key };
}

const NONE = {};
