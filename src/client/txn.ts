/** Transactions as JSON, and back. */

import { expiryIn, jsonBytes } from "./list.ts";
import type {
  Transaction,
  TransactionAnswer,
  TransactionCheck,
  TransactionResult,
  TransactionStep,
} from "./types.ts";

export const TXN_ROUTE = "/v1/storage/txn";

export function transactionText(transaction: Transaction): string {
  const { checks = [], then = [], else: otherwise = [], ...unknown } = transaction;
  // What is not known here is for the node to judge.
  return JSON.stringify({
    ...unknown,
    checks: checks.map(encoded),
    then: then.map(encoded),
    else: otherwise.map(encoded),
  });
}

export function transactionAnswer(json: Record<string, unknown>): TransactionAnswer {
  const { revision, failedCheck, results } = json;
  return {
    revision: Number(revision),
    branch: json["branch"] === "then" ? "then" : "else",
    failedCheck: failedCheck === undefined ? null : Number(failedCheck),
    results: (results as readonly Record<string, unknown>[]).map(resultOf),
  };
}

/** Bytes go to base64 under another name; numbers to text, which any size of them survives. */
function encoded(operation: TransactionCheck | TransactionStep): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(operation)) {
    if (value instanceof Uint8Array) fields[`${name}Base64`] = base64(value);
    else fields[name] = typeof value === "bigint" ? String(value) : value;
  }
  return fields;
}

function resultOf(result: Record<string, unknown>): TransactionResult {
  if ("found" in result) return { kind: "got", item: itemOf(result) };
  if ("existed" in result) return { kind: "changed", existed: result["existed"] === true };
  if ("deleted" in result) return { kind: "deleted", count: Number(result["deleted"]) };
  if ("bytes" in result) return { kind: "appended", bytes: Number(result["bytes"]) };
  return { kind: "number", value: BigInt(String(result["value"])) };
}

function itemOf(result: Record<string, unknown>) {
  const value = jsonBytes(result, "value");
  if (value === undefined) return null;
  const { revision, contentType } = result;
  const about = { contentType: String(contentType), ...expiryIn(result) };
  return { value, ...about, revision: Number(revision) };
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
