/**
 * A transaction as JSON. Bytes are text, or base64 under the same name with `Base64`, as in every
 * answer; the schema says what may stand there, `txn_body.ts` what it means.
 */

import * as z from "zod";
import { limits } from "../../base/mod.ts";

const key = { key: z.string().optional(), keyBase64: z.base64().optional() };
const value = { value: z.string().optional(), valueBase64: z.base64().optional() };
/** Beyond 2^53 only text is exact. */
const number = z.union([z.int(), z.string().regex(/^-?[0-9]{1,19}$/)]);

const checkSchema = z.discriminatedUnion("check", [
  z.strictObject({ check: z.literal("revision"), ...key, revision: z.int().min(0) }),
  z.strictObject({ check: z.literal("exists"), ...key }),
  z.strictObject({ check: z.literal("absent"), ...key }),
  z.strictObject({ check: z.literal("value"), ...key, ...value }),
]);

const stepSchema = z.discriminatedUnion("op", [
  z.strictObject({ op: z.literal("get"), ...key }),
  z.strictObject({
    op: z.literal("put"),
    ...key,
    ...value,
    contentType: z.string().default(""),
    ttl: z.number().min(0.001).max(limits.ttlMsMax / 1000).optional(),
  }),
  z.strictObject({ op: z.literal("delete"), ...key }),
  z.strictObject({
    op: z.literal("delete-range"),
    prefix: z.string().optional(),
    prefixBase64: z.base64().optional(),
    start: z.string().optional(),
    startBase64: z.base64().optional(),
    end: z.string().optional(),
    endBase64: z.base64().optional(),
  }),
  z.strictObject({ op: z.enum(["sum", "min", "max"]), ...key, value: number }),
  z.strictObject({ op: z.literal("append"), ...key, ...value }),
]);

export const transactionSchema = z.strictObject({
  checks: z.array(checkSchema).default([]),
  then: z.array(stepSchema).default([]),
  else: z.array(stepSchema).default([]),
});

export type JsonCheck = z.infer<typeof checkSchema>;
export type JsonStep = z.infer<typeof stepSchema>;
