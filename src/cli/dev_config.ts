/**
 * The configuration of a cluster that `keva dev` runs: written once beside its data, then reused.
 */

import { DiskError, utf8 } from "../base/mod.ts";
import { type ClusterConfig, originText } from "../config/mod.ts";
import { CONFIG_FILE, readConfig } from "./config_file.ts";
import type { Context } from "./context.ts";
import { CommandError } from "./error.ts";

export const DEV_DATA = "./keva-data";
export const DEV_CONFIG_FILE = `${DEV_DATA}/${CONFIG_FILE}`;

const NODES_STANDARD = 3;
const PORT_STANDARD = 3801;
/** Peer ports follow the user ports at this distance. */
const PEER_PORT_OFFSET = 10;

export type DevOptions = {
  readonly nodes?: number | undefined;
  readonly port?: number | undefined;
  readonly data: string;
};

export type DevCluster = { readonly configFile: string; readonly config: ClusterConfig };

/** The cluster in the data directory, or a new one when there is none. */
export function prepareDevCluster(context: Context, options: DevOptions): DevCluster {
  const configFile = `${options.data}/${CONFIG_FILE}`;
  const isNew = !context.ports.disk.exists(configFile);
  const nodes = isNew ? options.nodes ?? NODES_STANDARD : existingNodes(context, configFile);
  if (options.nodes !== undefined && options.nodes !== nodes) {
    throw new CommandError(
      `${options.data} holds a cluster of ${nodes}, not of ${options.nodes}; leave --nodes out, ` +
        `remove that directory, or keep the new cluster elsewhere with --data`,
    );
  }
  if (isNew || options.port !== undefined) {
    write(context, options.data, devConfig(nodes, options.port ?? PORT_STANDARD));
  }
  const loaded = readConfig(context, { configFile });
  if (loaded.config.tls !== undefined) {
    throw new CommandError(
      `a cluster of "keva dev" does without TLS, which only this machine could see: leave out ` +
        `tls.certificate and tls.private_key (${
          originText(loaded.origin(["tls", "certificate"]))
        })`,
    );
  }
  return { configFile, config: loaded.config };
}

function devConfig(nodes: number, port: number): string {
  let text =
    "# Written by keva dev. Settings may be added here; keva.toml.example explains them.\n";
  for (let i = 0; i < nodes; i++) {
    text += `
[[node]]
identity = "host${i + 1}"
address = "127.0.0.1"
keva_port = "${port + PEER_PORT_OFFSET + i}"
user_port = "${port + i}"
wait_time = "1"
`;
  }
  return text;
}

/** Read without the environment's overrides of it: only the number of nodes matters here. */
function existingNodes(context: Context, configFile: string): number {
  return readConfig(context, { configFile }).config.nodes.length;
}

function write(context: Context, data: string, text: string): void {
  const { disk } = context.ports;
  const path = `${data}/${CONFIG_FILE}`;
  try {
    disk.makeDirectory(data);
    disk.remove(path);
    const file = disk.open(path, "create");
    try {
      file.writeAt(0, utf8(text));
    } finally {
      file.close();
    }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    throw new CommandError(`cannot write ${path}: ${error.reason}; choose a directory with --data`);
  }
}
