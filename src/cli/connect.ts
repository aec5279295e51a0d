/**
 * Which nodes a client command asks.
 */

import { KevaClient, parseEndpoints, PORT_STANDARD } from "../client/mod.ts";
import { hostAndPort } from "../config/mod.ts";
import { CONFIG_FILE, configPath, readConfig } from "./config_file.ts";
import type { Context } from "./context.ts";
import { DEV_CONFIG_FILE } from "./dev_config.ts";
import { usageError } from "./error.ts";
import { givenToken, type TokenOptions } from "./token_source.ts";

export type ConnectOptions = TokenOptions & {
  readonly endpoints?: string | undefined;
  /** Seconds. */
  readonly timeout: number;
};

export function connect(context: Context, options: ConnectOptions): KevaClient {
  const token = givenToken(context, options);
  return new KevaClient({
    endpoints: endpoints(context, options.endpoints),
    timeoutMs: options.timeout * 1000,
    fetch: context.fetch,
    discover: false, // a command asks too little for it to be worth the while
    ...token && { token: token.reveal() },
  });
}

/** A client for each node by itself, for what every node has to say or do. */
export function connectEach(
  context: Context,
  options: ConnectOptions,
): { readonly endpoint: string; readonly client: KevaClient }[] {
  return endpoints(context, options.endpoints).map((endpoint) => ({
    endpoint,
    client: connect(context, { ...options, endpoints: endpoint }),
  }));
}

/** In order: the flag, the variable, the configuration here, a `keva dev` here, the standard. */
function endpoints(context: Context, flag: string | undefined): string[] {
  const given = flag ?? context.env["KEVA_ENDPOINTS"];
  if (given !== undefined) {
    const parsed = parseEndpoints(given);
    const source = flag === undefined ? "KEVA_ENDPOINTS" : "--endpoints";
    if (!parsed.ok) throw usageError(`${source}: ${parsed.error}`);
    return parsed.value.map(({ host, port }) => `${host}:${port}`); // IPv6 has its brackets
  }
  const isNamed = configPath(context, {}) !== CONFIG_FILE;
  for (const configFile of [configPath(context, {}), DEV_CONFIG_FILE]) {
    if (!isNamed && !context.ports.disk.exists(configFile)) continue;
    const { nodes } = readConfig(context, { configFile }).config;
    return nodes.map(({ address, userPort }) => hostAndPort(address, userPort));
  }
  return [`localhost:${PORT_STANDARD}`];
}
