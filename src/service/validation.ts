/**
 * What a key, a value and a content type must be. Each check returns the refusal, or null.
 */

import { limits } from "../base/mod.ts";
import type { Lifetime } from "../kv/mod.ts";
import { refusal, type ServiceError } from "./errors.ts";

export function checkKey(key: Uint8Array): ServiceError | null {
  if (key.length === 0) return refusal("keyEmpty", "A key has at least one byte.");
  if (key.length > limits.keyBytesMax) {
    return refusal(
      "keyTooLong",
      `The key has ${key.length} bytes; ${limits.keyBytesMax} are allowed.`,
    );
  }
  return null;
}

export function checkValue(value: Uint8Array, valueBytesMax: number): ServiceError | null {
  if (value.length <= valueBytesMax) return null;
  return refusal(
    "valueTooLarge",
    `The value has ${value.length} bytes; ${valueBytesMax} are allowed.`,
  );
}

/**
 * Visible ASCII and inner spaces. A content type travels in header fields, so a line break in a
 * stored one would let its writer forge answers to others.
 */
export function checkContentType(contentType: string): ServiceError | null {
  if (contentType.length > limits.contentTypeBytesMax) {
    return refusal(
      "contentTypeInvalid",
      `The content type has ${contentType.length} characters; ` +
        `${limits.contentTypeBytesMax} are allowed.`,
    );
  }
  if (!isFieldText(contentType)) {
    return refusal("contentTypeInvalid", "A content type consists of visible ASCII characters.");
  }
  return null;
}

const IDEMPOTENCY_KEY = /^[\x21-\x7e]+$/;

/** Visible ASCII without spaces. */
export function checkIdempotencyKey(key: string): ServiceError | null {
  const { idempotencyKeyBytesMax: max } = limits;
  if (IDEMPOTENCY_KEY.test(key) && key.length <= max) return null;
  return refusal("idempotencyKeyInvalid", `It is 1 to ${max} visible ASCII characters.`);
}

export function checkLifetime(lifetime: Lifetime | undefined): ServiceError | null {
  if (lifetime === undefined) return null;
  const [ms, msMax] = "afterMs" in lifetime
    ? [lifetime.afterMs, limits.ttlMsMax]
    : [lifetime.atMs, Number.MAX_SAFE_INTEGER];
  if (Number.isInteger(ms) && ms >= 1 && ms <= msMax) return null;
  return refusal("parameterInvalid", `The lifetime is ${ms} ms; 1 to ${msMax} are allowed.`);
}

function isFieldText(text: string): boolean {
  const last = text.length - 1;
  for (let i = 0; i <= last; i++) {
    const code = text.charCodeAt(i);
    const inner = code === 0x20 && i > 0 && i < last;
    if (!inner && (code <= 0x20 || code >= 0x7f)) return false;
  }
  return true;
}
