/**
 * Types the commands of a Markdown file as they are printed, one after the other.
 *
 * Conventions: every line of a ```sh block is a command, up to a comment behind two spaces. A
 * command that runs nodes stays in the foreground of a terminal of its own until the next command
 * that needs their ports, which a person would free with Ctrl-C too.
 */

import { RunningProcess } from "./process.ts";
import { until } from "./wait.ts";

export type Typed = { readonly command: string; readonly output: string };

/** A command that runs nodes, which terminal it belongs to, and what it says once it is ready. */
type Foreground = { readonly pattern: RegExp; readonly group: string; readonly ready: RegExp };

const FOREGROUND: readonly Foreground[] = [
  { pattern: /npm start|keva dev/, group: "dev", ready: /Ctrl-C stops/ },
  { pattern: /keva serve/, group: "serve", ready: / serves http:/ },
];

/** Building takes the longest. */
const READY_MS_MAX = 90_000;
const COMMAND_MS_MAX = 60_000;

export function commandsOf(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm)];
  return blocks.flatMap(([, block = ""]) => block.split("\n")).map((line) =>
    line.replace(/ {2,}#.*$/, "").trim()
  ).filter((line) => line !== "");
}

export class Terminal {
  readonly #cwd: string;
  readonly #env: Record<string, string>;
  readonly #running: { readonly group: string; readonly process: RunningProcess }[] = [];

  constructor(cwd: string, env: Record<string, string>) {
    this.#cwd = cwd;
    this.#env = env;
  }

  /** Runs `command` to its end, or until it is ready when it runs nodes. */
  async type(command: string): Promise<Typed> {
    const foreground = FOREGROUND.find(({ pattern }) => pattern.test(command));
    if (foreground !== undefined) return await this.#open(command, foreground);
    const process = this.#spawn(command);
    const { code } = await process.end(COMMAND_MS_MAX);
    if (code !== 0) throw new Error(`$ ${command}\n${process.text}\nexit code ${code}`);
    return { command, output: process.text };
  }

  /** Ctrl-C in every terminal that is open, or in those outside of `group`. */
  async interrupt(group?: string): Promise<void> {
    for (const one of this.#running.filter((one) => one.group !== group)) {
      this.#running.splice(this.#running.indexOf(one), 1);
      one.process.signalGroup("SIGINT");
      await until("the end after Ctrl-C", () => !one.process.isRunning, 10_000).catch((error) => {
        one.process.signalGroup("SIGKILL");
        throw error;
      });
    }
  }

  async #open(command: string, { group, ready }: Foreground): Promise<Typed> {
    await this.interrupt(group);
    const process = this.#spawn(command);
    this.#running.push({ group, process });
    await process.line(ready, { timeoutMs: READY_MS_MAX });
    return { command, output: process.text };
  }

  #spawn(command: string): RunningProcess {
    const options = { args: ["-c", command], cwd: this.#cwd, env: this.#env, ownGroup: true };
    return new RunningProcess("sh", options);
  }
}
