/**
 * The tokens of clients: list, create, revoke.
 */

import * as z from "zod";
import { err, ok, type Result } from "../../base/mod.ts";
import { type Caller, refusal, type Service, type ServiceError } from "../../service/mod.ts";
import { jsonBody } from "./json_body.ts";
import type { Request } from "./request.ts";
import { jsonResponse, problemResponse, type Response } from "./response.ts";
import { parseQuery, splitTarget } from "./target.ts";

export const REVOKE_PARAMETERS = ["name"];

const BODY_BYTES_MAX = 4096;

export const wantedSchema = z.strictObject({
  name: z.string(),
  roles: z.array(z.string()).default([]),
});
const INVALID = err(refusal(
  "bodyInvalid",
  'It must be JSON as {"name": "ci", "roles": ["deploy"]}; the roles may be left out.',
));

type Wanted = z.infer<typeof wantedSchema>;

export async function listTokens(
  _request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const tokens = await service.listTokens(caller);
  return tokens.ok ? jsonResponse({ tokens: tokens.value }) : problemResponse(tokens.error);
}

export async function createToken(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const wanted = wantedToken(request.body);
  if (!wanted.ok) return problemResponse(wanted.error);
  const created = await service.createToken(caller, wanted.value);
  if (!created.ok) return problemResponse(created.error);
  // The one place where the text of a token leaves the process.
  return jsonResponse({ ...created.value, token: created.value.token.reveal() });
}

export async function revokeToken(
  request: Request,
  service: Service,
  caller: Caller,
): Promise<Response> {
  const parameters = parseQuery(splitTarget(request.target).query, REVOKE_PARAMETERS);
  if (!parameters.ok) return problemResponse(parameters.error);
  const name = parameters.value.get("name");
  if (name === undefined) {
    return problemResponse(
      refusal("parameterInvalid", "name is missing: it is the name or the id of the token."),
    );
  }
  const revoked = await service.revokeToken(caller, name);
  return revoked.ok ? jsonResponse(revoked.value) : problemResponse(revoked.error);
}

/** `{"name": "ci", "roles": ["deploy"]}`; roles may be absent, anything else is refused. */
function wantedToken(body: Uint8Array): Result<Wanted, ServiceError> {
  if (body.length > BODY_BYTES_MAX) return INVALID;
  const wanted = wantedSchema.safeParse(jsonBody(body));
  return wanted.success ? ok(wanted.data) : INVALID;
}
