/**
 * `keva shell`: the same commands, one after the other.
 */

import type { Command } from "@commander-js/extra-typings";
import type { Context } from "./context.ts";
import { CommandError, EXIT_USAGE } from "./error.ts";
import { linesOf } from "./lines.ts";
import { clientCommand } from "./options.ts";
import { ShellHistory } from "./shell_history.ts";
import { wordsOf } from "./words.ts";

const EPILOGUE = `
Each line is a command as after "keva", with quotes and backslashes as in other shells. Where the
nodes are and who you are is said once, for all of them. Tab completes commands and options, the
arrows bring lines back. Ctrl-C drops a line and ends a watch; during any other command it ends the
shell, as Ctrl-D and "exit" do. When lines come through a pipe, the first that fails ends it.

Lines are kept from one time to the next in $XDG_STATE_HOME/keva/history, without those that could
hold a value or a token.

Examples:
  keva shell --endpoints host1:380,host2:380
  echo "put greeting hello" | keva shell`;

const PROMPT = "keva> ";
const LINE_BYTES_MAX = 16 * 1024 * 1024;
const ENDING = ["exit", "quit"];
/** They would not come back, or come back here. */
const LEFT_OUT = ["serve", "dev", "shell"];

type Run = (context: Context) => Promise<number>;

/** `runCommand` runs what stands after `keva`. */
export function shellCommand(context: Context, runCommand: Run) {
  return clientCommand("shell")
    .summary("run one command after the other")
    .description("Reads commands, from a terminal or a pipe, and runs one after the other.")
    .addHelpText("after", EPILOGUE)
    .action(async (_, command) => {
      const env = environment(context, command as unknown as Command);
      // Lines come from there: no command may take them for a value.
      const stdin = { ...context.stdin, isTerminal: true };
      const runLine = (words: readonly string[]) =>
        runCommand({ ...context, env, stdin, args: words });
      if (!context.stdin.isTerminal) return await piped(context, runLine);
      const shell = new Shell(context, {
        runLine,
        program: command.parent as unknown as Command,
      });
      await shell.run();
    });
}

type RunLine = (words: readonly string[]) => Promise<number>;

/** What was said once: each option of a connection has its variable. */
function environment(context: Context, command: Command): Readonly<Record<string, string>> {
  const env = { ...context.env };
  for (const option of command.options) {
    const name = option.attributeName();
    const value: unknown = command.getOptionValue(name as never);
    if (typeof value !== "string") continue;
    // A variable that says the same in another way would win.
    if (name === "tokenFile") delete env["KEVA_TOKEN"];
    env[`KEVA_${option.name().replaceAll("-", "_").toUpperCase()}`] = value;
  }
  return env;
}

async function piped(context: Context, runLine: RunLine): Promise<void> {
  for await (const { number, text } of linesOf(context.stdin.chunks(), LINE_BYTES_MAX)) {
    const words = wordsOf(text);
    if (!words.ok) throw new CommandError(`line ${number}: ${words.error}`, EXIT_USAGE);
    if (ENDING.includes(words.value[0] ?? "")) return;
    const complaint = refusal(words.value);
    if (complaint !== null) throw new CommandError(`line ${number}: ${complaint}`, EXIT_USAGE);
    const exitCode = await runLine(words.value);
    if (exitCode !== 0) throw new CommandError(`line ${number} failed`, exitCode);
  }
}

/** Why this line is none for the shell, or null. */
function refusal([command = ""]: readonly string[]): string | null {
  if (command.startsWith("-") && command !== "--help") return "a line begins with a command";
  return LEFT_OUT.includes(command) ? `${command} does not run within the shell` : null;
}

class Shell {
  readonly #context: Context;
  readonly #runLine: RunLine;
  readonly #program: Command;
  readonly #history: ShellHistory;

  constructor(context: Context, parts: { readonly runLine: RunLine; readonly program: Command }) {
    this.#context = context;
    this.#runLine = parts.runLine;
    this.#program = parts.program;
    this.#history = new ShellHistory(context);
  }

  async run(): Promise<void> {
    const { stdout, stderr, readLine } = this.#context;
    while (true) {
      const line = await readLine({
        prompt: PROMPT,
        history: this.#history.lines,
        complete: (word, before) => this.#complete(word, before),
      });
      if (line === null) return stdout.write("\n");
      this.#history.add(line);
      const words = wordsOf(line);
      if (words.ok && ENDING.includes(words.value[0] ?? "")) return;
      const complaint = words.ok ? refusal(words.value) : words.error;
      if (complaint !== null) stderr.write(`keva: ${complaint}\n`);
      else if (words.ok && words.value.length > 0) await this.#runLine(words.value);
    }
  }

  /** Names of commands first, then options of the one that stands there. */
  #complete(word: string, before: readonly string[]): string[] {
    let command = this.#program;
    for (const name of before) {
      command = command.commands.find((each) => each.name() === name) as Command ?? command;
    }
    const names = command.commands.map((each) => each.name());
    const usable = command === this.#program
      ? [...names, ...ENDING].filter((name) => !LEFT_OUT.includes(name))
      : names;
    const options = command.options.filter(({ hidden }) => !hidden).map(({ long }) => long ?? "");
    const all = word.startsWith("-") && command !== this.#program ? options : usable;
    return all.filter((each) => each.startsWith(word)).sort();
  }
}
