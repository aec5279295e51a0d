/**
 * The operations of a cluster as methods.
 */

import { hex, utf8 } from "../base/mod.ts";
import { Discovery } from "./discovery.ts";
import { parseEndpoint } from "./endpoint.ts";
import { KevaError } from "./error.ts";
import { bytesParameter, keyTarget } from "./key_target.ts";
import { list } from "./list.ts";
import { Nodes } from "./nodes.ts";
import { type Answer, type Fetch, type Request, Transport } from "./transport.ts";
import type {
  Bytes,
  CallOptions,
  ClusterStatus,
  DeleteAnswer,
  GetOptions,
  Item,
  JsonItem,
  KeysView,
  Listed,
  ListOptions,
  NewToken,
  PolicyChange,
  PolicyQuestion,
  PolicyVerdict,
  PolicyView,
  PutAnswer,
  PutOptions,
  TokenChange,
  TokenView,
  Transaction,
  TransactionAnswer,
  TransactionOptions,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "./types.ts";
import { transactionAnswer, transactionText, TXN_ROUTE } from "./txn.ts";
import { watch } from "./watch.ts";

export type { Fetch };

export type KevaClientOptions = {
  /** `host:port` of one or more nodes: their `user_port`. Behind `https://` where they speak TLS. */
  readonly endpoints: readonly string[];
  /** For each call that names no time of its own. */
  readonly timeoutMs?: number;
  /** By which the nodes know who calls, as `keva token create` printed it. */
  readonly token?: string;
  /** Whom it trusts by TLS, and by what it is known there. Absent: the one that the runtime has. */
  readonly fetch?: Fetch;
  /**
   * Find the other members and the leader, send writes to it and reads to the others in turn. False:
   * ask only the endpoints given, the one that answered last first. It takes the permission to
   * inspect the cluster; a client without it goes on with its endpoints. Absent: true.
   */
  readonly discover?: boolean;
};

const TIMEOUT_MS = 5_000;
const BYTES = "application/octet-stream";
const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";

/**
 * Reads and writes a Keva cluster. Every method throws {@link KevaError}, whose `effect` says
 * whether a failed write may have happened.
 */
export class KevaClient {
  readonly #transport: Transport;
  readonly #discovery: Discovery | undefined;
  readonly #timeoutMs: number;

  constructor(options: KevaClientOptions) {
    const endpoints = options.endpoints.map((text) => {
      const endpoint = parseEndpoint(text);
      if (!endpoint.ok) throw badEndpoint(endpoint.error);
      return endpoint.value;
    });
    const [first, ...others] = endpoints;
    if (first === undefined) throw badEndpoint("no endpoint was given");
    const nodes = new Nodes([first, ...others]);
    this.#transport = new Transport(nodes, { fetch: options.fetch ?? fetch, token: options.token });
    if (options.discover !== false) this.#discovery = new Discovery(this.#transport, nodes);
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  }

  /** The item, or null when there is none. Linearizable unless the options say otherwise. */
  async get(key: Bytes, options: GetOptions = {}): Promise<Item | null> {
    const parameters = options.consistency === "stale" ? { consistency: "stale" } : {};
    const target = withParameters(keyTarget(bytesOf(key)), parameters);
    const request = { method: "GET", target, tellsTimeout: true } as const;
    const { response, body } = await this.#send(request, options);
    if (response.status === 204) return null;
    const { headers } = response;
    const expires = headers.get("keva-expires");
    return {
      value: body,
      contentType: headers.get("content-type") ?? "",
      ...expires !== null && { expiresMs: Number(expires) },
      revision: Number(headers.get("keva-revision")),
      consistency: headers.get("keva-consistency") === "stale" ? "stale" : "linearizable",
    };
  }

  async put(key: Bytes, value: Bytes, options: PutOptions = {}): Promise<PutAnswer> {
    const contentType = options.contentType ?? (typeof value === "string" ? TEXT : BYTES);
    const answer = await this.#write("PUT", key, {
      headers: { "content-type": contentType, ...expiry(options), ...conditions(options) },
      parameters: options.ttlMs === undefined
        ? {}
        : { ttl: String(Math.round(options.ttlMs) / 1000) },
      body: bytesOf(value),
      options,
    });
    return { revision: Number(json(answer)["revision"]) };
  }

  /** The value as JSON with its revision, or null when there is no item. */
  async getJson<T = unknown>(key: Bytes, options: GetOptions = {}): Promise<JsonItem<T> | null> {
    const item = await this.get(key, options);
    if (item === null) return null;
    try {
      const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(item.value)) as T;
      return { ...item, value };
    } catch (cause) {
      const message = "the value under this key is not JSON";
      const next = "Read it with get().";
      throw new KevaError({ code: "notJson", effect: "none", message, next, cause });
    }
  }

  /** Stores a value as JSON. */
  async putJson(key: Bytes, value: unknown, options: WriteOptions = {}): Promise<PutAnswer> {
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined) {
      const message = "such a value cannot be written as JSON";
      const next = "Store null, or delete the key.";
      throw new KevaError({ code: "notJson", effect: "none", message, next });
    }
    return await this.put(key, text, { ...options, contentType: JSON_TYPE });
  }

  async delete(key: Bytes, options: WriteOptions = {}): Promise<DeleteAnswer> {
    const answer = await this.#write("DELETE", key, { headers: conditions(options), options });
    const { revision, existed } = json(answer);
    return { revision: Number(revision), existed: existed === true };
  }

  /**
   * Items in the order of their keys, over as many pages as it takes. Each page is as of one moment;
   * what is written while the list is read may be in later ones.
   */
  list(options: ListOptions = {}): AsyncGenerator<Listed, void, void> {
    return list(async (target) => {
      return json(await this.#send({ method: "GET", target, tellsTimeout: true }, options));
    }, options);
  }

  /** Does all of `then` where all `checks` hold, else all of `else`; or nothing at all. */
  async txn(
    transaction: Transaction,
    options: TransactionOptions = {},
  ): Promise<TransactionAnswer> {
    const { idempotencyKey = randomKey() } = options;
    const body = utf8(transactionText(transaction));
    const headers = { "content-type": JSON_TYPE };
    const about = { target: TXN_ROUTE, headers, body, tellsTimeout: true, idempotencyKey };
    return transactionAnswer(json(await this.#send({ method: "POST", ...about }, options)));
  }

  /**
   * Changes as they happen, in order and each once, over as many connections as it takes, until the
   * loop that reads them is left or the signal ends it. Throws only when no node answers at first,
   * or when the nodes refuse the watch.
   */
  watch(options: WatchOptions = {}): AsyncGenerator<WatchEvent, void, void> {
    const { prefix = "", initial = false, from, timeoutMs = this.#timeoutMs, signal } = options;
    this.#discovery?.begin();
    const parameters = {
      ...bytesParameter("prefix", prefix.length === 0 ? undefined : prefix),
      ...initial && { initial: "true" },
    };
    const target = withParameters("/v1/storage/watch", parameters);
    const after = options.after ?? (from === undefined ? undefined : String(from - 1));
    return watch(this.#transport, { target, initial, after, timeoutMs, signal });
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
    const sent = jsonRequest({ name, roles });
    const request = { method: "POST", target: "/v1/tokens", ...sent } as const;
    return json(await this.#send(request, options)) as unknown as NewToken;
  }

  async revokeToken(nameOrId: string, options: CallOptions = {}): Promise<TokenChange> {
    const target = `/v1/tokens?name=${encodeURIComponent(nameOrId)}`;
    return json(await this.#send({ method: "DELETE", target }, options)) as unknown as TokenChange;
  }

  /** Who may do what. */
  async policy(options: CallOptions = {}): Promise<PolicyView> {
    const answer = await this.#send({ method: "GET", target: "/v1/policy" }, options);
    return json(answer) as unknown as PolicyView;
  }

  /** `rule` as `policy` shows it, as in `p, ci, app/, write`. */
  async addPolicy(rule: string, options: CallOptions = {}): Promise<PolicyChange> {
    const request = { method: "POST", target: "/v1/policy", ...jsonRequest({ rule }) } as const;
    return json(await this.#send(request, options)) as unknown as PolicyChange;
  }

  async removePolicy(rule: string, options: CallOptions = {}): Promise<PolicyChange> {
    const target = `/v1/policy?rule=${encodeURIComponent(rule)}`;
    return json(await this.#send({ method: "DELETE", target }, options)) as unknown as PolicyChange;
  }

  /** Whether somebody may do something, and by which rule. */
  async testPolicy(
    { key, ...question }: PolicyQuestion,
    options: CallOptions = {},
  ): Promise<PolicyVerdict> {
    const keyBase64 = key && btoa(String.fromCharCode(...bytesOf(key)));
    const sent = jsonRequest({ ...question, keyBase64 });
    const request = { method: "POST", target: "/v1/policy/test", ...sent } as const;
    return json(await this.#send(request, options)) as unknown as PolicyVerdict;
  }

  /** Ends what the client does by itself beside calls. Calls work on, without it. */
  async close(): Promise<void> {
    await this.#discovery?.close();
  }

  #write(method: "PUT" | "DELETE", key: Bytes, write: KeyWrite): Promise<Answer> {
    const { options, parameters = {}, ...more } = write;
    const target = withParameters(keyTarget(bytesOf(key)), parameters);
    const { idempotencyKey = randomKey() } = options;
    return this.#send({ method, target, tellsTimeout: true, idempotencyKey, ...more }, options);
  }

  #send(
    request: Omit<Request, "timeoutMs" | "signal">,
    options: CallOptions,
  ): Promise<Answer> {
    this.#discovery?.begin();
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    return this.#transport.send({ ...request, timeoutMs, signal: options.signal });
  }
}

type KeyWrite = Pick<Request, "headers" | "body"> & {
  readonly parameters?: Record<string, string>;
  readonly options: WriteOptions;
};

const RANDOM_KEY_BYTES = 16;

function randomKey(): string {
  return hex(crypto.getRandomValues(new Uint8Array(RANDOM_KEY_BYTES)));
}

function jsonRequest(value: unknown): Pick<Request, "headers" | "body"> {
  return { headers: { "content-type": JSON_TYPE }, body: utf8(JSON.stringify(value)) };
}

function bytesOf(data: Bytes): Uint8Array {
  return typeof data === "string" ? utf8(data) : data;
}

function expiry({ expiresMs }: PutOptions): Record<string, string> {
  return expiresMs === undefined ? {} : { "keva-expires": String(expiresMs) };
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
