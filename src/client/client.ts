/**
 * The operations of a cluster as methods.
 */

import { limits, utf8 } from "../base/mod.ts";
import { parseEndpoint } from "./endpoint.ts";
import { KevaError } from "./error.ts";
import { keyTarget } from "./key_target.ts";
import { type Answer, type Fetch, type Request, Transport } from "./transport.ts";
import type {
  CallOptions,
  ClusterStatus,
  DeleteAnswer,
  GetOptions,
  Item,
  KeysView,
  NewToken,
  PutAnswer,
  PutOptions,
  TokenChange,
  TokenView,
  WriteOptions,
} from "./types.ts";

export type { Fetch };

export type KevaClientOptions = {
  /** `host:port` of one or more nodes: their `user_port`. */
  readonly endpoints: readonly string[];
  /** For each call that names no time of its own. */
  readonly timeoutMs?: number;
  /** By which the nodes know who calls, as `keva token create` printed it. */
  readonly token?: string;
  /** Absent: the one that the runtime has. */
  readonly fetch?: Fetch;
};

const TIMEOUT_MS = 5_000;

/**
 * Reads and writes a Keva cluster. Every method throws {@link KevaError}, whose `effect` says
 * whether a failed write may have happened.
 */
export class KevaClient {
  readonly #transport: Transport;
  readonly #timeoutMs: number;

  constructor(options: KevaClientOptions) {
    const endpoints = options.endpoints.map((text) => {
      const endpoint = parseEndpoint(text);
      if (!endpoint.ok) throw badEndpoint(endpoint.error);
      return endpoint.value;
    });
    if (endpoints.length === 0) throw badEndpoint("no endpoint was given");
    this.#transport = new Transport(endpoints, {
      fetch: options.fetch ?? fetch,
      token: options.token,
    });
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  }

  /** The item, or null when there is none. Linearizable unless the options say otherwise. */
  async get(key: Uint8Array, options: GetOptions = {}): Promise<Item | null> {
    const parameters = options.consistency === "stale" ? { consistency: "stale" } : {};
    const target = this.#target(key, options, parameters);
    const { response, body } = await this.#send({ method: "GET", target }, options);
    if (response.status === 204) return null;
    const { headers } = response;
    return {
      value: body,
      contentType: headers.get("content-type") ?? "",
      revision: Number(headers.get("keva-revision")),
      consistency: headers.get("keva-consistency") === "stale" ? "stale" : "linearizable",
    };
  }

  async put(key: Uint8Array, value: Uint8Array, options: PutOptions = {}): Promise<PutAnswer> {
    const contentType = options.contentType ?? "application/octet-stream";
    const headers = { "content-type": contentType, ...conditions(options) };
    const target = this.#target(key, options);
    const answer = await this.#send({ method: "PUT", target, headers, body: value }, options);
    return { revision: Number(json(answer)["revision"]) };
  }

  async delete(key: Uint8Array, options: WriteOptions = {}): Promise<DeleteAnswer> {
    const target = this.#target(key, options);
    const headers = conditions(options);
    const answer = await this.#send({ method: "DELETE", target, headers }, options);
    const { revision, existed } = json(answer);
    return { revision: Number(revision), existed: existed === true };
  }

  /** What the first node that answers knows about all of them. */
  async status(options: CallOptions = {}): Promise<ClusterStatus> {
    const answer = await this.#send({ method: "GET", target: "/v1/cluster/status" }, options);
    return json(answer) as unknown as ClusterStatus;
  }

  /** The keys by which a node knows the others, and what its links make of them. */
  async keys(options: CallOptions = {}): Promise<KeysView> {
    const answer = await this.#send({ method: "GET", target: "/v1/cluster/keys" }, options);
    return json(answer) as unknown as KeysView;
  }

  /** Lets a node read the keys of the others anew. Harmless to repeat. */
  async reloadKeys(options: CallOptions = {}): Promise<KeysView> {
    const answer = await this.#send({ method: "POST", target: "/v1/cluster/keys/reload" }, options);
    return json(answer) as unknown as KeysView;
  }

  /** Who has a token. */
  async tokens(options: CallOptions = {}): Promise<readonly TokenView[]> {
    const answer = await this.#send({ method: "GET", target: "/v1/tokens" }, options);
    return json(answer)["tokens"] as readonly TokenView[];
  }

  /** The answer holds the token, which nobody can tell again. */
  async createToken(
    name: string,
    roles: readonly string[] = [],
    options: CallOptions = {},
  ): Promise<NewToken> {
    const body = utf8(JSON.stringify({ name, roles }));
    const headers = { "content-type": "application/json" };
    const request = { method: "POST", target: "/v1/tokens", headers, body } as const;
    return json(await this.#send(request, options)) as unknown as NewToken;
  }

  async revokeToken(nameOrId: string, options: CallOptions = {}): Promise<TokenChange> {
    const target = `/v1/tokens?name=${encodeURIComponent(nameOrId)}`;
    return json(await this.#send({ method: "DELETE", target }, options)) as unknown as TokenChange;
  }

  /** Tells the node to answer a little before this side gives up: it knows the effect. */
  #target(key: Uint8Array, options: CallOptions, more: Record<string, string> = {}): string {
    const timeoutMs = 0.9 * (options.timeoutMs ?? this.#timeoutMs);
    const seconds = Math.min(Math.max(timeoutMs, 1), limits.requestTimeoutMsMax) / 1000;
    return withParameters(keyTarget(key), { ...more, timeout: String(+seconds.toFixed(3)) });
  }

  #send(
    request: Omit<Request, "timeoutMs" | "signal">,
    options: CallOptions,
  ): Promise<Answer> {
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    return this.#transport.send({ ...request, timeoutMs, signal: options.signal });
  }
}

function conditions(options: WriteOptions): Record<string, string> {
  const { ifRevision } = options;
  if (ifRevision === undefined) return {};
  return ifRevision === 0 ? { "if-none-match": "*" } : { "if-match": `"${ifRevision}"` };
}

function withParameters(target: string, parameters: Record<string, string>): string {
  let all = target;
  for (const [name, value] of Object.entries(parameters)) {
    all += `${all.includes("?") ? "&" : "?"}${name}=${value}`;
  }
  return all;
}

function json({ response, body }: Answer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Reported below.
  }
  throw new KevaError({
    code: "notKeva",
    effect: "unknown",
    message: `${response.url} answered ${response.status} without a JSON object`,
    next: "Check that the endpoint is the user_port of a node.",
    status: response.status,
  });
}

function badEndpoint(message: string): KevaError {
  const next = "Name one or more nodes as host:port, as in localhost:380.";
  return new KevaError({ code: "badEndpoint", effect: "none", message, next });
}
