/**
 * From arguments to an exit code.
 */

import { Command, CommanderError } from "@commander-js/extra-typings";
import { checkConfigCommand } from "./check_config.ts";
import type { Context } from "./context.ts";
import { deleteCommand } from "./delete.ts";
import { devCommand } from "./dev.ts";
import { EXIT_FAILED, EXIT_USAGE, explainError } from "./error.ts";
import { exportCommand } from "./export.ts";
import { getCommand } from "./get.ts";
import { importCommand } from "./import.ts";
import { inspectCommand } from "./inspect.ts";
import { keygenCommand } from "./keygen.ts";
import { keysCommand } from "./keys.ts";
import { listCommand } from "./list.ts";
import { policyCommand } from "./policy.ts";
import { putCommand } from "./put.ts";
import { serveCommand } from "./serve.ts";
import { shellCommand } from "./shell.ts";
import { statusCommand } from "./status.ts";
import { tokenCommand } from "./token.ts";
import { txnCommand } from "./txn.ts";
import { watchCommand } from "./watch.ts";

const EPILOGUE = `
Examples:
  keva dev                              a cluster of three nodes on this machine
  keva put greeting hello               store a value
  keva get greeting                     print it
  keva status                           how the cluster is
  keva serve --node-identity host1      one node of the cluster in ./keva.toml

"keva COMMAND --help" explains a command. Exit codes: 0 done, 1 failed, 2 wrong usage.`;

/** Runs the command that the arguments name. Never throws. */
export async function run(context: Context): Promise<number> {
  const program = buildProgram(context);
  try {
    const args = withCommand(context.args);
    if (args.length === 0) program.help({ error: true });
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
    const { text, exitCode } = explainError(error, traceWanted(context));
    context.stderr.write(`keva: ${text.replaceAll("\n", "\nkeva: ")}\n`);
    return exitCode;
  }
}

/** For an error that no one awaited: the same line as {@link run} would print, and the end. */
export function reportCrash(context: Context, error: unknown): never {
  context.stderr.write(`keva: ${explainError(error, traceWanted(context)).text}\n`);
  return context.exit(EXIT_FAILED);
}

function traceWanted(context: Context): boolean {
  return context.env["KEVA_TRACE"] === "1";
}

/** `keva --config-file …`, the first Keva's command line, means `keva serve --config-file …`. */
function withCommand(args: readonly string[]): string[] {
  const [first] = args;
  const isOption = first?.startsWith("-") && !["-h", "--help", "--version"].includes(first);
  return isOption ? ["serve", ...args] : [...args];
}

function buildProgram(context: Context): Command {
  const program = new Command("keva")
    .description("A distributed key-value store: linearizable, durable, one binary.")
    .version(context.version, "--version", "print the version")
    .helpCommand("help [command]", "print help for a command")
    .usage("COMMAND [options]")
    .addHelpText("after", EPILOGUE);
  const commands = [
    devCommand,
    serveCommand,
    getCommand,
    putCommand,
    deleteCommand,
    listCommand,
    txnCommand,
    watchCommand,
    exportCommand,
    importCommand,
    (context: Context) => shellCommand(context, run),
    statusCommand,
    checkConfigCommand,
    keygenCommand,
    keysCommand,
    tokenCommand,
    policyCommand,
    inspectCommand,
  ];
  for (const make of commands) program.addCommand(make(context) as unknown as Command);
  forAll(program, (command) => setUp(command, context));
  return program;
}

function forAll(command: Command, visit: (command: Command) => void): void {
  visit(command);
  for (const child of command.commands) forAll(child as Command, visit);
}

/** Errors become exceptions, and output goes where the context says. */
function setUp(command: Command, context: Context): void {
  command.helpOption("-h, --help", "print help").exitOverride().configureOutput({
    writeOut: (text) => context.stdout.write(text),
    writeErr: (text) => context.stderr.write(text),
    outputError: (text, write) => write(text.replace(/^error: /, "keva: ")),
    getOutHelpWidth: () => 100,
    getErrHelpWidth: () => 100,
    getOutHasColors: () => context.stdout.colour,
    getErrHasColors: () => context.stderr.colour,
  }).showHelpAfterError(`Run "${fullName(command)} --help" to see how it is used.`);
}

function fullName(command: Command): string {
  const parent = command.parent as Command | null;
  return parent === null ? command.name() : `${fullName(parent)} ${command.name()}`;
}
