/**
 * Whom a node believes, and what it has to say about that.
 */

import { hostAndPort, isLoopback } from "./address.ts";
import type { ClusterConfig, Config, NodeConfig } from "./config.ts";

/** Whether nodes know each other by keys. */
export function isKeyed({ nodes, keys }: ClusterConfig): boolean {
  return keys.authorizedKeys !== undefined || nodes.some(({ publicKeys }) => publicKeys.length > 0);
}

/** Whether clients have to prove who they are. */
export function isAuthenticated({ access, tls }: ClusterConfig): boolean {
  return access.clients === "authenticated" || tls?.clientCertificates === "required";
}

/** What a start has to say about whom the node believes, a sentence each. */
export function trustWarnings(config: Config): string[] {
  const { self } = config;
  const open = openPorts(config, self);
  if (!isLoopback(self.address)) {
    if (open === null) return config.tls === undefined ? [clearTextWarning(self)] : [];
    return [`insecure = true: everybody who reaches ${open} can read and change everything`];
  }
  const unproven = [
    ...isKeyed(config) ? [] : ["links between nodes"],
    ...isAuthenticated(config) ? [] : ["clients"],
  ];
  if (unproven.length === 0) return [];
  return [`${unproven.join(" and ")} are not authenticated; only this machine can reach them`];
}

function clearTextWarning({ address, userPort }: NodeConfig): string {
  return `clients send their tokens to ${hostAndPort(address, userPort)} in clear: whoever can ` +
    `listen on the way can use them`;
}

/** Where nobody has to prove anything, or null. */
export function openPorts(
  config: ClusterConfig,
  { address, userPort, peerPort }: NodeConfig,
): string | null {
  const user = hostAndPort(address, userPort);
  if (isKeyed(config)) return isAuthenticated(config) ? null : user;
  return isAuthenticated(config) ? hostAndPort(address, peerPort) : `${user} or port ${peerPort}`;
}

export function whatIsMissing(config: ClusterConfig): string {
  const cures = [
    ...isKeyed(config) ? [] : ["give the nodes keys (keva keygen)"],
    ...isAuthenticated(config) ? [] : ['set access.clients = "authenticated"'],
  ];
  return cures.join(" and ");
}
