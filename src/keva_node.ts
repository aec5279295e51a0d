/**
 * One whole node: the replica, the service in front of it, and HTTP in front of that.
 */

import manifest from "../deno.json" with { type: "json" };
import { type HttpServer, serveHttp } from "./api/mod.ts";
import {
  type Address,
  assert,
  err,
  limits,
  type Log,
  NetworkError,
  ok,
  type Process,
  type Result,
  type SecureNetwork,
  type TlsNetwork,
} from "./base/mod.ts";
import { type Config, hostAndPort, isAuthenticated, type NodeConfig } from "./config/mod.ts";
import { type Node, type NodeMember, type Ports, type StartError, startNode } from "./node/mod.ts";
import { writeOperatorToken } from "./operator_token.ts";
import {
  Authentication,
  byNode,
  KeyRing,
  makeOperatorToken,
  type NodeKeys,
  type OperatorToken,
  Service,
  Tokens,
} from "./service/mod.ts";
import { type NodeTls, UserPort } from "./user_port.ts";

export type KevaNodeOptions = {
  readonly config: Config;
  readonly ports: Omit<Ports, "log"> & {
    readonly secureNetwork: SecureNetwork;
    readonly tlsNetwork: TlsNetwork;
  };
  readonly log: Log;
  /** Absent: nodes do not prove who they are. */
  readonly keys?: NodeKeys | undefined;
  /** Goes with `config.tls`. */
  readonly tls?: NodeTls | undefined;
};

/** Even where hardly any file may be open, somebody has to be able to ask what is wrong. */
const CONNECTIONS_MIN = 8;
/** How long a clean stop may take, in milliseconds; what is then still open is answered honestly. */
const STOP_PATIENCE_MS = 3_000;
/** Longer, so that those last answers still leave. */
const DRAIN_PATIENCE_MS = 4_000;

type Parts = {
  readonly node: Node;
  readonly http: HttpServer;
  readonly keyRing: KeyRing | undefined;
  readonly userPort: UserPort;
  readonly self: NodeConfig;
};

export class KevaNode {
  /** Where clients and where the other nodes reach it. */
  readonly userAddress: Address;
  readonly peerAddress: Address;
  /** Resolves, with the reason, when the node ends by itself because it must not go on. */
  readonly done: Promise<string>;
  readonly #node: Node;
  readonly #http: HttpServer;
  readonly #keyRing: KeyRing | undefined;
  readonly #userPort: UserPort;

  private constructor(parts: Parts, done: Promise<string>) {
    const { node, http, keyRing, userPort, self } = parts;
    this.#node = node;
    this.#http = http;
    this.#keyRing = keyRing;
    this.#userPort = userPort;
    this.done = done;
    this.userAddress = http.address;
    this.peerAddress = { host: self.address, port: self.peerPort };
  }

  /** Starts the node that `config.self` describes; an error says what to do about it. */
  static async start(options: KevaNodeOptions): Promise<Result<KevaNode, StartError>> {
    const { config, log, keys, tls } = options;
    assert((tls !== undefined) === (config.tls !== undefined), "a certificate for config.tls only");
    const ports = { ...options.ports, log };
    const authorised = keys?.source() ?? ok([]);
    if (!authorised.ok) return err({ reason: authorised.error });
    const reserved = limits.openFilesReserved + (tls === undefined ? 0 : limits.halfOpenClientsMax);
    const connectionsMax = affordable(config.limits.connectionsMax, reserved, ports.process, log);
    const endpoint = keys && ports.secureNetwork.as(keys.privateKeyPem);
    const halted = Promise.withResolvers<string>();
    const started = await startNode({
      ports,
      self: config.self.identity,
      version: manifest.version,
      clusterName: config.cluster.name,
      members: config.nodes.map(member),
      ...endpoint && { keys: { endpoint, authorised: byNode(authorised.value) } },
      directory: config.workingDirectory,
      timing: {
        electionTimeoutMs: config.self.electionTimeoutMs,
        heartbeatIntervalMs: config.timing.heartbeatIntervalMs,
      },
      storage: config.storage,
      onHalt: halted.resolve,
    });
    if (!started.ok) return started;
    const node = started.value;
    const keyRing = keys && endpoint && new KeyRing({
      ...keys,
      endpoint,
      replica: node,
      hash: ports.hash,
      log,
      authorised: authorised.value,
    });
    const userPort = new UserPort({
      ports,
      log,
      tls,
      clientsCertified: config.tls?.clientCertificates === "required",
    });
    const http = await front(options, { node, keyRing, connectionsMax, userPort });
    if (!http.ok) {
      await node.stop(0);
      return http;
    }
    void halted.promise.then(() => http.value.close());
    const parts = { node, http: http.value, keyRing, userPort, self: config.self };
    return ok(new KevaNode(parts, halted.promise));
  }

