/**
 * `keva watch`: prints changes as they happen.
 */

import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { printable } from "../base/mod.ts";
import type { WatchEvent } from "../client/mod.ts";
import { connect } from "./connect.ts";
import type { Context } from "./context.ts";
import { keyBase64Option, keyHexOption, parsePrefix } from "./key.ts";
import { clientCommand, jsonOption, timeoutOption, wholeNumber } from "./options.ts";

const EPILOGUE = `
A change is printed as its revision, what happened, the key, and the first bytes of the value. It
goes on at another node when its own fails, without gaps or repetitions; "reset" means that changes
were lost all the same, because they are too old. It ends by Ctrl-C.

Examples:
  keva watch
  keva watch users/ --initial
  keva watch --json --from 4711 | jq .key`;

export function watchCommand(context: Context) {
  return clientCommand("watch")
    .summary("print changes as they happen")
    .description("Prints the changes of all keys that begin with PREFIX, as they happen.")
    .argument("[prefix]", "what the keys begin with; all keys without it", "")
    .option("--initial", "begin with the items that there are")
    .addOption(
      new Option("--from <revision>", "begin with the changes of this revision")
        .argParser(revisionFrom),
    )
    .addOption(
      new Option("--after <id>", "begin behind the change that has this id").conflicts("from"),
    )
    .addOption(
      jsonOption("print everything as JSON, a line for each event, keys and values in base64"),
    )
    .addOption(keyBase64Option("PREFIX"))
    .addOption(keyHexOption("PREFIX"))
    .addOption(timeoutOption())
    .addHelpText("after", EPILOGUE)
    .action(async (text, options) => {
      const { initial = false, from, after } = options;
      const ending = new AbortController();
      const end = (): void => ending.abort();
      const silence = [context.onSignal("SIGINT", end), context.onSignal("SIGTERM", end)];
      const write = options.json ? jsonLine : textLine;
      try {
        const events = connect(context, options).watch({
          prefix: parsePrefix(text, options),
          initial,
          ...from !== undefined && { from },
          ...after !== undefined && { after },
          signal: ending.signal,
        });
        for await (const event of events) {
          context.stdout.write(write(event));
          if (context.stdout.closed) break;
        }
      } finally {
        for (const stop of silence) stop();
      }
    });
}

function revisionFrom(text: string): number {
  const complaint = "It must be a revision above 0.";
  const revision = wholeNumber(complaint)(text);
  if (revision > 0) return revision;
  throw new InvalidArgumentError(complaint);
}

function textLine(event: WatchEvent): string {
  const { kind, revision } = event;
  switch (kind) {
    case "put":
      return `${revision} put ${printable(event.key)} ${printable(event.value)}\n`;
    case "delete":
      return `${revision} delete ${printable(event.key)}\n`;
    case "progress": // says only that nothing has happened
      return "";
    default:
      return `${revision} ${kind}\n`;
  }
}

function jsonLine(event: WatchEvent): string {
  const key = "key" in event && { key: event.key.toBase64() };
  const value = "value" in event && { value: event.value.toBase64() };
  return `${JSON.stringify({ ...event, ...key, ...value })}\n`;
}
