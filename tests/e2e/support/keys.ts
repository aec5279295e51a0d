/** Clusters whose nodes know each other by keys. */

import type { Cluster } from "./cluster.ts";
import { textOf } from "./kv.ts";

/** In front of the tables of the nodes. */
export const KEYED = '[keys]\nauthorized_keys = "authorized.keys"\n';

/** A new key in `directory`, and the line by which others know it. */
export async function keygen(cluster: Cluster, directory: string, node: string): Promise<string> {
  const args = ["keygen", "--out", directory, "--comment", node];
  const { code, stdout, stderr } = await cluster.keva(args);
  if (code !== 0) throw new Error(`no key for ${node}: ${stderr}`);
  return textOf(stdout).trim();
}

/** Replaces the list as a whole, so that no node reads half of it. */
export function authorise(cluster: Cluster, lines: readonly string[]): void {
  const next = `${cluster.directory}/next.keys`;
  Deno.writeTextFileSync(next, `${lines.join("\n")}\n`);
  Deno.renameSync(next, `${cluster.directory}/authorized.keys`);
}

/** A key for each node in its data directory, known to all; by the nodes' names. */
export async function keysFor(cluster: Cluster): Promise<Map<string, string>> {
  const lines = new Map<string, string>();
  for (const { name, data } of cluster.nodes) lines.set(name, await keygen(cluster, data, name));
  authorise(cluster, [...lines.values()]);
  return lines;
}
