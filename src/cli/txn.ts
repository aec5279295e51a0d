/**
 * `keva txn`: checks, reads and changes many keys at once.
 */

import { fromUtf8, limits } from "../base/mod.ts";
import type { Transaction, TransactionResult } from "../client/mod.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { usageError } from "./error.ts";
import { readFile, tooLarge } from "./input.ts";
import { clientCommand, idempotencyKeyOption, timeoutOption, writeOptions } from "./options.ts";

const EPILOGUE = `
The transaction is JSON as POST /v1/storage/txn takes it, and so is what is printed: "checks", and
the steps that are done where all of them hold ("then") or where one does not ("else"). Checks:
revision, exists, absent, value. Steps: get, put, delete, delete-range, sum, min, max, append. All
of one branch is done, or nothing is. The exit code is 0 whichever branch it was.

Example, a counter and a log that belong together:
  echo '{"then": [{"op": "sum", "key": "visits", "value": 1},
                  {"op": "append", "key": "log", "value": "one more"}]}' | keva txn`;

export function txnCommand(context: Context) {
  return clientCommand("txn")
    .summary("check, read and change many keys at once")
    .description("Does what a file or standard input says: all of it, as one revision, or nothing.")
    .argument("[file]", "where the transaction is; without it, standard input")
    .addOption(idempotencyKeyOption())
    .addOption(timeoutOption())
    .addHelpText("after", EPILOGUE)
    .action(async (file, options) => {
      const transaction = transactionOf(await read(context, file));
      const answer = await connect(context, options).txn(transaction, writeOptions(options));
      const { revision, branch, failedCheck } = answer;
      const results = answer.results.map(told);
      const line = failedCheck === null
        ? { revision, branch, results }
        : { revision, branch, failedCheck, results };
      context.stdout.write(`${JSON.stringify(line)}\n`);
    });
}

async function read(context: Context, file: string | undefined): Promise<Uint8Array> {
  if (file !== undefined) return readFile(context, file);
  if (context.stdin.isTerminal) {
    throw usageError("there is no transaction; name a file, or send it through a pipe");
  }
  const bytes = await context.stdin.read(limits.valueBytesCeiling);
  if (bytes === null) throw tooLarge("standard input");
  return bytes;
}

/** What stands in it is for the node to judge: one place knows the rules. */
function transactionOf(bytes: Uint8Array): Transaction {
  const text = fromUtf8(bytes);
  const json = text.ok ? parsed(text.value) : undefined;
  if (isTransaction(json)) return json;
  throw usageError('the transaction is not JSON as {"checks": [], "then": [], "else": []}');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isTransaction(json: unknown): json is Transaction {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return false;
  return ["checks", "then", "else"].every((name) => {
    const list = (json as Record<string, unknown>)[name] ?? [];
    return Array.isArray(list) && list.every((one) => typeof one === "object" && one !== null);
  });
}

function told(result: TransactionResult): Record<string, unknown> {
  switch (result.kind) {
    case "got": {
      if (result.item === null) return { found: false };
      const { value, ...about } = result.item;
      const text = fromUtf8(value);
      const shown = text.ok ? { value: text.value } : { valueBase64: value.toBase64() };
      return { found: true, ...about, ...shown };
    }
    case "changed":
      return { existed: result.existed };
    case "deleted":
      return { deleted: result.count };
    case "number":
      return { value: String(result.value) };
    case "appended":
      return { bytes: result.bytes };
  }
}
