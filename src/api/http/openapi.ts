/**
 * The API as an OpenAPI 3.1 document: made of the table of routes, the schemas by which requests
 * are judged, and the table of errors, so that it cannot say something else than the code does.
 */

import * as z from "zod";
import { assert } from "../../base/mod.ts";
import { type ErrorCode, errorTable, type Operation, operations } from "../../service/mod.ts";
import * as answers from "./openapi_answers.ts";
import {
  type JsonSchema,
  type ParameterDoc,
  pathParameters,
  queryParameters,
  requestFields,
  requiredParameters,
} from "./openapi_parameters.ts";
import { type RouteDoc, routeDocs } from "./openapi_routes.ts";
import { DISTKV_KEY_PATH, DISTKV_PATH } from "./distkv_routes.ts";
import type { Route } from "./routes.ts";

type Json = Readonly<Record<string, unknown>>;
type Described = Pick<Route, "method" | "path" | "operation" | "parameters" | "problem">;

/** Of the API, which the path names, and not of the program. */
const VERSION = "1";
const EVERYWHERE: readonly ErrorCode[] = [
  ...["malformedRequest", "parameterUnknown", "parameterInvalid", "hostUnknown"] as const,
  ...["tooManyConnections", "internal"] as const,
];
const GUARDED: readonly ErrorCode[] = ["unauthenticated", "forbidden", "policyLoading"];

export function openApiDocument(routes: readonly Described[]): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const doc = routeDocs[`${route.method} ${route.path}`];
    assert(doc !== undefined, `${route.method} ${route.path} is described`);
    paths[route.path] = {
      ...paths[route.path],
      [route.method.toLowerCase()]: operationOf(route, doc),
    };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Keva",
      version: VERSION,
      description: "A distributed key-value store. Every node answers every request. A route " +
        "with GET answers HEAD too.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{}, { token: [] }],
    paths,
    components: {
      schemas: {
        Problem: schemaOf(answers.problem, "output"),
        DkvProblem: schemaOf(answers.dkvProblemAnswer, "output"),
      },
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description: "A token of the cluster, where clients have to show one.",
        },
      },
    },
  };
}

function operationOf(route: Described, doc: RouteDoc): Json {
  const { summary, permission }: Operation = operations[route.operation];
  const isPublic = permission === "public";
  const errors = [...EVERYWHERE, ...isPublic ? [] : GUARDED, ...doc.errors];
  const isWrite = doc.errors.includes("leaderChanged");
  return {
    operationId: operationId(route),
    summary,
    description: isPublic ? doc.description : `${doc.description} Permission: ${permission}.`,
    ...isPublic && { security: [] },
    parameters: parametersOf(route, doc),
    ...doc.body && { requestBody: bodyOf(doc.body) },
    responses: {
      ...goodAnswers(doc),
      ...problems(errors, isWrite, route.problem !== undefined),
    },
  };
}

/** One operation can stand at several routes. */
function operationId({ method, path, operation }: Described): string {
  if (path.startsWith("/v0/")) return `${operation}V0`;
  if (path === DISTKV_PATH || path === DISTKV_KEY_PATH) return `${operation}Text`;
  return method === "POST" && operation === "put" ? "putByPost" : operation;
}

function parametersOf({ path, parameters }: Described, { fields = [] }: RouteDoc): Json[] {
  const inPath = pathParameters[path];
  const names = path === "/v1/storage/key/{key}" ? [...parameters, "key64"] : parameters;
  return [
    ...inPath ? [parameterOf("key", "path", inPath)] : [],
    ...names.map((name) => parameterOf(name, "query", queryParameters[name])),
    ...fields.map((name) => parameterOf(name, "header", requestFields[name])),
  ];
}

function parameterOf(name: string, place: string, doc: ParameterDoc | undefined): Json {
  assert(doc !== undefined, `the parameter ${name} is described`);
  const required = place === "path" || requiredParameters.includes(name);
  return { name, in: place, required, ...doc };
}

function bodyOf({ type, schema, example }: NonNullable<RouteDoc["body"]>): Json {
  return { required: true, content: { [type]: { schema: schemaOf(schema, "input"), example } } };
}

function goodAnswers({ answers }: RouteDoc): Json {
  return Object.fromEntries(
    Object.entries(answers).map(([status, { description, content }]) => {
      const types = Object.entries(content).map(([type, schema]) => {
        return [type, { schema: schemaOf(schema, "output") }];
      });
      return [status, {
        description,
        ...types.length > 0 && { content: Object.fromEntries(types) },
      }];
    }),
  );
}

/** By status, with what can be wrong. Whether a write happened may be unknown: then it is 504. */
function problems(errors: readonly ErrorCode[], isWrite: boolean, isDkv: boolean): Json {
  const titles = new Map<number, Set<string>>();
  for (const code of errors) {
    const { status, title } = errorTable[code];
    titles.set(status, (titles.get(status) ?? new Set()).add(title));
  }
  if (isWrite) titles.set(504, new Set(["The write may have happened, or not"]));
  const [type, name] = isDkv
    ? ["application/json", "DkvProblem"]
    : ["application/problem+json", "Problem"];
  const content = { [type]: { schema: { $ref: `#/components/schemas/${name}` } } };
  const answer = (description: string) => ({ description, content });
  return {
    ...Object.fromEntries(
      [...titles].map(([status, all]) => [status, answer(`${[...all].join("; ")}.`)]),
    ),
    default: answer("Anything else that is wrong with the request."),
  };
}

function schemaOf(schema: z.ZodType | null, io: "input" | "output"): JsonSchema {
  if (schema === null) return {};
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
