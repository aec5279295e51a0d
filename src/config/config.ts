/**
 * From sources to a checked configuration, in two steps: what holds for the whole cluster, and what
 * holds for the one node that this process is to be.
 */

import { err, ok, printableText, type Result } from "../base/mod.ts";
import { type PublicKey, publicKeyLine } from "../keys/mod.ts";
import { hostAndPort, isLoopback } from "./address.ts";
import {
  HEARTBEATS_PER_WAIT_TIME,
  HEARTBEATS_PER_WAIT_TIME_MIN,
  keysAt,
  type RawConfig,
  schema,
} from "./schema.ts";
import { didYouMean, type Merged, mergeSources, originText, type Problem } from "./source.ts";
import type { Origin, Sources } from "./source.ts";
import { isAuthenticated, openPorts, whatIsMissing } from "./trust.ts";

export type NodeConfig = {
  readonly identity: string;
  /** What the node binds and what the others dial: an IP address or a host name. */
  readonly address: string;
  /** For links between nodes. */
  readonly peerPort: number;
  /** For HTTP. */
  readonly userPort: number;
  readonly electionTimeoutMs: number;
  /** Those of the file; `keys.authorizedKeys` may name more. */
  readonly publicKeys: readonly PublicKey[];
};

/** What holds for every node of the cluster. */
export type ClusterConfig = {
  readonly cluster: { readonly name: string };
  readonly nodes: readonly NodeConfig[];
  readonly insecure: boolean;
  readonly http: {
    /** Names by which clients may ask for a node, beside those that the nodes have. */
    readonly hosts: readonly string[];
  };
  readonly keys: {
    /** Absent: `node.key` in the working directory. */
    readonly privateKey?: string;
    readonly authorizedKeys?: string;
  };
  /** Absent: clients are served without encryption. */
  readonly tls?: TlsConfig;
  /** `authenticated`: clients have to prove who they are. */
  readonly access: {
    readonly clients: "open" | "authenticated";
    /** Files with rules of who may do what. */
    readonly policy: readonly string[];
  };
  readonly timing: { readonly heartbeatIntervalMs: number };
  readonly storage: {
    /** A WAL segment is closed once it is this long. */
    readonly segmentBytes: number;
    /** A snapshot is taken once this much log follows the last one, by bytes or by entries. */
    readonly snapshotBytes: number;
    readonly snapshotEntries: number;
  };
  readonly limits: {
    readonly valueBytesMax: number;
    readonly connectionsMax: number;
    readonly connectionsPerAddressMax: number;
    /** How long a request may take when it names no deadline itself, and the longest it may name. */
    readonly requestTimeoutMs: number;
  };
  readonly log: {
    readonly level: "debug" | "info" | "warn" | "error";
    readonly format: "text" | "json";
  };
};

/** The files, in PEM, by which nodes and clients know each other. */
export type TlsConfig = {
  readonly certificate: string;
  readonly privateKey: string;
  /** Absent: clients are not asked for certificates. */
  readonly clientCa?: string;
  readonly clientCertificates: "optional" | "required";
};

/** Everything that a node needs to know. */
export type Config = ClusterConfig & {
  readonly self: NodeConfig;
  readonly workingDirectory: string;
};

export type LoadedConfig = {
  readonly config: ClusterConfig;
  /** Sentences to be logged at start. */
  readonly warnings: readonly string[];
  /** The value at a path of the file, defaults included, and where it came from. */
  value(path: readonly PropertyKey[]): unknown;
  origin(path: readonly PropertyKey[]): Origin;
};

export function loadConfig(sources: Sources): Result<LoadedConfig, Problem[]> {
  const merged = mergeSources(sources);
  if (!merged.ok) return merged;
  const { values, origin, warnings } = merged.value;
  const parsed = schema.safeParse(values);
  if (!parsed.success) {
    return err(parsed.error.issues.flatMap((issue) => problemsOf(issue, merged.value)));
  }
  const problems = crossChecks(parsed.data, merged.value);
  if (problems.length > 0) return err(problems);
  const config = clusterConfig(parsed.data);
  const derived = { timing: { heartbeat_ms: config.timing.heartbeatIntervalMs } };
  return ok({
    config: deepFreeze(config),
    warnings,
    value: (path) => valueAt(parsed.data, path) ?? valueAt(derived, path),
    origin: (path) => valueAt(values, path) === undefined ? { kind: "default" } : origin(path),
  });
}

