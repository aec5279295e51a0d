/**
 * `keva get`: prints a value.
 */

import { Option } from "@commander-js/extra-typings";
import { printable } from "../base/mod.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { CommandError } from "./error.ts";
import { keyBase64Option, keyHexOption, parseKey, parsePrefix } from "./key.ts";
import { jsonLine, printItems, textLine } from "./list.ts";
import { clientCommand, jsonOption, timeoutOption } from "./options.ts";

const EPILOGUE = `
The value goes to standard output byte for byte, without a line end of its own. When there is no
such key, nothing is printed and the exit code is 1.

Examples:
  keva get greeting
  keva get logo.png > logo.png
  keva get greeting --consistency stale --endpoints host2:380
  keva get --json --key-hex 00ff
  keva get --prefix users/`;

export function getCommand(context: Context) {
  return clientCommand("get")
    .summary("print the value of a key")
    .description("Prints the value of a key, as of the last acknowledged write.")
    .argument("<key>", "the key")
    .addOption(
      new Option("--consistency <guarantee>", "stale: what one node has, without asking others")
        .choices(["linearizable", "stale"] as const).default("linearizable" as const),
    )
    .option("--prefix", "KEY is what keys begin with: print a line for each of their items")
    .addOption(jsonOption("print value (in base64), content type and revision as JSON"))
    .addOption(keyBase64Option())
    .addOption(keyHexOption())
    .addOption(timeoutOption())
    .addHelpText("after", EPILOGUE)
    .action(async (text, options) => {
      const { consistency } = options;
      if (options.prefix) {
        const prefix = parsePrefix(text, options);
        const items = connect(context, options).list({ prefix, values: true, consistency });
        return await printItems(context, items, options.json ? jsonLine : textLine);
      }
      const key = parseKey(text, options);
      const item = await connect(context, options).get(key, { consistency });
      if (item === null) throw new CommandError(`there is no item under the key ${printable(key)}`);
      if (!options.json) return context.stdout.write(item.value);
      const fields = { key: key.toBase64(), ...item, value: item.value.toBase64() };
      context.stdout.write(`${JSON.stringify(fields)}\n`);
    });
}
