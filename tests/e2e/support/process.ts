/** A child process whose output is kept, line by line, and waited for by what it says. */

import { until } from "./wait.ts";

export type Ending = { readonly code: number; readonly signal: string | null };

export type ProcessOptions = {
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly stdin?: Uint8Array;
  /** In a process group of its own, which {@link RunningProcess.signalGroup} then reaches. */
  readonly ownGroup?: boolean;
};

/** Older lines go first: a test that floods its log must not fill the memory. */
const LINES_MAX = 50_000;

export class RunningProcess {
  readonly pid: number;
  readonly ended: Promise<Ending>;
  /** Standard output and standard error, in the order of their arrival. */
  readonly lines: string[] = [];
  #ending: Ending | null = null;
  readonly #child: Deno.ChildProcess;

  constructor(command: string, options: ProcessOptions) {
    this.#child = new Deno.Command(command, commandOptions(options)).spawn();
    this.pid = this.#child.pid;
    if (options.stdin !== undefined) void feed(this.#child.stdin, options.stdin);
    this.ended = this.#run();
  }

  get isRunning(): boolean {
    return this.#ending === null;
  }

  get text(): string {
    return this.lines.join("\n");
  }

  /** Sends a signal; nothing when the process has ended. */
  signal(name: Deno.Signal): void {
    if (this.isRunning) this.#child.kill(name);
  }

  /** What Ctrl-C in a terminal does: every process of the group gets it. */
  signalGroup(name: Deno.Signal): void {
    if (this.isRunning) Deno.kill(-this.pid, name);
  }

  /** kill -9, and waits for the end. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended;
  }

  /** Waits for a line that matches, from line number `from` on. */
  line(pattern: RegExp, { from = 0, timeoutMs = 15_000 } = {}): Promise<RegExpExecArray> {
    const search = (): RegExpExecArray | undefined => {
      for (const line of this.lines.slice(from)) {
        const match = pattern.exec(line);
        if (match !== null) return match;
      }
      if (!this.isRunning) throw new Error(`ended without a line like ${pattern}:\n${this.text}`);
      return undefined;
    };
    return until(`a line like ${pattern}`, search, timeoutMs);
  }

  /** Waits for the end, which must come in time. */
  async end(timeoutMs = 10_000): Promise<Ending> {
    await until(`the end of process ${this.pid}`, () => !this.isRunning, timeoutMs);
    return await this.ended;
  }

  async #run(): Promise<Ending> {
    const [status] = await Promise.all([
      this.#child.status,
      this.#keep(this.#child.stdout),
      this.#keep(this.#child.stderr),
    ]);
    this.#ending = { code: status.code, signal: status.signal };
    return this.#ending;
  }

  async #keep(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() as string;
      this.lines.push(...lines);
      if (this.lines.length > LINES_MAX) this.lines.splice(0, LINES_MAX / 2);
    }
    if (rest !== "") this.lines.push(rest);
  }
}

async function feed(stdin: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(bytes);
    await writer.close();
  } catch {
    // The process ended without reading it all, which is its own affair.
  }
}

/** Runs a program to its end and returns what it wrote on each stream. */
export async function output(
  command: string,
  options: ProcessOptions,
): Promise<{ code: number; stdout: Uint8Array; stderr: string }> {
  const child = new Deno.Command(command, {
    ...commandOptions(options),
    signal: AbortSignal.timeout(30_000),
  }).spawn();
  if (options.stdin !== undefined) void feed(child.stdin, options.stdin);
  const { code, stdout, stderr } = await child.output();
  return { code, stdout, stderr: new TextDecoder().decode(stderr) };
}

function commandOptions({ args, cwd, env, stdin, ownGroup }: ProcessOptions): Deno.CommandOptions {
  return {
    args: [...args],
    ...(cwd !== undefined && { cwd }),
    clearEnv: true,
    env: { ...inheritedEnvironment(), ...env },
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    detached: ownGroup === true,
  };
}

/** All but Keva's own variables, which would configure the nodes under test. */
function inheritedEnvironment(): Record<string, string> {
  const all = Object.entries(Deno.env.toObject());
  return Object.fromEntries(all.filter(([name]) => !name.startsWith("KEVA_")));
}
