/**
 * Where a node listens for clients, as people write it.
 */

import { err, ok, printableText, type Result } from "../base/mod.ts";

export type Scheme = "http" | "https";

export type Endpoint = { readonly scheme: Scheme; readonly host: string; readonly port: number };

/** The first Keva's port for users. */
export const PORT_STANDARD = 380;

/** `host`, `host:port`, `[::1]:port`, or any of them behind `http://` or `https://`. */
export function parseEndpoint(text: string, scheme: Scheme = "http"): Result<Endpoint, string> {
  const refused = err(
    `"${printableText(text)}" is not an endpoint; write host:port, as in localhost:380`,
  );
  const bare = text.trim().replace(/\/$/, "");
  const parts =
    /^(?:(?<scheme>https?):\/\/)?(?<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?<port>\d{1,5}))?$/
      .exec(bare);
  const port = Number(parts?.groups?.["port"] ?? PORT_STANDARD);
  if (parts?.groups === undefined || port < 1 || port > 65_535) return refused;
  const { host, scheme: given = scheme } = parts.groups as { host: string; scheme?: Scheme };
  return ok({ scheme: given, host, port });
}

export function textOf({ host, port }: Endpoint): string {
  return `${host}:${port}`;
}

export function urlOf(endpoint: Endpoint): string {
  return `${endpoint.scheme}://${textOf(endpoint)}`;
}

/** Endpoints separated by commas. */
export function parseEndpoints(text: string, scheme: Scheme): Result<Endpoint[], string> {
  const all: Endpoint[] = [];
  for (const part of text.split(",")) {
    const endpoint = parseEndpoint(part, scheme);
    if (!endpoint.ok) return endpoint;
    all.push(endpoint.value);
  }
  return ok(all);
}