/**
 * The configuration of one node of the cluster. Refuses one that others could reach without proving
 * who they are, unless the file says that this is meant.
 */
export function nodeConfig(
  loaded: LoadedConfig,
  choice: { readonly identity: string; readonly workingDirectory?: string | undefined },
): Result<Config, Problem> {
  const { config, origin } = loaded;
  const position = config.nodes.findIndex((node) => node.identity === choice.identity);
  const self = config.nodes[position];
  if (self === undefined) {
    const known = config.nodes.map((node) => node.identity).join(", ");
    return err({
      where: originText(origin(["node"])).replace(/:\d+$/, ""),
      message: `no [[node]] has the identity "${printableText(choice.identity)}"; choose one of ` +
        `these with --node-identity: ${known}`,
    });
  }
  if (!isLoopback(self.address) && !config.insecure && openPorts(config, self) !== null) {
    return err({
      where: originText(origin(["node", position, "address"])),
      message: `${self.identity} would listen on ${self.address}, where everybody who reaches ` +
        `${openPorts(config, self)} could read and change everything; ${whatIsMissing(config)}, ` +
        `use a loopback address, or accept it by setting insecure = true at the top of the file`,
    });
  }
  const workingDirectory = choice.workingDirectory ?? `./keva-data/${directoryName(self.identity)}`;
  return ok(deepFreeze({ ...config, self, workingDirectory }));
}

/** A single file name that is this identity and nothing else, whatever characters it has. */
function directoryName(identity: string): string {
  return encodeURIComponent(identity).replace(/^\.+$/, (dots) => dots.replaceAll(".", "%2E"));
}

function problemsOf(issue: Issue, merged: Merged): Problem[] {
  if (issue.code !== "unrecognized_keys") {
    const where = originText(merged.origin(issue.path));
    const message = issue.code === "invalid_type" && isTable(issue)
      ? "must be a table"
      : issue.message;
    return [{ where, message: `${fieldName(issue.path)} ${message}` }];
  }
  return issue.keys.map((key) => {
    const path = [...issue.path, key];
    return {
      where: originText(merged.origin(path)),
      message: `unknown key ${printableText(fieldName(path))}${
        didYouMean(key, keysAt(issue.path)) || `; known here: ${keysAt(issue.path).join(", ")}`
      }`,
    };
  });
}

type Issue = NonNullable<ReturnType<typeof schema.safeParse>["error"]>["issues"][number];

/** Tables have no error text of their own. */
function isTable(issue: Issue): boolean {
  return issue.code === "invalid_type" && issue.expected === "object";
}

/** `limits.value_bytes_max`; positions in lists are left out, since the line says which. */
function fieldName(path: readonly PropertyKey[]): string {
  return path.filter((part) => typeof part !== "number").join(".");
}

function crossChecks(raw: RawConfig, merged: Merged): Problem[] {
  const problems: Problem[] = [];
  const at = (...path: PropertyKey[]): string => originText(merged.origin(path));
  const identities = new Map<string, number>();
  const endpoints = new Map<string, string>();
  const keys = new Map<string, string>();
  raw.node.forEach((node, position) => {
    const first = identities.get(node.identity);
    if (first !== undefined) {
      problems.push({
        where: at("node", position, "identity"),
        message: `node.identity "${node.identity}" is taken: see ${at("node", first, "identity")}`,
      });
    }
    identities.set(node.identity, first ?? position);
    node.public_key?.forEach((key, rank) => {
      const where = at("node", position, "public_key", rank);
      const text = publicKeyLine({ ...key, comment: "" });
      const other = keys.get(text);
      if (other !== undefined) {
        problems.push({ where, message: `node.public_key is taken: see ${other}` });
      }
      keys.set(text, other ?? where);
    });
    for (const key of ["keva_port", "user_port"] as const) {
      const endpoint = hostAndPort(node.address.toLowerCase(), node[key]);
      const where = at("node", position, key);
      const other = endpoints.get(endpoint);
      if (other !== undefined) {
        problems.push({ where, message: `node.${key} ${endpoint} is taken: see ${other}` });
      }
      endpoints.set(endpoint, other ?? `${key} in ${where}`);
    }
  });
  problems.push(...tlsProblems(raw, at));
  if (raw.access.policy.length > 0 && !isAuthenticated(clusterConfig(raw))) {
    problems.push({
      where: at("access", "policy"),
      message: "access.policy would shut everybody out, since nobody has to say who he is; it " +
        'needs access.clients = "authenticated"',
    });
  }
  const heartbeatMsMax = Math.floor(shortestWaitMs(raw) / HEARTBEATS_PER_WAIT_TIME_MIN);
  if ((raw.timing.heartbeat_ms ?? 0) > heartbeatMsMax) {
    problems.push({
      where: at("timing", "heartbeat_ms"),
      message:
        `timing.heartbeat_ms must be at most ${heartbeatMsMax} milliseconds, a third of the ` +
        `shortest wait_time, not ${raw.timing.heartbeat_ms}`,
    });
  }
  return problems;
}

