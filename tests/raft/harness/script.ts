/**
 * A script: what it shows and why, commands, a line `---`, and the transcript it must give.
 */

import { limits } from "../../../src/base/mod.ts";
import type { Cluster } from "./cluster.ts";
import { COMMANDS, startCluster } from "./commands.ts";
import { Words } from "./words.ts";

const SEPARATOR = "\n---\n";

export type Script = { readonly source: string; readonly expected: string };

export function parseScript(text: string): Script {
  const at = text.indexOf(SEPARATOR);
  if (at < 0) return { source: text.trimEnd(), expected: "" };
  return { source: text.slice(0, at), expected: text.slice(at + SEPARATOR.length) };
}

export function formatScript({ source, expected }: Script): string {
  return source + SEPARATOR + expected;
}

/** Why a script could not be run to its end, with all that happened until then. */
export class ScriptError extends Error {
  override readonly name = "ScriptError";
}

/** The transcript of the commands in `source`. */
export function runScript(source: string): string {
  const lines: string[] = [];
  const before = { ...limits };
  let cluster: Cluster | null = null;
  try {
    for (const [at, line] of source.split("\n").entries()) {
      const command = line.trim();
      if (command === "" || command.startsWith("#")) continue;
      lines.push(`> ${command}`);
      try {
        cluster = runCommand(cluster, command);
      } catch (error) {
        if (cluster) lines.push(...cluster.transcript);
        const reason = error instanceof Error ? error.message : String(error);
        const story = lines.join("\n");
        throw new ScriptError(`line ${at + 1}: ${command}\n${reason}\n${story}`, { cause: error });
      }
      lines.push(...cluster.transcript);
      cluster.transcript = [];
    }
  } finally {
    Object.assign(limits, before);
  }
  return lines.map((line) => `${line}\n`).join("");
}

function runCommand(cluster: Cluster | null, line: string): Cluster {
  const [name = "", ...rest] = line.split(/\s+/);
  const words = new Words(rest);
  if (name === "cluster") {
    if (cluster) throw new Error("a script has one cluster");
    return startCluster(words);
  }
  if (!cluster) throw new Error("a script begins with cluster");
  const command = COMMANDS[name];
  if (!command) throw new Error(`no such command: ${name}`);
  command(cluster, words);
  words.end();
  return cluster;
}
