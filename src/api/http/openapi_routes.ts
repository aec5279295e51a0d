/** What each route takes and answers beside what the table of routes says, for the OpenAPI document. */

import type { ZodType } from "zod";
import type { ErrorCode } from "../../service/mod.ts";
import { pairSchema } from "./dkv_routes.ts";
import { textsSchema } from "./distkv_routes.ts";
import * as answers from "./openapi_answers.ts";
import { questionSchema, ruleSchema } from "./policy_routes.ts";
import { wantedSchema } from "./token_routes.ts";
import { transactionSchema } from "./txn_schema.ts";

/** Null: any bytes or any text. */
type Content = Readonly<Record<string, ZodType | null>>;

export type RouteDoc = {
  readonly description: string;
  readonly fields?: readonly string[];
  readonly body?: {
    readonly type: string;
    readonly schema: ZodType | null;
    readonly example: unknown;
  };
  /** Good answers by their status. */
  readonly answers: Readonly<
    Record<number, { readonly description: string; readonly content: Content }>
  >;
  /** Beside those that every route can give. */
  readonly errors: readonly ErrorCode[];
};

const READ: readonly ErrorCode[] = ["noLeader", "overloaded", "timeout", "stopping"];
const WRITE: readonly ErrorCode[] = [...READ, "leaderChanged", "diskFull", "memoryLimit"];
const KEY: readonly ErrorCode[] = ["keyEmpty", "keyTooLong", "badTarget"];
const ONCE: readonly ErrorCode[] = ["idempotencyKeyInvalid", "idempotencyKeyReused"];
const PUT: readonly ErrorCode[] = [
  ...[...KEY, ...ONCE, ...WRITE],
  ...["conditionInvalid", "conditionFailed", "contentTypeInvalid", "valueTooLarge"] as const,
  ...["encodingUnsupported", "notImplemented"] as const,
];
const CHANGE: readonly ErrorCode[] = [...WRITE, "recordsFull"];
const WRITE_FIELDS = ["If-Match", "If-None-Match", "Idempotency-Key"];

function json(schema: ZodType): Content {
  return { "application/json": schema };
}

function one(description: string, content: Content): RouteDoc["answers"] {
  return { 200: { description, content } };
}

const TEXT = { "text/plain; charset=utf-8": null };
const PUT_DOC: RouteDoc = {
  description: "Stores the body under the key, with the content type of the request. The answer " +
    "comes when a majority of the nodes has it on disk.",
  fields: [...WRITE_FIELDS, "Keva-Expires"],
  body: { type: "application/octet-stream", schema: null, example: "hello" },
  answers: one("It is stored.", json(answers.putAnswer)),
  errors: PUT,
};

