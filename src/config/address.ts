/**
 * Addresses as they stand in a configuration: an IP address or a host name, never with a port.
 */

import * as z from "zod";

const ipv4 = z.ipv4();
const ipv6 = z.ipv6();
const hostname = z.hostname();

/** The address without the brackets that IPv6 carries in URLs, or null when it is none. */
export function parseHost(text: string): string | null {
  const bare = /^\[(?<inside>.*)\]$/.exec(text)?.groups?.["inside"];
  if (bare !== undefined) return ipv6.safeParse(bare).success ? bare : null;
  // Digits and dots are meant as an IPv4 address: a mistyped one must not become a host name.
  if (/^[\d.]+$/.test(text)) return ipv4.safeParse(text).success ? text : null;
  const isHost = ipv6.safeParse(text).success || hostname.safeParse(text).success;
  return isHost && text.length <= 253 ? text : null;
}

/**
 * Whether only this machine can reach the address. A name counts only when it is reserved for
 * loopback (RFC 6761): what any other resolves to can change after the check.
 */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === "localhost" || name.endsWith(".localhost") || name === "::1" ||
    name === "0:0:0:0:0:0:0:1" || (name.startsWith("127.") && ipv4.safeParse(name).success);
}

/** `host:port` as in a URL. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
