/**
 * `keva delete`: removes a key.
 */

import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { keyBase64Option, keyHexOption, parseKey } from "./key.ts";
import {
  clientCommand,
  idempotencyKeyOption,
  jsonOption,
  revisionOption,
  timeoutOption,
  writeOptions,
} from "./options.ts";

const EPILOGUE = `
Deleting a key that is not there succeeds.

Examples:
  keva delete greeting
  keva delete greeting --if-revision 42`;

export function deleteCommand(context: Context) {
  return clientCommand("delete")
    .summary("remove a key and its value")
    .description("Removes a key and waits until a majority of the nodes has that on disk.")
    .argument("<key>", "the key")
    .addOption(revisionOption())
    .addOption(idempotencyKeyOption())
    .addOption(jsonOption("print revision and whether there was a value as JSON"))
    .addOption(keyBase64Option())
    .addOption(keyHexOption())
    .addOption(timeoutOption())
    .addHelpText("after", EPILOGUE)
    .action(async (text, options) => {
      const key = parseKey(text, options);
      const answer = await connect(context, options).delete(key, writeOptions(options));
      const words = answer.existed ? "deleted" : "there was nothing to delete";
      context.stdout.write(`${options.json ? JSON.stringify(answer) : words}\n`);
    });
}
