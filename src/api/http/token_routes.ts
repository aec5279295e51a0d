/**
 * The tokens of clients: list, create, revoke.
 */

import { err, fromUtf8, ok, type Result } from "../../base/mod.ts";
import { type Caller, refusal, type Service, type ServiceError } from "../../service/mod.ts";
import type { Request } from "./request.ts";
import { jsonResponse, problemResponse, type Response } from "./response.ts";
import { parseQuery, splitTarget } from "./target.ts";

export const REVOKE_PARAMETERS = ["name"];

const BODY_BYTES_MAX = 4096;

type Wanted = { readonly name: string; readonly roles: readonly string[] };

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
  const invalid = () =>
    err(refusal(
      "bodyInvalid",
      'It must be JSON as {"name": "ci", "roles": ["deploy"]}; the roles may be left out.',
    ));
  const text = body.length <= BODY_BYTES_MAX ? fromUtf8(body) : invalid();
  if (!text.ok) return invalid();
  const value = parseObject(text.value);
  if (value === null) return invalid();
  const { name, roles = [], ...unknown } = value;
  if (typeof name !== "string" || Object.keys(unknown).length > 0) return invalid();
  if (!Array.isArray(roles) || !roles.every((role) => typeof role === "string")) return invalid();
  return ok({ name, roles });
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" ? value as Record<string, unknown> | null : null;
  } catch {
    return null;
  }
}
