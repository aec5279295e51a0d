/**
 * Everything that a command needs from the world around it, so that tests can give it another one.
 */

import type {
  Address,
  Ed25519,
  Log,
  Result,
  SecureNetwork,
  TlsNetwork,
  TlsTrust,
} from "../base/mod.ts";
import type { Fetch } from "../client/mod.ts";
import type { Config } from "../config/mod.ts";
import type { Ports as NodePorts, StartError } from "../node/mod.ts";
import type { NodeKeys } from "../service/mod.ts";
import type { TlsInFiles } from "./tls_files.ts";

export type Ports = Omit<NodePorts, "log"> & {
  readonly ed25519: Ed25519;
  readonly secureNetwork: SecureNetwork;
  readonly tlsNetwork: TlsNetwork;
};

export type Output = {
  readonly isTerminal: boolean;
  /** Whether escape sequences for colour are welcome. */
  readonly colour: boolean;
  /** Whether a write has met a reader that is gone: what is written from then on reaches nobody. */
  readonly closed: boolean;
  write(data: string | Uint8Array): void;
};

export type Input = {
  readonly isTerminal: boolean;
  /** All of it, or null when it is longer than `sizeBytesMax`. */
  read(sizeBytesMax: number): Promise<Uint8Array | null>;
  /** All of it, as it comes. */
  chunks(): AsyncIterable<Uint8Array>;
  ended(): Promise<void>;
};

export type LineRequest = {
  readonly prompt: string;
  /** Lines of before, the latest first. */
  readonly history: readonly string[];
  /** What the word that is being typed can become, with the words that stand before it. */
  complete(word: string, before: readonly string[]): string[];
};

export type Child = {
  readonly pid: number;
  readonly done: Promise<{ readonly code: number; readonly signal: string | null }>;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
};

export type LogSettings = {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly format: "text" | "json";
};

export type StartOptions = {
  readonly config: Config;
  readonly ports: Ports;
  readonly log: Log;
  readonly keys?: NodeKeys | undefined;
  readonly tls?: TlsInFiles | undefined;
};

export type RunningNode = {
  /** Where its clients and where the other nodes reach it. */
  readonly userAddress: Address;
  readonly peerAddress: Address;
  /** Resolves with the reason when the node ends by itself. */
  readonly done: Promise<string>;
  /**
   * Reads the keys of nodes, the certificate for clients and the policy anew, where there are any;
   * what is wrong with them is logged.
   */
  reload(): void;
  /** Hands over leadership, answers what is in flight, and closes. */
  stop(): Promise<void>;
};

export type StartNode = (options: StartOptions) => Promise<Result<RunningNode, StartError>>;

export type Context = {
  readonly args: readonly string[];
  /** The variables whose names start with `KEVA_`, and with `DKV_`, which dkv is started by. */
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
  readonly ports: Ports;
  readonly fetch: Fetch;
  /** The same for who trusts these authorities; or what is wrong with what is given. */
  tlsFetch(trust: TlsTrust): Result<Fetch, string>;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly startNode: StartNode;
  /** Where this program may keep what it remembers of its user; undefined where that is unknown. */
  readonly stateDirectory: string | undefined;
  /** The next line that somebody types at the terminal: empty after Ctrl-C, null at the end. */
  readonly readLine: (request: LineRequest) => Promise<string | null>;
  hostname(): string;
  /** A log on standard error. */
  openLog(settings: LogSettings): Log;
  /** Calls `run` for each such signal until the returned function is called. */
  onSignal(name: "SIGINT" | "SIGTERM" | "SIGHUP", run: () => void): () => void;
  /** Starts this same program with other arguments; `line` gets each line that it writes. */
  spawn(
    options: { readonly args: readonly string[]; readonly line: (text: string) => void },
  ): Child;
  exit(code: number): never;
};
