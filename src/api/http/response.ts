/**
 * An answer as handlers give it, and the usual kinds of answers.
 */

import { type ErrorRow, explain, type ServiceError } from "../../service/mod.ts";

/**
 * The writer adds the framing and the headers that every answer carries. A text body is ASCII;
 * `json` sees to that.
 */
export type Response = {
  readonly status: number;
  /** Content-Type and what is special to this answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Null for the statuses that have none: 204 and 304. */
  readonly body: Uint8Array | string | null;
  /** What follows instead of a body, as long as it takes; the connection ends after it. */
  readonly stream?: ResponseStream;
  /** The connection ends after it: what follows on it cannot be trusted or was not read. */
  readonly close?: boolean;
};

/** Pulled, so that a client who does not take what it asked for costs nothing but its connection. */
export interface ResponseStream {
  /** The next bytes, once there are any; null at the end. */
  next(): Promise<Uint8Array | null>;
  /** Ends it; a `next` under way gives null. Idempotent. */
  end(): void;
}

const JSON_HEADERS = { "Content-Type": "application/json" };
const TEXT_HEADERS = { "Content-Type": "text/plain; charset=utf-8" };
/** Says that the answer is that of the first time the request came. */
export const REPLAYED = "Idempotency-Replayed";
const PROBLEM_TYPE = "application/problem+json";

export function jsonResponse(value: unknown): Response {
  return { status: 200, headers: JSON_HEADERS, body: json(value) };
}

export function textResponse(status: number, text: string): Response {
  return { status, headers: TEXT_HEADERS, body: `${text}\n` };
}

/** An error as application/problem+json (RFC 9457), with what a client needs to go on. */
export function problemResponse(
  error: ServiceError,
  extra: Readonly<Record<string, string>> = {},
): Response {
  const row: ErrorRow = explain(error);
  const headers: Record<string, string> = { "Content-Type": PROBLEM_TYPE };
  if (row.retryAfterSeconds !== undefined) headers["Retry-After"] = String(row.retryAfterSeconds);
  if (error.code === "unauthenticated") headers["WWW-Authenticate"] = "Bearer";
  if (error.replayed === true) headers[REPLAYED] = "true";
  if (error.revision !== undefined) headers["Keva-Revision"] = String(error.revision);
  const problem = {
    type: `urn:keva:error:${error.code}`,
    title: row.title,
    status: row.status,
    detail: error.detail,
    code: error.code,
    effect: error.effect,
    retryable: row.retryable,
    next: row.next,
    leader: error.leader,
    revision: error.revision,
    permission: error.permission,
  };
  return { status: row.status, headers: { ...headers, ...extra }, body: `${json(problem)}\n` };
}

/** After this answer the connection ends. */
export function closing(response: Response): Response {
  return { ...response, close: true };
}

/** JSON in ASCII: everything else escaped, which any parser reads the same. */
export function json(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
