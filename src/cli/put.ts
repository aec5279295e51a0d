/**
 * `keva put`: stores a value.
 */

import { limits, utf8 } from "../base/mod.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { usageError } from "./error.ts";
import { readFile, tooLarge } from "./input.ts";
import { keyBase64Option, keyHexOption, parseKey } from "./key.ts";
import {
  clientCommand,
  idempotencyKeyOption,
  jsonOption,
  revisionOption,
  timeoutOption,
  ttlOption,
  writeOptions,
} from "./options.ts";

const EPILOGUE = `
Without VALUE and --file, the value is read from standard input.

Examples:
  keva put greeting hello
  keva put logo.png --file logo.png --content-type image/png
  date | keva put now
  keva put lock mine --if-revision 0 --ttl 30`;

type Source = { readonly value: Uint8Array; readonly contentType: string };

export function putCommand(context: Context) {
  return clientCommand("put")
    .summary("store a value under a key")
    .description("Stores a value and waits until a majority of the nodes has it on disk.")
    .argument("<key>", "the key")
    .argument("[value]", "the value, as text")
    .option("-f, --file <path>", "the value is the content of this file")
    .option("--content-type <type>", "kept with the value and returned with it")
    .addOption(ttlOption())
    .addOption(revisionOption())
    .addOption(idempotencyKeyOption())
    .addOption(jsonOption("print the revision as JSON"))
    .addOption(keyBase64Option())
    .addOption(keyHexOption())
    .addOption(timeoutOption())
    .addHelpText("after", EPILOGUE)
    .action(async (text, argument, options) => {
      const key = parseKey(text, options);
      const source = await readValue(context, argument, options.file);
      const { revision } = await connect(context, options).put(key, source.value, {
        contentType: options.contentType ?? source.contentType,
        ...options.ttl !== undefined && { ttlMs: options.ttl * 1000 },
        ...writeOptions(options),
      });
      const line = options.json ? JSON.stringify({ revision }) : `stored at revision ${revision}`;
      context.stdout.write(`${line}\n`);
    });
}

async function readValue(
  context: Context,
  argument: string | undefined,
  file: string | undefined,
): Promise<Source> {
  const contentType = "application/octet-stream";
  if (argument !== undefined && file !== undefined) {
    throw usageError("give the value or --file, not both");
  }
  if (argument !== undefined) {
    if (!argument.isWellFormed()) throw usageError("the value is not valid text; use --file");
    return { value: utf8(argument), contentType: "text/plain; charset=utf-8" };
  }
  if (file !== undefined) return { value: readFile(context, file), contentType };
  if (context.stdin.isTerminal) {
    throw usageError("there is no value; give it as an argument, with --file, or through a pipe");
  }
  const value = await context.stdin.read(limits.valueBytesCeiling);
  if (value === null) throw tooLarge("standard input");
  return { value, contentType };
}
