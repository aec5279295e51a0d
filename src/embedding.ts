/**
 * What a node inside another program is started with.
 */

import type { Log, Network, Result } from "./base/mod.ts";
import {
  type Config,
  isKeyed,
  loadConfig,
  nodeConfig,
  type Problem,
  problemText,
  trustWarnings,
} from "./config/mod.ts";
import type { KevaNodeOptions } from "./keva_node.ts";
import { MemoryNetwork } from "./memory/mod.ts";
import { realPorts } from "./platform/mod.ts";

export type OpenOptions = {
  /** Where the node keeps its data; created when it is missing. */
  readonly directory: string;
  /** Absent: nothing is logged. */
  readonly log?: Log;
} & (Alone | OneOfMany);

/** A node that is its whole cluster, and talks to no other. */
type Alone = {
  /** Serve HTTP at this port of 127.0.0.1. Absent: only this program reaches the node. */
  readonly port?: number;
  readonly config?: never;
};

/** A node of the cluster that a configuration describes. */
type OneOfMany = {
  /** The text of `keva.toml`. */
  readonly config: string;
  /** Which `[[node]]` of it to be. */
  readonly identity: string;
  /** Serve HTTP at its `user_port`. Absent: true. */
  readonly http?: boolean;
};

/** Of a node alone, whose links and clients have a network of their own unless it has a `port`. */
const ALONE = { identity: "keva", address: "127.0.0.1", peerPort: 1, userPort: 2 };

/** Throws with the reason where there can be no such node. */
export function embeddedOptions(options: OpenOptions): KevaNodeOptions {
  const ports = realPorts();
  const log = options.log ?? silence;
  if (options.config === undefined) {
    const { port, directory } = options;
    const text = configText([{ ...ALONE, userPort: port ?? ALONE.userPort }]);
    const config = readConfig(text, { identity: ALONE.identity, workingDirectory: directory });
    const inside = new MemoryNetwork(ports.clock).at(ALONE.address);
    // Clients may come from outside; for its links there is nobody.
    const listen: Network["listen"] = (address, accept) =>
      address.port === ALONE.peerPort
        ? inside.listen(address, accept)
        : ports.network.listen(address, accept);
    const network = { ...inside, listen };
    return { config, ports: { ...ports, network }, log, http: port !== undefined };
  }
  const { identity, directory, http = true } = options;
  const config = readConfig(options.config, { identity, workingDirectory: directory });
  if (isKeyed(config) || config.tls !== undefined) {
    throw new Error("a node that has keys or a certificate is started with KevaNode.start()");
  }
  for (const warning of trustWarnings(config)) log.warn(warning);
  return { config, ports, log, http };
}

type Place = typeof ALONE;

/** A configuration for nodes that trust each other. */
export function configText(nodes: readonly Place[], settings = ""): string {
  const tables = nodes.map(({ identity, address, peerPort, userPort }) =>
    `[[node]]\nidentity = "${identity}"\naddress = "${address}"\nkeva_port = ${peerPort}\n` +
    `user_port = ${userPort}\nwait_time = 0.2\n`
  );
  return [settings, ...tables].join("\n");
}

export function readConfig(
  text: string,
  choice: { readonly identity: string; readonly workingDirectory: string },
): Config {
  const loaded = loadConfig({ file: { path: "config", text }, env: {}, set: [] });
  const config = nodeConfig(orThrow(loaded), choice);
  return orThrow(config);
}

function orThrow<T>(result: Result<T, Problem | Problem[]>): T {
  if (result.ok) return result.value;
  throw new Error([result.error].flat().map(problemText).join("\n"));
}

/** A log that nobody reads. */
export const silence: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silence,
};
