/**
 * `keva list`: prints keys in their order.
 */

import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { printable } from "../base/mod.ts";
import type { Listed } from "../client/mod.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { keyBase64Option, keyHexOption, parsePrefix } from "./key.ts";
import { clientCommand, jsonOption, timeoutOption, wholeNumber } from "./options.ts";

const EPILOGUE = `
Each line is a key, and with --values the first bytes of its value. The list is read page by page,
each as of one moment: what is written meanwhile may be on the later ones. "keva export" is as of
one moment as a whole.

Examples:
  keva list
  keva list users/ --values
  keva list logs/ --reverse --limit 10
  keva list --start a --end n --json | jq .bytes`;

export function listCommand(context: Context) {
  return clientCommand("list")
    .summary("print keys in their order")
    .description("Prints the keys that begin with PREFIX, in the order of their bytes.")
    .argument("[prefix]", "what the keys begin with; all keys without it", "")
    .option("--start <key>", "from this key on")
    .option("--end <key>", "up to this key, without it")
    .option("--reverse", "from the last key to the first")
    .addOption(new Option("--limit <count>", "so many at most").argParser(countFrom))
    .option("--values", "values too")
    .addOption(
      new Option("--consistency <guarantee>", "stale: what one node has, without asking others")
        .choices(["linearizable", "stale"] as const).default("linearizable" as const),
    )
    .addOption(
      jsonOption("print a line of JSON for each item, keys and values in base64"),
    )
    .addOption(keyBase64Option("PREFIX"))
    .addOption(keyHexOption("PREFIX"))
    .addOption(timeoutOption())
    .addHelpText("after", EPILOGUE)
    .action(async (text, options) => {
      const { start, end, limit, reverse = false, values = false, consistency } = options;
      const items = connect(context, options).list({
        prefix: parsePrefix(text, options),
        ...start !== undefined && { start },
        ...end !== undefined && { end },
        ...limit !== undefined && { limit },
        reverse,
        values,
        consistency,
      });
      await printItems(context, items, options.json ? jsonLine : textLine);
    });
}

export async function printItems(
  { stdout }: Context,
  items: AsyncIterable<Listed>,
  write: (item: Listed) => string,
): Promise<void> {
  for await (const item of items) {
    stdout.write(write(item));
    if (stdout.closed) return;
  }
}

export function textLine({ key, value }: Listed): string {
  return value === undefined ? `${printable(key)}\n` : `${printable(key)} ${printable(value)}\n`;
}

export function jsonLine(item: Listed): string {
  const value = item.value && { value: item.value.toBase64() };
  return `${JSON.stringify({ ...item, key: item.key.toBase64(), ...value })}\n`;
}

function countFrom(text: string): number {
  const complaint = "It must be a whole number above 0.";
  const count = wholeNumber(complaint)(text);
  if (count > 0) return count;
  throw new InvalidArgumentError(complaint);
}
