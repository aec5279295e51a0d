/** What each query parameter, path parameter and request field means, for the OpenAPI document. */

import { limits } from "../../base/mod.ts";

/** A schema of JSON Schema 2020-12, which OpenAPI 3.1 takes as it is. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export type ParameterDoc = {
  readonly description: string;
  readonly schema: JsonSchema;
  readonly example: string | number | boolean;
};

const FLAG = { type: "boolean", default: false };
const TEXT = { type: "string" };
const BASE64URL = { type: "string", pattern: "^[A-Za-z0-9_-]*={0,2}$" };

function text(description: string, example: string): ParameterDoc {
  return { description, schema: TEXT, example };
}

function base64url(name: string, example: string): ParameterDoc {
  const description = `${name} in base64url, for bytes that are no text; excludes ${name}.`;
  return { description, schema: BASE64URL, example };
}

function flag(description: string): ParameterDoc {
  return { description, schema: FLAG, example: true };
}

export const queryParameters: Readonly<Record<string, ParameterDoc>> = {
  consistency: {
    description: "linearizable reflects every write acknowledged before; stale asks no other node.",
    schema: { type: "string", enum: ["linearizable", "stale"], default: "linearizable" },
    example: "stale",
  },
  timeout: {
    description: "How long the node may take, in seconds.",
    schema: { type: "number", minimum: 0.001, maximum: limits.requestTimeoutMsMax / 1000 },
    example: 2.5,
  },
  ttl: {
    description: "The item goes by itself after so many seconds; excludes Keva-Expires.",
    schema: { type: "number", minimum: 0.001, maximum: limits.ttlMsMax / 1000 },
    example: 30,
  },
  missing: {
    description: "The status where there is no item.",
    schema: { type: "string", enum: ["204", "404"], default: "204" },
    example: "404",
  },
  prefix: text("Only keys that begin with it.", "gr"),
  prefix64: base64url("prefix", "Z3I"),
  start: text("From this key on.", "a"),
  start64: base64url("start", "YQ"),
  end: text("Up to this key, without it.", "z"),
  end64: base64url("end", "eg"),
  after: text("Behind this key, in the order that is asked for.", "a"),
  after64: base64url("after", "YQ"),
  limit: {
    description: "So many items at most on the page.",
    schema: {
      type: "integer",
      minimum: 1,
      maximum: limits.listItemsMax,
      default: limits.listItemsMax,
    },
    example: 10,
  },
  reverse: flag("From the last key to the first."),
  values: flag("Values too; excludes keys_only."),
  keys_only: flag("Keys and nothing else; excludes values."),
  from: {
    description: "Begin with the changes of this revision.",
    schema: { type: "integer", minimum: 1 },
    example: 1,
  },
  initial: flag("Begin with the items that there are."),
  name: text("The name or the id of the token.", "ci"),
  rule: text("The rule as GET /v1/policy shows it.", "p, ci, app/, write"),
  sentMs: {
    description:
      "When the request was sent first, in milliseconds since 1970 by the cluster's time.",
    schema: { type: "integer", minimum: 0 },
    example: 1_700_000_000_000,
  },
  key64: base64url("The key", "Z3JlZXRpbmc"),
};

/** Parameters without which there is no answer. */
export const requiredParameters = ["name", "rule"];

/** By the path that has them. */
export const pathParameters: Readonly<Record<string, ParameterDoc>> = {
  "/v1/storage/key/{key}": text(
    "The rest of the path, percent-decoded to bytes; a slash need not be encoded.",
    "greeting",
  ),
  "/v1/requests/{key}": text("The idempotency key.", "order-17"),
  "/key/{key}": text("The rest of the path, percent-decoded; it is text.", "greeting"),
  "/v0/kv/key/{key}": text("The key in base64.", "aGVsbG8="),
};

export const requestFields: Readonly<Record<string, ParameterDoc>> = {
  "If-Match": text("Only if the item has this revision, in quotes; *: only if there is one.", "*"),
  "If-None-Match": text("Of a write: *, only if there is none. Of a read: revisions.", "*"),
  "Idempotency-Key": {
    description: "Under it the write happens once, however often it is sent, through any node.",
    schema: { type: "string", minLength: 1, maxLength: limits.idempotencyKeyBytesMax },
    example: "order-17",
  },
  "Keva-Expires": {
    description: "The item goes by itself at this time, in milliseconds since 1970.",
    schema: { type: "integer", minimum: 1 },
    example: 4_102_444_800_000,
  },
  "Last-Event-ID": text("The id of the last event that was seen: go on behind it.", "1"),
};
