/**
 * `keva inspect`: what is on a node's disk, as text.
 */

import { Argument, Command } from "@commander-js/extra-typings";
import { describeCommand } from "../kv/mod.ts";
import { inspectDirectory, inspectSegment, inspectSnapshot } from "../storage/mod.ts";
import type { Context } from "./context.ts";
import { CommandError } from "./error.ts";

const EPILOGUE = `
Only reads, and takes no lock, so it may be used beside a running node. Keys are shown, values never.
Where the bytes stop making sense, the output says why, and what a starting node would do there.
Positions read 5@2: index 5 of term 2.

Examples:
  keva inspect dir ./keva-data/host1
  keva inspect wal ./keva-data/host1/wal/0000000000000001.wal`;

const INSPECTORS = { wal: inspectSegment, snapshot: inspectSnapshot, dir: inspectDirectory };

export function inspectCommand(context: Context) {
  return new Command("inspect")
    .summary("print a data directory, log segment or snapshot as text")
    .description(
      "Prints a whole data directory, one segment of the write-ahead log, or one snapshot.",
    )
    .addArgument(
      new Argument("<what>", "what PATH is").choices(["dir", "wal", "snapshot"] as const),
    )
    .argument("<path>", "the directory or file")
    .addHelpText("after", EPILOGUE)
    .action((what, path) => {
      const { disk, hash } = context.ports;
      if (!disk.exists(path)) throw new CommandError(`there is nothing at ${path}`);
      const print = (line: string): void => context.stdout.write(`${line}\n`);
      INSPECTORS[what]({ disk, hash, path, print, describe: describeCommand });
    });
}
