/**
 * Finds out beside the calls who the members are, where they answer, and who leads.
 *
 * No call waits for it, and none fails by it: a client who may not inspect the cluster goes on with
 * the endpoints that it was given.
 */

import { parseEndpoint, type Scheme } from "./endpoint.ts";
import { KevaError } from "./error.ts";
import type { Member, Nodes } from "./nodes.ts";
import type { Transport } from "./transport.ts";
import type { ClusterStatus, MemberStatus } from "./types.ts";

/** Anew after so long, and after so long at the soonest when something seems to have changed. */
const INTERVAL_MS = 30_000;
const INTERVAL_MS_MIN = 500;
const STATUS_TIMEOUT_MS = 3_000;
/** An address that does not answer in this time is no good: it may be one behind a firewall. */
const PROBE_TIMEOUT_MS = 1_000;

export class Discovery {
  readonly #transport: Transport;
  readonly #nodes: Nodes;
  readonly #ending = new AbortController();
  #running: Promise<void> | null = null;
  #begunAtMs = -Infinity;

  constructor(transport: Transport, nodes: Nodes) {
    this.#transport = transport;
    this.#nodes = nodes;
  }

  /** Begins when it is time to; to be called with every request. */
  begin(): void {
    if (this.#running !== null || this.#ending.signal.aborted) return;
    const intervalMs = this.#nodes.doubted ? INTERVAL_MS_MIN : INTERVAL_MS;
    if (performance.now() < this.#begunAtMs + intervalMs) return;
    this.#begunAtMs = performance.now();
    this.#running = this.#discover().finally(() => {
      this.#running = null;
    });
  }

  /** Resolves when nothing of it is under way any more, nor will be. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #discover(): Promise<void> {
    const { signal } = this.#ending;
    const target = "/v1/cluster/status";
    try {
      const request = { method: "GET", target, timeoutMs: STATUS_TIMEOUT_MS, signal } as const;
      const { endpoint, body } = await this.#transport.send(request);
      const { answeredBy, members } = JSON.parse(new TextDecoder().decode(body)) as ClusterStatus;
      const own = { id: answeredBy, endpoint };
      const others = members.filter(({ id }) => id !== answeredBy);
      const answering = await Promise.all(
        others.map((member) => this.#probe(member, endpoint.scheme)),
      );
      const found = [own, ...answering.filter((member) => member !== null)];
      if (!signal.aborted) this.#nodes.learn(found, leaderOf(members));
    } catch (error) {
      // Who may not ask will not be told later either. Anything else is tried again in its time.
      if (error instanceof KevaError && (error.status === 401 || error.status === 403)) {
        this.#ending.abort();
      }
    }
  }

  /** One node speaks TLS when the others do. */
  async #probe({ id, clientAddress }: MemberStatus, scheme: Scheme): Promise<Member | null> {
    const endpoint = parseEndpoint(clientAddress, scheme);
    if (!endpoint.ok) return null;
    const answer = await this.#transport.ask(endpoint.value, {
      method: "GET",
      target: "/livez",
      timeoutMs: PROBE_TIMEOUT_MS,
      signal: this.#ending.signal,
    });
    return answer instanceof KevaError ? null : { id, endpoint: endpoint.value };
  }
}

function leaderOf(members: readonly MemberStatus[]): string | null {
  return members.find(({ status }) => status?.role === "leader")?.id ?? null;
}
