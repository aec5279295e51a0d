/**
 * Who may do what: the rules, their changes, and questions about them.
 */

import * as z from "zod";
import { err, ok, type Result, utf8 } from "../../base/mod.ts";
import {
  type Caller,
  type PolicyQuestion,
  refusal,
  type Service,
  type ServiceError,
} from "../../service/mod.ts";
import { jsonBody } from "./json_body.ts";
import type { Request } from "./request.ts";
import { jsonResponse, problemResponse, type Response } from "./response.ts";
import { parseQuery, splitTarget } from "./target.ts";

export const REMOVE_PARAMETERS = ["rule"];

/** A rule of the longest kind, escaped. */
const BODY_BYTES_MAX = 16 * 1024;

export const ruleSchema = z.strictObject({ rule: z.string() });
const NO_RULE = err(refusal(
  "bodyInvalid",
  'It must be JSON as {"rule": "p, ci, app/, write"}.',
));

const aboutKey = z.enum(["read", "write", "watch"]);
const asked = { name: z.string(), roles: z.array(z.string()).default([]) };
export const questionSchema = z.union([
  z.strictObject({ ...asked, action: aboutKey, key: z.string() }),
  z.strictObject({ ...asked, action: aboutKey, keyBase64: z.base64() }),
  z.strictObject({ ...asked, action: z.enum(["inspect", "admin"]) }),
]);
const NO_QUESTION = err(refusal(
  "bodyInvalid",
  'It must be JSON as {"name": "ci", "roles": ["deploy"], "action": "write", "key": "app/1"}; the ' +
    "roles may be left out, keyBase64 may stand for key, and inspect and admin are about no key.",
));

export async function listPolicy(
  _request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  return answered(await service.listPolicy(caller));
}

export async function addPolicy(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const wanted = parsed(ruleSchema, request.body);
  if (wanted === null) return answered(NO_RULE);
  return answered(await service.addPolicy(caller, wanted.rule));
}

export async function removePolicy(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const parameters = parseQuery(splitTarget(request.target).query, REMOVE_PARAMETERS);
  if (!parameters.ok) return answered(parameters);
  const rule = parameters.value.get("rule");
  if (rule === undefined) {
    return answered(err(
      refusal("parameterInvalid", "rule is missing: it is the rule as GET /v1/policy shows it."),
    ));
  }
  return answered(await service.removePolicy(caller, rule));
}

export async function testPolicy(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const question = questionOf(request.body);
  return answered(question.ok ? await service.testPolicy(caller, question.value) : question);
}

function questionOf(body: Uint8Array): Result<PolicyQuestion, ServiceError> {
  const question = parsed(questionSchema, body);
  if (question === null) return NO_QUESTION;
  const { name, roles, action } = question;
  if ("key" in question) return ok({ name, roles, action, key: utf8(question.key) });
  if (!("keyBase64" in question)) return ok({ name, roles, action });
  return ok({ name, roles, action, key: Uint8Array.fromBase64(question.keyBase64) });
}

/** Null where the body is no JSON of this form. */
function parsed<T>(schema: z.ZodType<T>, body: Uint8Array): T | null {
  if (body.length > BODY_BYTES_MAX) return null;
  const result = schema.safeParse(jsonBody(body));
  return result.success ? result.data : null;
}

function answered(answer: Result<unknown, ServiceError>): Response {
  return answer.ok ? jsonResponse(answer.value) : problemResponse(answer.error);
}
