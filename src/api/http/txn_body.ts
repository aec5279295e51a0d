/** From a transaction as JSON to what the service takes. An error names the place. */

import { EMPTY, err, ok, type Result, utf8 } from "../../base/mod.ts";
import {
  type KeyCheck,
  refusal,
  type ServiceError,
  type TransactRequest,
  type WantedStep,
} from "../../service/mod.ts";
import { jsonBody } from "./json_body.ts";
import { type JsonCheck, type JsonStep, transactionSchema } from "./txn_schema.ts";

/** Longer descriptions of what is wrong are cut. */
const DETAIL_CHARS_MAX = 300;

/** Where a field is wrong; thrown by what decodes fields, caught below. */
class Wrong extends Error {}

type Fields = Readonly<Record<string, unknown>>;

export function transactRequest(body: Uint8Array): Result<TransactRequest, ServiceError> {
  const json = jsonBody(body);
  if (json === undefined) return invalid("It is not JSON in UTF-8.");
  const parsed = transactionSchema.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0] ?? { path: [], message: "" };
    return invalid(`${placeOf(path)}: ${message}`);
  }
  const { checks, then, else: otherwise } = parsed.data;
  try {
    return ok({
      checks: each("checks", checks, checkOf),
      steps: each("then", then, stepOf),
      elseSteps: each("else", otherwise, stepOf),
    });
  } catch (error) {
    if (error instanceof Wrong) return invalid(error.message);
    throw error;
  }
}

function each<T, U>(list: string, operations: readonly T[], decode: (one: T) => U): U[] {
  return operations.map((operation, position) => {
    try {
      return decode(operation);
    } catch (error) {
      if (error instanceof Wrong) throw new Wrong(`${list}[${position}]: ${error.message}`);
      throw error;
    }
  });
}

function checkOf(check: JsonCheck): KeyCheck {
  const key = bytesOf(check, "key");
  switch (check.check) {
    case "revision":
      return { kind: "revision", key, revision: check.revision };
    case "exists":
      return { kind: "exists", key };
    case "absent":
      return { kind: "revision", key, revision: 0 };
    case "value":
      return { kind: "value", key, value: bytesOf(check, "value") };
  }
}

function stepOf(step: JsonStep): WantedStep {
  if (step.op === "delete-range") return rangeOf(step);
  const key = bytesOf(step, "key");
  switch (step.op) {
    case "get":
    case "delete":
      return { kind: step.op, key };
    case "put":
      return {
        kind: "put",
        key,
        value: bytesOf(step, "value"),
        contentType: step.contentType,
        ...step.ttl !== undefined && { lifetime: { afterMs: Math.round(step.ttl * 1000) } },
      };
    case "append":
      return { kind: "append", key, value: bytesOf(step, "value") };
    default:
      return { kind: step.op, key, operand: int64Of(step.value) };
  }
}

/** An empty prefix is everything, and has to be said. */
function rangeOf(step: Fields): WantedStep {
  const prefix = optionalBytes(step, "prefix");
  const start = optionalBytes(step, "start");
  const end = optionalBytes(step, "end");
  if (prefix === undefined && start === undefined && end === undefined) {
    throw new Wrong('prefix, start and end are missing; "prefix": "" would be every key.');
  }
  return { kind: "deleteRange", prefix: prefix ?? EMPTY, start, end };
}

function int64Of(value: number | string): bigint {
  const number = BigInt(value);
  if (BigInt.asIntN(64, number) === number) return number;
  throw new Wrong("value is no signed 64-bit number.");
}

function bytesOf(fields: Fields, name: string): Uint8Array {
  const bytes = optionalBytes(fields, name);
  if (bytes === undefined) throw new Wrong(`${name} or ${name}Base64 is missing.`);
  return bytes;
}

function optionalBytes(fields: Fields, name: string): Uint8Array | undefined {
  const [text, encoded] = [fields[name], fields[`${name}Base64`]];
  if (text !== undefined && encoded !== undefined) {
    throw new Wrong(`${name} and ${name}Base64 exclude each other.`);
  }
  if (typeof text === "string") return textBytes(text, name);
  return typeof encoded === "string" ? Uint8Array.fromBase64(encoded) : undefined;
}

function textBytes(text: string, name: string): Uint8Array {
  // Half of a pair would become another text.
  if (!text.isWellFormed()) throw new Wrong(`${name} is no well-formed text.`);
  return utf8(text);
}

function placeOf(path: readonly PropertyKey[]): string {
  const place = path.map((part) => typeof part === "number" ? `[${part}]` : `.${String(part)}`);
  return place.join("").replace(/^\./, "") || "The whole";
}

function invalid(detail: string): Result<never, ServiceError> {
  const short = detail.length > DETAIL_CHARS_MAX ? `${detail.slice(0, DETAIL_CHARS_MAX)}…` : detail;
  return err(refusal("bodyInvalid", short));
}
