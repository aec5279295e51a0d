/**
 * Which nodes a client command asks.
 */

import { KevaClient, parseEndpoints, PORT_STANDARD, urlOf } from "../client/mod.ts";
import { hostAndPort } from "../config/mod.ts";
import { CONFIG_FILE, configPath, readConfig } from "./config_file.ts";
import type { Context } from "./context.ts";
import { DEV_CONFIG_FILE } from "./dev_config.ts";
import { usageError } from "./error.ts";
import { givenToken, type TokenOptions } from "./token_source.ts";
import { givenTrust, type TrustOptions } from "./trust_source.ts";

export type ConnectOptions = TokenOptions & TrustOptions & {
  readonly endpoints?: string | undefined;
  /** Seconds. */
  readonly timeout: number;
};

export function connect(context: Context, options: ConnectOptions): KevaClient {
  return clientOf(context, options, endpoints(context, options));
}

/** A client for each node by itself, for what every node has to say or do. */
export function connectEach(
  context: Context,
  options: ConnectOptions,
): { readonly endpoint: string; readonly client: KevaClient }[] {
  return endpoints(context, options).map((url) => ({
    endpoint: url.replace(/^http:\/\//, ""),
    client: clientOf(context, options, [url]),
  }));
}

function clientOf(context: Context, options: ConnectOptions, endpoints: string[]): KevaClient {
  const token = givenToken(context, options);
  return new KevaClient({
    endpoints,
    timeoutMs: options.timeout * 1000,
    fetch: givenTrust(context, options) ?? context.fetch,
    discover: false, // a command asks too little for it to be worth the while
    ...token && { token: token.reveal() },
  });
}

/**
 * As URLs. In order: the flag, the variable, the configuration here, a `keva dev` here, the
 * standard.
 */
function endpoints(context: Context, options: ConnectOptions): string[] {
  const given = options.endpoints ?? context.env["KEVA_ENDPOINTS"];
  // Who names an authority does not mean to send anything in clear.
  const isTrusting = (options.cacert ?? context.env["KEVA_CACERT"]) !== undefined;
  const scheme = isTrusting ? "https" : "http";
  if (given !== undefined) {
    const parsed = parseEndpoints(given, scheme);
    const source = options.endpoints === undefined ? "KEVA_ENDPOINTS" : "--endpoints";
    if (!parsed.ok) throw usageError(`${source}: ${parsed.error}`);
    return parsed.value.map(urlOf);
  }
  const isNamed = configPath(context, {}) !== CONFIG_FILE;
  for (const configFile of [configPath(context, {}), DEV_CONFIG_FILE]) {
    if (!isNamed && !context.ports.disk.exists(configFile)) continue;
    const { nodes, tls } = readConfig(context, { configFile }).config;
    const scheme = tls === undefined ? "http" : "https";
    return nodes.map(({ address, userPort }) => `${scheme}://${hostAndPort(address, userPort)}`);
  }
  return [`${scheme}://localhost:${PORT_STANDARD}`];
}
