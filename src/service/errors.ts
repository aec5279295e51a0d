/**
 * The one table of errors. Every refusal and failure that any protocol reports is a row here, so
 * that a caller learns the same three things each time: what went wrong, whether the request may
 * have had an effect, and what to do next.
 *
 * Two rules hold for the HTTP status of everything that can befall a write:
 * 503 (or a more telling status) means it did not happen and never will; 504 means nobody knows.
 */

import type { Failure } from "../node/mod.ts";
import type { Revision } from "../kv/mod.ts";
import type { Demand } from "./operations.ts";

export type Effect = "none" | "unknown";

export type ErrorRow = {
  readonly status: number;
  /** Whether the same request, unchanged, may succeed later. Holds only when effect is none. */
  readonly retryable: boolean;
  readonly title: string;
  /** What the caller can do about it. */
  readonly next: string;
  readonly retryAfterSeconds?: number;
};

const SMALLER = "Send less, or raise the limit in keva.toml where it is a setting.";
const FIX = "Correct the request; sending it again unchanged gives the same answer.";
const RETRY = "Send the request again, to this or any other node.";

export const errorTable = {
  // The request could not be understood.
  malformedRequest: row(400, "The request is not valid HTTP/1.1", FIX),
  badTarget: row(400, "The request target is not valid", FIX),
  parameterUnknown: row(400, "There is no such query parameter", FIX),
  parameterInvalid: row(400, "A query parameter has an impossible value", FIX),
  conditionInvalid: row(
    400,
    "The condition cannot be evaluated",
    'Use If-Match with one revision in quotes, as in "42", or If-None-Match with *.',
  ),
  contentTypeInvalid: row(400, "The content type is not valid", FIX),
  keyEmpty: row(400, "The key is empty", "Put the key behind the last slash of the path."),
  keyTooLong: row(400, "The key is too long", "Use a shorter key; this limit is fixed."),
  idempotencyKeyInvalid: row(400, "The idempotency key is not valid", FIX),
  idempotencyKeyReused: row(
    422,
    "The idempotency key belongs to another request",
    "Use a new key for each request, and the same one only to send the same request again.",
  ),
  unauthenticated: row(
    401,
    "The request does not prove who sends it",
    "Send a token of this cluster as Authorization: Bearer; keva token create makes one.",
  ),
  bodyInvalid: row(400, "The body of the request is not as it must be", FIX),
  forbidden: row(
    403,
    "The caller may not do this",
    "Ask whoever runs the cluster for `permission`; keva policy test tells which rule decides.",
  ),
  tokenInvalid: row(400, "Such a token cannot be created", FIX),
  tokenMissing: row(404, "There is no such token", "See keva token list for those that there are."),
  tokenExists: row(
    409,
    "The name of the token is taken",
    "Choose another name, or revoke the token that has it.",
  ),
  policyInvalid: row(400, "The cluster cannot take such a rule", FIX),
  policyMissing: row(
    404,
    "There is no such rule",
    "See keva policy list for those that there are.",
  ),
  policyExists: row(409, "The rule is there already", "Nothing is left to be done."),
  routeUnknown: row(404, "There is nothing at this path", "GET / lists the routes."),
  keyMissing: row(404, "There is no item under this key", "Without ?missing=404 this is a 204."),
  methodNotAllowed: row(405, "The method is not allowed here", "Use a method named in Allow."),
  requestTimeout: row(
    408,
    "The request did not arrive in time",
    "Send the whole request without pauses.",
    { retryable: true },
  ),
  conditionFailed: row(
    412,
    "The condition does not hold",
    "Read the key again and decide anew; `revision` is what the key has now, 0 for none.",
  ),
  valueTooLarge: row(413, "The value is too large", SMALLER),
  targetTooLong: row(414, "The request target is too long", SMALLER),
  encodingUnsupported: row(
    415,
    "The content encoding would be lost",
    "Send the value without Content-Encoding; bytes are stored exactly as they come.",
  ),
  valueNotText: row(409, "The value cannot be told as text", FIX),
  expectationFailed: row(417, "The expectation cannot be met", FIX),
  stepFailed: row(
    409,
    "A step of the transaction cannot be done",
    "Correct the step or the item that it is about; nothing of the transaction was done.",
  ),
  keysAbsent: row(
    409,
    "The nodes of this cluster have no keys",
    "Make some with keva keygen and name them in keva.toml.",
  ),
  keysInvalid: row(409, "The keys of the nodes cannot be read", "Correct the file, then reload."),
  hostUnknown: row(
    421,
    "This server does not go by that name",
    "Use the node's address, or add the name to http.hosts in keva.toml.",
  ),
  headersTooLarge: row(431, "The header section is too large", SMALLER),
  notImplemented: row(501, "This is not there yet", "Send the request without it."),
  versionUnsupported: row(505, "The HTTP version is not supported", "Use HTTP/1.1."),

  // The request was understood, but this node or the cluster could not serve it.
  tooManyConnections: busy("There are too many connections", "Close some, or use another node."),
  memoryLimit: busy("Too many request bodies are in memory", RETRY),
  policyLoading: busy("The policy is not at hand yet", RETRY),
  noLeader: busy("No leader can be reached", RETRY),
  overloaded: busy("The node has too much to do", RETRY),
  leaderChanged: busy("Leadership changed meanwhile", RETRY),
  timeout: busy("The cluster did not answer in time", RETRY),
  stopping: busy("The node is shutting down", "Send the request to another node."),
  diskFull: row(
    507,
    "The leader's disk is full",
    "Free or add disk space; reads still work.",
    { retryable: true, retryAfterSeconds: 10 },
  ),
  recordsFull: row(
    507,
    "There are too many tokens and policies",
    "Remove some that nobody needs; this limit is fixed.",
  ),
  internal: row(500, "Keva made a mistake", "Report it, with the node's log lines of that time."),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;

/** An error as every protocol adapter receives it. */
export type ServiceError = {
  readonly code: ErrorCode;
  readonly effect: Effect;
  /** One sentence about this very case. */
  readonly detail: string;
  /** The leader, where this node knows one. */
  readonly leader?: string;
  /** The revision that the key has, 0 for none: with `conditionFailed`. */
  readonly revision?: Revision;
  /** The request came before and had been refused then. */
  readonly replayed?: true;
  /** What the caller would need: with `forbidden`. */
  readonly permission?: Demand;
};

/** What the caller did not know and has to find out before sending the write again. */
const FIND_OUT = "Read the key to see whether the write happened before you send it again.";

/** The row of an error, adapted to its effect. */
export function explain(error: ServiceError): ErrorRow {
  const entry: ErrorRow = errorTable[error.code];
  if (error.effect === "none") return entry;
  const status = error.code === "internal" ? entry.status : 504;
  return { status, retryable: false, title: entry.title, next: FIND_OUT };
}

/** A request that was refused before anything happened. */
export function refusal(code: ErrorCode, detail: string): ServiceError {
  return { code, effect: "none", detail };
}

/** A read changes nothing, whatever became of it. */
export function readFailure(failure: Failure): ServiceError {
  return withLeader(failure, "none");
}

/** The effect of a write is exactly what the node reports: better unknown than wrong. */
export function writeFailure(failure: Failure): ServiceError {
  return withLeader(failure, failure.effect);
}

function withLeader(failure: Failure, effect: Effect): ServiceError {
  const error: ServiceError = { code: failure.code, effect, detail: failure.reason };
  return failure.leader === null ? error : { ...error, leader: failure.leader };
}

type Extra = { readonly retryable?: boolean; readonly retryAfterSeconds?: number };

function row(status: number, title: string, next: string, extra: Extra = {}): ErrorRow {
  return { status, retryable: false, title, next, ...extra };
}

function busy(title: string, next: string): ErrorRow {
  return row(503, title, next, { retryable: true, retryAfterSeconds: 1 });
}
