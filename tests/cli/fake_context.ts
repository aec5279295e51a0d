/** A world for commands that exists only in memory. */

import assert from "node:assert/strict";
import {
  type Disk,
  DiskError,
  type DiskFile,
  type Listener,
  type Log,
  NetworkError,
  ok,
  utf8,
} from "../../src/base/mod.ts";
import { type Context, run } from "../../src/cli/mod.ts";
import {
  createLog,
  ed25519,
  nativeHash,
  systemClock,
  systemProcess,
  systemRandom,
  tlsNetwork,
} from "../../src/platform/mod.ts";
import type { FakeCluster } from "../client/fake_cluster.ts";

export type World = {
  readonly context: Context;
  readonly files: Map<string, Uint8Array>;
  /** What was written so far. */
  stdout(): string;
  stdoutBytes(): Uint8Array;
  stderr(): string;
  /** Resolves once what was written holds `text`: the way to wait for a command that runs on. */
  untilWritten(text: string): Promise<void>;
  raise(signal: "SIGINT" | "SIGTERM" | "SIGHUP"): void;
};

export type WorldOptions = {
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string | Uint8Array>;
  readonly stdin?: Uint8Array | "terminal";
  readonly cluster?: FakeCluster;
  readonly portsInUse?: readonly number[];
  readonly overrides?: Partial<Context>;
};

/** What the fake `exit` throws, since it must not return. */
export class Exit extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

export function world(options: WorldOptions = {}): World {
  const files = new Map(
    Object.entries(options.files ?? {}).map(([path, content]) => [
      normal(path),
      typeof content === "string" ? utf8(content) : content,
    ]),
  );
  const signals = new Map<string, Set<() => void>>();
  const [stdout, stderr] = [recorder(), recorder()];
  const context: Context = {
    args: options.args ?? [],
    env: options.env ?? {},
    version: "1.2.3",
    ports: {
      clock: systemClock(),
      random: systemRandom(),
      hash: nativeHash(),
      ed25519,
      tlsNetwork,
      secureNetwork: { as: () => assert.fail("nothing listens or dials with a key here") },
      disk: memoryDisk(files),
      network: {
        listen: (address) => listen(address.port, options.portsInUse ?? []),
        dial: () => assert.fail("nothing dials here"),
      },
      process: systemProcess,
    },
    fetch: options.cluster?.fetch ?? (() => assert.fail("nothing was to be fetched")),
    tlsFetch: () => assert.fail("nobody was to be trusted"),
    stdin: input(options.stdin ?? new Uint8Array(0)),
    stdout: stdout.output,
    stderr: stderr.output,
    startNode: () => assert.fail("no node was to be started"),
    stateDirectory: undefined,
    readLine: () => assert.fail("a command waits at the terminal"),
    hostname: () => "thishost",
    openLog: (settings) => log(settings, (line) => stderr.output.write(line)),
    onSignal: (name, run) => {
      const listeners = signals.get(name) ?? new Set();
      signals.set(name, listeners.add(run));
      return () => void listeners.delete(run);
    },
    spawn: () => assert.fail("no process was to be started"),
    exit: (code) => {
      throw new Exit(code);
    },
    ...options.overrides,
  };
  return {
    context,
    files,
    stdout: stdout.text,
    stdoutBytes: stdout.bytes,
    stderr: stderr.text,
    untilWritten: (text) => Promise.any([stdout.until(text), stderr.until(text)]),
    raise: (signal) => signals.get(signal)?.forEach((run) => run()),
  };
}

export type Transcript = {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
};

/** Runs one command line to its end. */
export async function keva(
  args: readonly string[],
  options: Omit<WorldOptions, "args"> = {},
): Promise<Transcript> {
  const given = world({ ...options, args });
  const exit = await run(given.context);
  return { exit, stdout: given.stdout(), stderr: given.stderr() };
}

function recorder() {
  const bytes: number[] = [];
  const waiting: { text: string; resolve: () => void }[] = [];
  const text = () => new TextDecoder().decode(Uint8Array.from(bytes));
  return {
    output: {
      isTerminal: false,
      colour: false,
      closed: false,
      write: (data: string | Uint8Array) => {
        for (const byte of typeof data === "string" ? utf8(data) : data) bytes.push(byte);
        for (const { text: wanted, resolve } of waiting) if (text().includes(wanted)) resolve();
      },
    },
    text,
    bytes: () => Uint8Array.from(bytes),
    until: (wanted: string) =>
      new Promise<void>((resolve) => {
        if (text().includes(wanted)) resolve();
        else waiting.push({ text: wanted, resolve });
      }),
  };
}

function input(stdin: Uint8Array | "terminal"): Context["stdin"] {
  return {
    isTerminal: stdin === "terminal",
    read: (sizeBytesMax) => {
      assert.ok(stdin !== "terminal", "a command waits at the terminal");
      return Promise.resolve(stdin.length > sizeBytesMax ? null : stdin);
    },
    async *chunks() {
      assert.ok(stdin !== "terminal", "a command waits at the terminal");
      // In pieces, so that lines are cut.
      for (let at = 0; at < stdin.length; at += 7) {
        yield await Promise.resolve(stdin.slice(at, at + 7));
      }
    },
    ended: () => new Promise(() => {}),
  };
}

/** The real log, with a clock that stands still. */
function log(settings: Parameters<Context["openLog"]>[0], write: (line: string) => void): Log {
  return createLog({ ...settings, colour: false, wallTime: () => 0, write });
}

function listen(port: number, inUse: readonly number[]): Promise<Listener> {
  if (inUse.includes(port)) return Promise.reject(new NetworkError("inUse", "in use"));
  return Promise.resolve({ address: { host: "127.0.0.1", port }, close: () => {} });
}

function normal(path: string): string {
  return path.replace(/^\.\//, "");
}

/** As much of a disk as commands use. */
function memoryDisk(files: Map<string, Uint8Array>): Disk {
  const content = (path: string): Uint8Array => {
    const bytes = files.get(normal(path));
    if (bytes === undefined) throw new DiskError("missing", path, "open", "no such file");
    return bytes;
  };
  const open = (path: string): DiskFile => ({
    path,
    readAt: (offset, buffer) => {
      const part = content(path).subarray(offset, offset + buffer.length);
      buffer.set(part);
      return part.length;
    },
    writeAt: (offset, bytes) => {
      assert.equal(offset, content(path).length);
      files.set(normal(path), Uint8Array.of(...content(path), ...bytes));
    },
    size: () => content(path).length,
    truncate: () => assert.fail(),
    sync: () => Promise.resolve(),
    close: () => {},
  });
  return {
    open: (path, mode) => {
      if (mode === "create" && files.has(normal(path))) {
        throw new DiskError("exists", path, "open", "file exists");
      }
      if (mode === "create") files.set(normal(path), new Uint8Array(0));
      content(path);
      return open(path);
    },
    read: content,
    list: (path) => [...files.keys()].filter((name) => name.startsWith(normal(path))),
    exists: (path) => files.has(normal(path)),
    permissions: (path) => (content(path), { mode: 0o600, isOwn: true }),
    makeDirectory: () => {},
    rename: () => assert.fail(),
    remove: (path) => void files.delete(normal(path)),
    syncDirectory: () => Promise.resolve(),
    lock: () => ok({ release: () => {} }),
    freeBytes: () => 0,
  };
}