/** Half of what TLS takes would be no TLS, and nobody would notice. */
function tlsProblems({ tls }: RawConfig, at: (...path: PropertyKey[]) => string): Problem[] {
  const needs = (key: keyof typeof tls, other: keyof typeof tls): Problem => ({
    where: at("tls", key),
    message: `tls.${key} has no effect without tls.${other}, which is missing`,
  });
  if (tls.certificate !== undefined && tls.private_key === undefined) {
    return [needs("certificate", "private_key")];
  }
  if (tls.private_key !== undefined && tls.certificate === undefined) {
    return [needs("private_key", "certificate")];
  }
  if (tls.client_ca !== undefined && tls.certificate === undefined) {
    return [needs("client_ca", "certificate")];
  }
  return tls.client_certificates === "required" && tls.client_ca === undefined
    ? [needs("client_certificates", "client_ca")]
    : [];
}

function tlsConfig({ tls }: RawConfig): TlsConfig | undefined {
  const { certificate, private_key, client_ca, client_certificates } = tls;
  if (certificate === undefined || private_key === undefined) return undefined;
  return {
    certificate,
    privateKey: private_key,
    ...client_ca !== undefined && { clientCa: client_ca },
    clientCertificates: client_certificates,
  };
}

function clusterConfig(raw: RawConfig): ClusterConfig {
  const tls = tlsConfig(raw);
  return {
    cluster: raw.cluster,
    nodes: raw.node.map((node) => ({
      identity: node.identity,
      address: node.address,
      peerPort: node.keva_port,
      userPort: node.user_port,
      electionTimeoutMs: node.wait_time,
      publicKeys: node.public_key ?? [],
    })),
    insecure: raw.insecure,
    http: raw.http,
    keys: {
      ...(raw.keys.private_key !== undefined && { privateKey: raw.keys.private_key }),
      ...(raw.keys.authorized_keys !== undefined && { authorizedKeys: raw.keys.authorized_keys }),
    },
    ...tls !== undefined && { tls },
    access: raw.access,
    timing: {
      heartbeatIntervalMs: raw.timing.heartbeat_ms ??
        Math.round(shortestWaitMs(raw) / HEARTBEATS_PER_WAIT_TIME),
    },
    storage: {
      segmentBytes: raw.storage.segment_bytes,
      snapshotBytes: raw.storage.snapshot_bytes,
      snapshotEntries: raw.storage.snapshot_entries,
    },
    limits: {
      valueBytesMax: raw.limits.value_bytes_max,
      connectionsMax: raw.limits.connections_max,
      connectionsPerAddressMax: raw.limits.connections_per_address_max,
      requestTimeoutMs: raw.limits.request_timeout_ms,
    },
    log: raw.log,
  };
}

/** The leader's heartbeats must reach the least patient node in time. */
function shortestWaitMs(raw: RawConfig): number {
  return Math.min(...raw.node.map((node) => node.wait_time));
}

function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  let at = tree;
  for (const part of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  return at;
}

function deepFreeze<T>(value: T): T {
  const isPlain = typeof value === "object" && value !== null && !ArrayBuffer.isView(value);
  if (isPlain && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
