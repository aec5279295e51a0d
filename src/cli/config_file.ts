/**
 * Reads the configuration that a command works with.
 */

import { DiskError, fromUtf8 } from "../base/mod.ts";
import {
  type Config,
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
  const file = { path, text: readText(context, path) };
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
export function chooseNode(context: Context, loaded: LoadedConfig, choice: NodeChoice): Config {
  const config = nodeConfig(loaded, {
    identity: choice.nodeIdentity ?? context.env["KEVA_NODE_IDENTITY"] ?? context.hostname(),
    workingDirectory: choice.workingDirectory ?? context.env["KEVA_WORKING_DIRECTORY"],
  });
  if (!config.ok) throw new CommandError(problemText(config.error));
  return config.value;
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
