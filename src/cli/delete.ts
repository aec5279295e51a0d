/**
 * `keva delete`: removes a key.
 */

import { successor } from "../base/mod.ts";
import { type KevaClient, KevaError } from "../client/mod.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { countOf } from "./counter.ts";
import { keyBase64Option, keyHexOption, parseKey, parsePrefix } from "./key.ts";
import {
  clientCommand,
  idempotencyKeyOption,
  jsonOption,
  revisionOption,
  timeoutOption,
  writeOptions,
} from "./options.ts";

const EPILOGUE = `
Deleting a key that is not there succeeds. With --prefix, up to about 10,000 items go at once, more
of them in parts.

Examples:
  keva delete greeting
  keva delete greeting --if-revision 42
  keva delete --prefix users/`;

/** Fewer than a transaction takes, since others may add to them meanwhile. */
const PART_ITEMS = 4_000;

export function deleteCommand(context: Context) {
  return clientCommand("delete")
    .summary("remove a key and its value")
    .description("Removes a key and waits until a majority of the nodes has that on disk.")
    .argument("<key>", "the key")
    .addOption(revisionOption().conflicts("prefix"))
    .addOption(idempotencyKeyOption().conflicts("prefix"))
    .option("--prefix", "KEY is what keys begin with: remove all of them")
    .addOption(jsonOption("print revision and whether there was a value as JSON"))
    .addOption(keyBase64Option())
    .addOption(keyHexOption())
    .addOption(timeoutOption())
    .addHelpText("after", EPILOGUE)
    .action(async (text, options) => {
      if (options.prefix) {
        const prefix = parsePrefix(text, options);
        const deleted = await deleteAll(connect(context, options), prefix);
        return context.stdout.write(
          options.json ? `${JSON.stringify({ deleted })}\n` : `deleted ${countOf(deleted)}\n`,
        );
      }
      const key = parseKey(text, options);
      const answer = await connect(context, options).delete(key, writeOptions(options));
      const words = answer.existed ? "deleted" : "there was nothing to delete";
      context.stdout.write(`${options.json ? JSON.stringify(answer) : words}\n`);
    });
}

/** At once, or a page after the other where that would be too much for one transaction. */
async function deleteAll(keva: KevaClient, prefix: Uint8Array): Promise<number> {
  try {
    return await deleteRange(keva, { prefix });
  } catch (error) {
    if (!(error instanceof KevaError) || error.code !== "stepFailed") throw error;
  }
  let deleted = 0;
  while (true) {
    let last: Uint8Array | null = null;
    for await (const { key } of keva.list({ prefix, limit: PART_ITEMS })) last = key;
    if (last === null) return deleted;
    deleted += await deleteRange(keva, { prefix, end: successor(last) });
  }
}

async function deleteRange(
  keva: KevaClient,
  range: { readonly prefix: Uint8Array; readonly end?: Uint8Array },
): Promise<number> {
  const { results } = await keva.txn({ then: [{ op: "delete-range", ...range }] });
  const [result] = results;
  return result?.kind === "deleted" ? result.count : 0;
}