  /**
   * Reads the keys of nodes and the certificate for clients anew, where there are any; what is wrong
   * with them is logged.
   */
  reload(): void {
    this.#keyRing?.reload();
    this.#userPort.reload();
  }

  /** Hands leadership over, answers what is in flight, and closes. */
  async stop(): Promise<void> {
    await Promise.all([this.#http.drain(DRAIN_PATIENCE_MS), this.#node.stop(STOP_PATIENCE_MS)]);
  }
}

async function front(
  { config, ports, log }: KevaNodeOptions,
  { node, keyRing, connectionsMax, userPort }: Pick<Parts, "node" | "keyRing" | "userPort"> & {
    readonly connectionsMax: number;
  },
): Promise<Result<HttpServer, StartError>> {
  const { valueBytesMax, connectionsPerAddressMax, requestTimeoutMs } = config.limits;
  const { clock } = ports;
  const operator = await operatorToken(config, ports);
  if (!operator.ok) return operator;
  const service = new Service({
    replica: node,
    clock,
    valueBytesMax,
    requestTimeoutMs,
    keyRing,
    tokens: new Tokens({ ...ports, replica: node, log }),
    access: new Authentication({
      replica: node,
      hash: ports.hash,
      required: isAuthenticated(config),
      operator: operator.value,
    }),
  });
  const address = { host: config.self.address, port: config.self.userPort };
  try {
    return ok(
      await serveHttp({
        door: userPort,
        clock,
        log,
        service,
        address,
        limits: { connectionsMax, connectionsPerAddressMax },
        hosts: config.nodes.flatMap(({ identity, address }) => [identity, address])
          .concat(config.http.hosts),
      }),
    );
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    return err({ reason: `cannot listen for clients: ${error.reason}` });
  }
}

/** Only where clients are authenticated; elsewhere none is needed, and none of before is left. */
async function operatorToken(
  config: Config,
  ports: KevaNodeOptions["ports"],
): Promise<Result<OperatorToken | undefined, StartError>> {
  const token = isAuthenticated(config) ? makeOperatorToken(ports) : undefined;
  const written = await writeOperatorToken(ports.disk, config.workingDirectory, token?.text);
  return written.ok ? ok(token) : err({ reason: written.error });
}

/**
 * So many clients that the log, snapshots and other nodes keep the files that they need: a process
 * that may open no more could neither write nor be reached.
 */
function affordable(wanted: number, reserved: number, process: Process, log: Log): number {
  const spare = process.spareFiles(wanted + reserved);
  const connections = Math.max(CONNECTIONS_MIN, spare - reserved);
  if (connections < wanted) {
    const cure = "fewer clients than limits.connections_max: raise the limit on open files";
    log.warn(cure, { connections, wanted });
  }
  return Math.min(connections, wanted);
}

function member(node: NodeConfig): NodeMember {
  return {
    id: node.identity,
    peer: hostAndPort(node.address, node.peerPort),
    client: hostAndPort(node.address, node.userPort),
    peerAddress: { host: node.address, port: node.peerPort },
  };
}
