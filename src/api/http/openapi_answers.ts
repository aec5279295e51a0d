/** The answers in JSON, as schemas. Tests hold real answers against them. */

import * as z from "zod";
import { type ErrorCode, errorTable } from "../../service/mod.ts";

const revision = z.int().min(0);
const count = z.int().min(0);
const text = z.string();
const done = { done: z.literal("true"), revision };
const expires = { expiresMs: count.optional() };
const value = { value: text.optional(), valueBase64: z.base64().optional() };

export const putAnswer = z.strictObject({ ...done, created: z.boolean() });
export const deleteAnswer = z.strictObject({ ...done, existed: z.boolean() });

const listed = z.strictObject({
  key: text.optional(),
  keyBase64: z.base64().optional(),
  revision: revision.optional(),
  contentType: text.optional(),
  ...expires,
  bytes: count.optional(),
  ...value,
});

export const listAnswer = z.strictObject({
  revision,
  consistency: z.enum(["linearizable", "stale"]),
  items: z.array(listed),
  next64: text.optional(),
});

export const transactAnswer = z.strictObject({
  ...done,
  branch: z.enum(["then", "else"]),
  failedCheck: count.optional(),
  results: z.array(z.union([
    z.strictObject({ found: z.literal(false) }),
    z.strictObject({ found: z.literal(true), revision, contentType: text, ...expires, ...value }),
    z.strictObject({ existed: z.boolean() }),
    z.strictObject({ deleted: count }),
    z.strictObject({ value: text }),
    z.strictObject({ bytes: count }),
  ])),
});

export const requestAnswer = z.union([
  z.strictObject({ state: z.literal("done"), atMs: count, revision }),
  z.strictObject({ state: z.literal("refused"), atMs: count }),
  z.strictObject({ state: z.enum(["notSeen", "expired"]), forgottenMs: count }),
]);

const status = z.looseObject({
  id: text,
  version: text,
  role: z.enum(["follower", "candidate", "leader", "learner"]),
  term: count,
  leader: text.nullable(),
  commit: count,
  applied: count,
  items: count,
  digest: text,
  uptimeMs: z.number(),
  diskFreeBytes: z.number(),
  diskFull: z.boolean(),
  trouble: text.optional(),
});

export const clusterAnswer = z.strictObject({
  cluster: text,
  answeredBy: text,
  members: z.array(z.strictObject({
    id: text,
    peerAddress: text,
    clientAddress: text,
    reachable: z.boolean(),
    lag: count.nullable(),
    status: status.optional(),
  })),
});

export const keysAnswer = z.strictObject({
  node: text,
  keyed: z.boolean(),
  own: text.optional(),
  authorised: z.array(z.strictObject({
    node: text,
    fingerprint: text,
    state: z.enum(["own", "proven", "absent", "unknown"]),
  })).optional(),
  links: z.array(z.strictObject({ node: text, up: z.boolean(), trouble: text.nullable() }))
    .optional(),
  refused: z.array(z.looseObject({ host: text, reason: text })).optional(),
});

const token = { name: text, id: text, roles: z.array(text), createdAtMs: z.number() };
const change = { revision, pending: z.array(text) };

export const tokensAnswer = z.strictObject({ tokens: z.array(z.strictObject(token)) });
export const newTokenAnswer = z.strictObject({ ...token, ...change, token: text });
export const tokenChange = z.strictObject({ name: text, ...change });

const ruleOf = z.strictObject({ rule: text, source: text });

export const policyAnswer = z.strictObject({
  node: text,
  inForce: z.boolean(),
  rules: z.array(ruleOf),
  trouble: text.nullable(),
});
export const policyChange = z.strictObject({ rule: text, ...change });
export const verdict = z.strictObject({
  allowed: z.boolean(),
  roles: z.array(text),
  by: ruleOf.nullable(),
  inForce: z.boolean(),
});

export const problem = z.strictObject({
  type: text,
  title: text,
  status: z.int(),
  detail: text,
  code: z.enum(Object.keys(errorTable) as ErrorCode[]),
  effect: z.enum(["none", "unknown"]),
  retryable: z.boolean(),
  next: text,
  leader: text.optional(),
  revision: revision.optional(),
  permission: text.optional(),
});

export const nothing = z.strictObject({});
export const pairAnswer = z.strictObject({ value: z.base64() });
export const nodesAnswer = z.strictObject({
  nodes: z.array(
    z.strictObject({ id: text, address: text, reachable: z.boolean(), role: text }),
  ),
});
export const dkvProblemAnswer = z.strictObject({
  code: z.int(),
  message: text,
  details: z.array(z.unknown()),
});

/** The document itself, as far as it is worth describing here. */
export const openApiAnswer = z.looseObject({ openapi: text });