export const routeDocs: Readonly<Record<string, RouteDoc>> = {
  "GET /v1/storage/key/{key}": {
    description: "The stored bytes with their content type; the ETag is the revision.",
    fields: ["If-Match", "If-None-Match"],
    answers: {
      200: { description: "The value.", content: { "*/*": null } },
      204: { description: "There is no item.", content: {} },
      304: { description: "The item has the revision named in If-None-Match.", content: {} },
    },
    errors: [...KEY, ...READ, "keyMissing", "conditionFailed"],
  },
  "PUT /v1/storage/key/{key}": PUT_DOC,
  "POST /v1/storage/key/{key}": PUT_DOC,
  "DELETE /v1/storage/key/{key}": {
    description: "Removes the item; that there was none is no error.",
    fields: WRITE_FIELDS,
    answers: one("There is no item any more.", json(answers.deleteAnswer)),
    errors: PUT,
  },
  "GET /v1/storage/keys": {
    description:
      "The items in a range of keys, a page at a time, each page as of one revision. As " +
      "application/x-ndjson, where Accept names it, each line is an item.",
    answers: one("A page.", { ...json(answers.listAnswer), "application/x-ndjson": null }),
    errors: READ,
  },
  "POST /v1/storage/txn": {
    description: "Does all steps of `then` where all checks hold, else all of `else`: as one " +
      "revision, or nothing at all. Bytes are text, or base64 under the same name with Base64.",
    fields: ["Idempotency-Key"],
    body: {
      type: "application/json",
      schema: transactionSchema,
      example: {
        checks: [{ check: "absent", key: "lock" }],
        then: [
          { op: "put", key: "lock", value: "mine" },
          { op: "get", key: "greeting" },
          { op: "sum", key: "visits", value: 1 },
        ],
        else: [{ op: "get", key: "lock" }, { op: "delete-range", prefix: "tmp/" }],
      },
    },
    answers: one("One of the branches was done.", json(answers.transactAnswer)),
    errors: [
      ...[...KEY, ...ONCE, ...WRITE],
      ...["bodyInvalid", "stepFailed", "valueTooLarge", "contentTypeInvalid"] as const,
      ...["encodingUnsupported", "notImplemented"] as const,
    ],
  },
  "GET /v1/requests/{key}": {
    description: "What became of a write that the caller sent with this idempotency key.",
    answers: one("What is known of it.", json(answers.requestAnswer)),
    errors: ["badTarget", "idempotencyKeyInvalid", ...READ],
  },
  "GET /v1/storage/watch": {
    description:
      "Changes under a prefix as Server-Sent Events, in order and each once, until the " +
      "connection ends.",
    fields: ["Last-Event-ID"],
    answers: one("Events, without an end.", { "text/event-stream": null }),
    errors: [...READ, "keyTooLong"],
  },
  "GET /v1/cluster/status": {
    description: "How each member is, as it says itself.",
    answers: one("The members.", json(answers.clusterAnswer)),
    errors: [],
  },
  "GET /v1/cluster/keys": {
    description: "By which keys this node knows the others, and what its links make of them.",
    answers: one("The keys.", json(answers.keysAnswer)),
    errors: [],
  },
  "POST /v1/cluster/keys/reload": {
    description: "Reads the files with the keys of nodes anew, on this node.",
    answers: one("The keys as they are now.", json(answers.keysAnswer)),
    errors: ["keysAbsent", "keysInvalid"],
  },
  "GET /v1/tokens": {
    description: "Who has a token. The text of a token is told once, when it is made.",
    answers: one("The tokens.", json(answers.tokensAnswer)),
    errors: READ,
  },
  "POST /v1/tokens": {
    description: "Makes a token. Its text is in this answer and nowhere else.",
    body: {
      type: "application/json",
      schema: wantedSchema,
      example: { name: "ci", roles: ["deploy"] },
    },
    answers: one("The token.", json(answers.newTokenAnswer)),
    errors: [...CHANGE, "bodyInvalid", "tokenInvalid", "tokenExists", "valueTooLarge"],
  },
  "DELETE /v1/tokens": {
    description: "Lets a token count no more, on any node.",
    answers: one("It counts no more.", json(answers.tokenChange)),
    errors: [...CHANGE, "tokenMissing"],
  },
  "GET /v1/policy": {
    description: "The rules of who may do what, with where each comes from.",
    answers: one("The rules.", json(answers.policyAnswer)),
    errors: READ,
  },
  "POST /v1/policy": {
    description: "Adds a rule, for all nodes.",
    body: {
      type: "application/json",
      schema: ruleSchema,
      example: { rule: "p, ci, app/, write" },
    },
    answers: one("The rule is there.", json(answers.policyChange)),
    errors: [...CHANGE, "bodyInvalid", "policyInvalid", "policyExists", "valueTooLarge"],
  },
  "DELETE /v1/policy": {
    description: "Removes a rule that was added by POST.",
    answers: one("The rule is gone.", json(answers.policyChange)),
    errors: [...CHANGE, "policyMissing", "policyInvalid"],
  },
  "POST /v1/policy/test": {
    description: "Whether somebody may do something, and which rule decides.",
    body: {
      type: "application/json",
      schema: questionSchema,
      example: { name: "ci", action: "write", key: "app/1" },
    },
    answers: one("The verdict.", json(answers.verdict)),
    errors: [...READ, "bodyInvalid", "valueTooLarge"],
  },
  "GET /metrics": {
    description: "Counters and gauges of this node in the text format of Prometheus.",
    answers: one("The metrics.", { "text/plain": null }),
    errors: [],
  },
  "GET /livez": {
    description: "Answers as long as the process does.",
    answers: one("It is alive.", TEXT),
    errors: [],
  },
  "GET /readyz": {
    description: "Whether this node serves linearizable reads just now.",
    answers: one("It does.", TEXT),
    errors: READ,
  },
  "GET /openapi.json": {
    description: "This document, in OpenAPI 3.1.",
    answers: one("The document.", json(answers.openApiAnswer)),
    errors: [],
  },
  "GET /": {
    description: "The routes in a few lines of text.",
    answers: one("The routes.", TEXT),
    errors: [],
  },
  "GET /key/{key}": {
    description:
      "As distkv's example had it: the value of a key as text; empty when there is none.",
    answers: one("The key with its value.", json(textsSchema)),
    errors: [...READ, "badTarget", "keyEmpty", "keyTooLong", "valueNotText"],
  },
  "POST /key": {
    description: "As distkv's example had it: stores texts under keys, all of them or none.",
    fields: ["Idempotency-Key"],
    body: { type: "application/json", schema: textsSchema, example: { greeting: "hello" } },
    answers: one("They are stored.", TEXT),
    errors: [...WRITE, ...ONCE, "keyEmpty", "keyTooLong", "bodyInvalid", "valueTooLarge"],
  },
  "DELETE /key/{key}": {
    description: "As distkv's example had it: removes a key, whether it is there or not.",
    fields: ["Idempotency-Key"],
    answers: one("It is not there any more.", TEXT),
    errors: [...WRITE, ...ONCE, "badTarget", "keyEmpty", "keyTooLong"],
  },
  "POST /v0/kv": {
    description: "As dkv had it: stores a value, both in base64.",
    body: {
      type: "application/json",
      schema: pairSchema,
      example: { key: "aGVsbG8=", value: "d29ybGQ=" },
    },
    answers: one("It is stored.", json(answers.nothing)),
    errors: [...WRITE, "keyEmpty", "keyTooLong", "bodyInvalid", "valueTooLarge"],
  },
  "GET /v0/kv/key/{key}": {
    description: "As dkv had it: the value of a key, both in base64.",
    answers: one("The value.", json(answers.pairAnswer)),
    errors: [...READ, "badTarget", "keyEmpty", "keyTooLong", "keyMissing"],
  },
  "GET /v0/cluster/status": {
    description: "As dkv had it: the members of the cluster.",
    answers: one("The members.", json(answers.nodesAnswer)),
    errors: [],
  },
};
