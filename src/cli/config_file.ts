/**
 * Reads the configuration that a command works with.
 */

import { DiskError, fromUtf8 } from "../base/mod.ts";
import {
  type Config,
  type DkvStart,
  dkvStart,
  loadConfig,
  type LoadedConfig,
  nodeConfig,
  problemText,
} from "../config/mod.ts";
import type { Context } from "./context.ts";
import { CommandError } from "./error.ts";

export const CONFIG_FILE = "keva.toml";
const CONFIG_BYTES_MAX = 1024 * 1024;

export type ConfigChoice = {
  readonly configFile?: string | undefined;
  readonly set?: readonly string[];
};

/** The configuration of the cluster, or a {@link CommandError} with a line for each problem. */
export function readConfig(context: Context, choice: ConfigChoice): LoadedConfig {
  const path = configPath(context, choice);
  const file = dkv(context, choice)?.file ?? { path, text: readText(context, path) };
  const loaded = loadConfig({ file, env: context.env, set: choice.set ?? [] });
  if (!loaded.ok) throw new CommandError(loaded.error.map(problemText).join("\n"));
  return loaded.value;
}

export function configPath(context: Context, choice: ConfigChoice): string {
  return choice.configFile ?? context.env["KEVA_CONFIG_FILE"] ?? CONFIG_FILE;
}

export type NodeChoice = {
  readonly nodeIdentity?: string | undefined;
  readonly workingDirectory?: string | undefined;
};

/** The configuration of the node that this process is to be. */
export function chooseNode(
  context: Context,
  loaded: LoadedConfig,
  choice: ConfigChoice & NodeChoice,
): Config {
  const { KEVA_NODE_IDENTITY, KEVA_WORKING_DIRECTORY } = context.env;
  const old = dkv(context, choice);
  const config = nodeConfig(loaded, {
    identity: choice.nodeIdentity ?? KEVA_NODE_IDENTITY ?? old?.identity ?? context.hostname(),
    workingDirectory: choice.workingDirectory ?? KEVA_WORKING_DIRECTORY ?? old?.workingDirectory,
  });
  if (!config.ok) throw new CommandError(problemText(config.error));
  return config.value;
}

/** Where nothing names a file, dkv's variables are a configuration of their own. */
function dkv(context: Context, choice: ConfigChoice): DkvStart | null {
  if ((choice.configFile ?? context.env["KEVA_CONFIG_FILE"]) !== undefined) return null;
  const start = dkvStart(context.env);
  if (!start.ok) throw new CommandError(problemText(start.error));
  return start.value;
}

function readText(context: Context, path: string): string {
  const text = fromUtf8(readFile(context, path));
  if (!text.ok) throw new CommandError(`${path}: it is not UTF-8 text, as TOML must be`);
  return text.value;
}

function readFile(context: Context, path: string): Uint8Array {
  try {
    return context.ports.disk.read(path, CONFIG_BYTES_MAX);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    const cure = error.code === "missing"
      ? "there is no such file; name one with --config-file, or copy keva.toml.example and adapt it"
      : `it cannot be read: ${error.reason}`;
    throw new CommandError(`${path}: ${cure}`);
  }
}
