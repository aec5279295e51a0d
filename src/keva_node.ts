/**
 * One whole node: the replica, the service in front of it, and HTTP in front of that.
 */

import manifest from "../deno.json" with { type: "json" };
import type { InProcessFetch } from "./api/mod.ts";
import {
  type Address,
  err,
  limits,
  type Log,
  ok,
  type Process,
  type Result,
  type SecureNetwork,
  type TlsNetwork,
} from "./base/mod.ts";
import { type Config, hostAndPort, type NodeConfig } from "./config/mod.ts";
import { KevaClient } from "./client/mod.ts";
import { embeddedOptions, type OpenOptions } from "./embedding.ts";
import { type Front, openFront } from "./front.ts";
import { type Node, type NodeMember, type Ports, type StartError, startNode } from "./node/mod.ts";
import { byNode, KeyRing, type NodeKeys } from "./service/mod.ts";
import type { NodeTls } from "./user_port.ts";

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
  /** False: only this program reaches the node, by {@link KevaNode.client}. */
  readonly http?: boolean;
};

/** Even where hardly any file may be open, somebody has to be able to ask what is wrong. */
const CONNECTIONS_MIN = 8;
/** How long a clean stop may take, in milliseconds; what is then still open is answered honestly. */
const STOP_PATIENCE_MS = 3_000;
/** Longer, so that those last answers still leave. */
const DRAIN_PATIENCE_MS = 4_000;

type Parts = {
  readonly config: Config;
  readonly node: Node;
  readonly front: Front;
  readonly keyRing: KeyRing | undefined;
};

export class KevaNode {
  /** Where clients, if it serves HTTP, and where the other nodes reach it. */
  readonly userAddress: Address;
  readonly peerAddress: Address;
  /** Resolves, with the reason, when the node ends by itself because it must not go on. */
  readonly done: Promise<string>;
  readonly #parts: Parts;

  private constructor(parts: Parts, done: Promise<string>) {
    const { self } = parts.config;
    this.#parts = parts;
    this.done = done;
    this.userAddress = parts.front.http?.address ?? { host: self.address, port: self.userPort };
    this.peerAddress = { host: self.address, port: self.peerPort };
  }

  /**
   * Starts a node inside this program: alone in its cluster, or one of those in a configuration.
   * Throws with the reason when it cannot.
   */
  static async open(options: OpenOptions): Promise<KevaNode> {
    const started = await KevaNode.start(embeddedOptions(options));
    if (started.ok) return started.value;
    throw new Error(started.error.reason);
  }

  /** Starts the node that `config.self` describes; an error says what to do about it. */
  static async start(options: KevaNodeOptions): Promise<Result<KevaNode, StartError>> {
    const { config, log, keys, tls } = options;
    if ((tls === undefined) !== (config.tls === undefined)) {
      return err({ reason: "config.tls and the certificate that it names are given together" });
    }
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
    const front = await openFront(options, { node, keyRing, connectionsMax });
    if (!front.ok) {
      await node.stop(0);
      return front;
    }
    void halted.promise.then(() => {
      front.value.inProcess.close();
      front.value.http?.close();
    });
    return ok(new KevaNode({ config, node, front: front.value, keyRing }, halted.promise));
  }

  /** A client of this node alone, without a connection; it may do everything here. */
  client(): KevaClient {
    const { inProcess, operator } = this.#parts.front;
    return new KevaClient({
      endpoints: ["localhost"],
      discover: false,
      fetch: inProcess.fetch,
      ...operator && { token: operator.text.reveal() },
    });
  }

  /** The node's HTTP API without a connection. */
  get fetch(): InProcessFetch {
    return this.#parts.front.inProcess.fetch;
  }

  /** Whether this node believes that it leads its cluster. */
  get leads(): boolean {
    return this.#parts.node.status().role === "leader";
  }

  /**
   * Reads the keys of nodes, the certificate for clients and the policy anew, where there are any;
   * what is wrong with them is logged.
   */
  reload(): void {
    this.#parts.keyRing?.reload();
    this.#parts.front.userPort.reload();
    this.#parts.front.policy.reload();
  }

  /** Hands leadership over, answers what is in flight, and closes. */
  async stop(): Promise<void> {
    const { node, front } = this.#parts;
    front.inProcess.close();
    await Promise.all([front.http?.drain(DRAIN_PATIENCE_MS), node.stop(STOP_PATIENCE_MS)]);
  }
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
