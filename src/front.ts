/**
 * What stands before a replica: the service, and how clients reach it, over the network or from
 * within this program.
 */

import { readPolicyFiles } from "./access/mod.ts";
import { type HttpServer, InProcessHttp, serveHttp } from "./api/mod.ts";
import { err, NetworkError, ok, type Result } from "./base/mod.ts";
import { type Config, isAuthenticated } from "./config/mod.ts";
import type { KevaNodeOptions } from "./keva_node.ts";
import type { Node, StartError } from "./node/mod.ts";
import { writeOperatorToken } from "./operator_token.ts";
import {
  Authentication,
  GuardedAccess,
  type KeyRing,
  makeOperatorToken,
  type OperatorToken,
  Policies,
  PolicyInForce,
  Service,
  Tokens,
} from "./service/mod.ts";
import { UserPort } from "./user_port.ts";

export type Front = {
  readonly inProcess: InProcessHttp;
  /** Where clients have to prove who they are. */
  readonly operator: OperatorToken | undefined;
  readonly policy: PolicyInForce;
  /** Where it serves HTTP. */
  readonly http: HttpServer | undefined;
  readonly userPort: UserPort;
};

export type Behind = {
  readonly node: Node;
  readonly keyRing: KeyRing | undefined;
  readonly connectionsMax: number;
};

export async function openFront(
  options: KevaNodeOptions,
  behind: Behind,
): Promise<Result<Front, StartError>> {
  const { config, ports, log, tls } = options;
  const operator = await operatorToken(config, ports);
  if (!operator.ok) return operator;
  const policy = await policyOf(options, behind.node);
  if (!policy.ok) return policy;
  const service = serviceOf(options, behind, { operator: operator.value, policy: policy.value });
  const userPort = new UserPort({
    ports,
    log,
    tls,
    clientsCertified: config.tls?.clientCertificates === "required",
  });
  const inProcess = new InProcessHttp({ service, log });
  const front = { inProcess, operator: operator.value, policy: policy.value, userPort };
  if (options.http === false) return ok({ ...front, http: undefined });
  const http = await serveClients(options, { ...behind, service, userPort });
  return http.ok ? ok({ ...front, http: http.value }) : http;
}

function serviceOf(
  { config, ports, log }: KevaNodeOptions,
  { node, keyRing }: Behind,
  { operator, policy }: Pick<Front, "operator" | "policy">,
): Service {
  const { valueBytesMax, requestTimeoutMs } = config.limits;
  const required = isAuthenticated(config);
  const authentication = new Authentication({
    replica: node,
    hash: ports.hash,
    required,
    operator,
  });
  return new Service({
    replica: node,
    clock: ports.clock,
    valueBytesMax,
    requestTimeoutMs,
    keyRing,
    tokens: new Tokens({ ...ports, replica: node, log }),
    policies: new Policies({ ...ports, replica: node, log, policy, required }),
    access: new GuardedAccess(authentication, policy),
  });
}

/** The file and the rules of the cluster, as far as they are known before clients come. */
async function policyOf(
  { config, ports: { disk }, log }: KevaNodeOptions,
  replica: Node,
): Promise<Result<PolicyInForce, StartError>> {
  const { policy: paths } = config.access;
  const files = paths.length === 0 ? undefined : () => readPolicyFiles(disk, paths);
  const policy = await PolicyInForce.open({ replica, log, files });
  return policy.ok ? policy : err({ reason: policy.error });
}

async function serveClients(
  { config, ports, log }: KevaNodeOptions,
  { service, userPort, connectionsMax }: Behind & { service: Service; userPort: UserPort },
): Promise<Result<HttpServer, StartError>> {
  const { clock } = ports;
  const { connectionsPerAddressMax } = config.limits;
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
