/**
 * This process and its children: arguments, environment, standard streams, signals, exit.
 */

import { hostname } from "node:os";
import { type LineRequest, readLine } from "./terminal.ts";

export type SignalName = "SIGINT" | "SIGTERM" | "SIGHUP";

/** Standard output or standard error. A closed reader is no error: what is written then is gone. */
export type Output = {
  readonly isTerminal: boolean;
  /** Whether escape sequences for colour are welcome. */
  readonly colour: boolean;
  /** Whether a write has met a reader that is gone: what is written from then on reaches nobody. */
  readonly closed: boolean;
  write(data: string | Uint8Array): void;
};

export type Child = {
  readonly pid: number;
  readonly done: Promise<{ readonly code: number; readonly signal: string | null }>;
  kill(signal: SignalName | "SIGKILL"): void;
};

export type SpawnOptions = {
  readonly args: readonly string[];
  /** Each line that the child writes on standard output or standard error. */
  readonly line: (text: string) => void;
};

export type ThisProcess = {
  readonly args: readonly string[];
  /** The environment variables whose names start so, and no others. */
  env(prefix: string): Readonly<Record<string, string>>;
  /** `$XDG_STATE_HOME/keva`, or where that stands by default; undefined without a home. */
  readonly stateDirectory: string | undefined;
  readonly readLine: (request: LineRequest) => Promise<string | null>;
  hostname(): string;
  readonly stdin: {
    readonly isTerminal: boolean;
    /** All of it, or null when it is longer than `sizeBytesMax`. */
    read(sizeBytesMax: number): Promise<Uint8Array | null>;
    /** All of it, as it comes. */
    chunks(): AsyncIterable<Uint8Array>;
    /** Resolves when it ends. */
    ended(): Promise<void>;
  };
  readonly stdout: Output;
  readonly stderr: Output;
  /** Calls `run` for each such signal until the returned function is called. */
  onSignal(name: SignalName, run: () => void): () => void;
  /** Calls `report` with an error that nobody caught, instead of printing a stack trace. */
  onCrash(report: (error: unknown) => void): void;
  spawn(options: SpawnOptions): Child;
  exit(code: number): never;
};

/** From now on this process cannot start another one, whatever it is made to run. */
export async function giveUpChildren(): Promise<void> {
  await Deno.permissions.revoke({ name: "run" });
}

const encoder = new TextEncoder();

export function thisProcess(): ThisProcess {
  return {
    args: Deno.args,
    env: (prefix) =>
      Object.fromEntries(
        Object.entries(Deno.env.toObject()).filter(([name]) => name.startsWith(prefix)),
      ),
    stateDirectory: stateDirectory(),
    readLine,
    hostname,
    stdin: {
      isTerminal: Deno.stdin.isTerminal(),
      read: readStdin,
      chunks: stdinChunks,
      ended: stdinEnded,
    },
    stdout: output(Deno.stdout),
    stderr: output(Deno.stderr),
    onSignal,
    onCrash,
    spawn,
    exit: Deno.exit,
  };
}

function stateDirectory(): string | undefined {
  const [state, home] = [Deno.env.get("XDG_STATE_HOME"), Deno.env.get("HOME")];
  if (state?.startsWith("/")) return `${state}/keva`;
  return home ? `${home}/.local/state/keva` : undefined;
}

function output(stream: typeof Deno.stdout): Output {
  const isTerminal = stream.isTerminal();
  const colour = isTerminal && !Deno.noColor;
  let closed = false;
  return {
    isTerminal,
    colour,
    get closed(): boolean {
      return closed;
    },
    write(data) {
      if (closed) return;
      let rest = typeof data === "string" ? encoder.encode(data) : data;
      try {
        while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
      } catch (error) {
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
        closed = true;
      }
    },
  };
}

async function readStdin(sizeBytesMax: number): Promise<Uint8Array | null> {
  const all = new Uint8Array(sizeBytesMax + 1);
  let length = 0;
  while (length <= sizeBytesMax) {
    const read = await Deno.stdin.read(all.subarray(length));
    if (read === null) return all.slice(0, length);
    length += read;
  }
  return null;
}

async function* stdinChunks(): AsyncGenerator<Uint8Array, void, void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let read = await Deno.stdin.read(buffer); read !== null;) {
    yield buffer.slice(0, read);
    read = await Deno.stdin.read(buffer);
  }
}

async function stdinEnded(): Promise<void> {
  const buffer = new Uint8Array(256);
  while (await Deno.stdin.read(buffer) !== null);
}

function onSignal(name: SignalName, run: () => void): () => void {
  if (Deno.build.os === "windows" && name !== "SIGINT") return () => {}; // it knows no other
  Deno.addSignalListener(name, run);
  return () => Deno.removeSignalListener(name, run);
}

function onCrash(report: (error: unknown) => void): void {
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    report(event.error);
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    report(event.reason);
  });
}

/**
 * Starts this same program with other arguments. The child is its own process group, so that
 * Ctrl-C reaches only the parent, which then stops its children in its own order. Its standard
 * input ends when this process does, however it ends.
 */
function spawn(options: SpawnOptions): Child {
  const prefix = Deno.build.standalone ? [] : ["run", "--allow-all", Deno.mainModule];
  const process = new Deno.Command(Deno.execPath(), {
    args: [...prefix, ...options.args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  const read = Promise.all([
    eachLine(process.stdout, options.line),
    eachLine(process.stderr, options.line),
  ]);
  return {
    pid: process.pid,
    done: Promise.all([process.status, read]).then(([status]) => status),
    kill: (signal) => {
      try {
        process.kill(signal);
      } catch {
        // It has ended already.
      }
    },
  };
}

async function eachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  run: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() as string;
    lines.forEach(run);
  }
  if (rest !== "") run(rest);
}
