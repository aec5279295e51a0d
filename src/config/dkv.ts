/**
 * A cluster that was started by dkv's environment variables, as a configuration of Keva.
 *
 * dkv tells a node the addresses for links of all nodes, but the port for clients only of itself.
 * That of the others is taken to be the next one, as in dkv's own examples; Keva only tells it to
 * clients that ask where the leader is.
 */

import { err, ok, printableText, type Result } from "../base/mod.ts";
import type { Problem } from "./source.ts";

export type DkvStart = {
  readonly file: { readonly path: string; readonly text: string };
  readonly identity: string;
  readonly workingDirectory?: string | undefined;
};

type Variables = Readonly<Record<string, string>>;
type Member = { readonly identity: string; readonly address: string; readonly port: number };

const MEMBER = /^([^@]+)@(?:\[(.+)\]|([^:]+)):(\d{1,5})$/;
const LEVELS: Readonly<Record<string, string>> = {
  trace: "debug",
  debug: "debug",
  info: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
  fatal: "error",
  panic: "error",
};

/** Null where the environment says nothing of dkv. */
export function dkvStart(env: Variables): Result<DkvStart | null, Problem> {
  const { DKV_CLUSTER, DKV_NODE_ID, DKV_REST_PORT, DKV_RPC_PORT, DKV_DB_PATH } = env;
  if (DKV_CLUSTER === undefined) return ok(null);
  const members: Member[] = [];
  for (const text of DKV_CLUSTER.split(",")) {
    const member = memberOf(text.trim());
    if (member === null) {
      const found = printableText(text.trim());
      return wrong("DKV_CLUSTER", `"${found}" is not ID@HOST:PORT, as in a@127.0.0.1:7070`);
    }
    members.push(member);
  }
  const self = members.find(({ identity }) => identity === DKV_NODE_ID);
  if (self === undefined) {
    const known = members.map(({ identity }) => identity).join(", ");
    return wrong("DKV_NODE_ID", `must be one of those in DKV_CLUSTER: ${known}`);
  }
  if (DKV_RPC_PORT !== undefined && DKV_RPC_PORT !== `${self.port}`) {
    return wrong("DKV_RPC_PORT", `must be ${self.port}, as DKV_CLUSTER says of ${self.identity}`);
  }
  if (DKV_REST_PORT !== undefined && !/^\d{1,5}$/.test(DKV_REST_PORT)) {
    return wrong("DKV_REST_PORT", "must be a port number");
  }
  const level = LEVELS[(env["DKV_LOG_LEVEL"] ?? "info").toLowerCase()];
  if (level === undefined) return wrong("DKV_LOG_LEVEL", "must be debug, info, warn or error");
  const nodes = members.map((member) => {
    const own = member === self ? DKV_REST_PORT : undefined;
    return nodeTable(member, own ?? `${member.port + 1}`);
  });
  const text = `node = [${nodes.join(", ")}]\nlog = { level = "${level}" }\n`;
  const file = { path: "DKV_CLUSTER", text };
  return ok({ file, identity: self.identity, workingDirectory: DKV_DB_PATH });
}

function memberOf(text: string): Member | null {
  const parts = MEMBER.exec(text);
  if (parts === null) return null;
  const [, identity = "", ipv6, host, port] = parts;
  return { identity, address: ipv6 ?? host ?? "", port: Number(port) };
}

/** A JSON string is a string of TOML too. */
function nodeTable({ identity, address, port }: Member, userPort: string): string {
  return `{ identity = ${JSON.stringify(identity)}, address = ${JSON.stringify(address)}, ` +
    `keva_port = ${port}, user_port = ${userPort} }`;
}

function wrong(where: string, message: string): Result<never, Problem> {
  return err({ where, message });
}
