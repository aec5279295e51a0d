/**
 * The listening side: lets connections in under caps, keeps their deadlines, and ends them in good
 * order.
 */

import type { Address, Clock, Connection, Listener, Log } from "../../base/mod.ts";
import { refusal, type Service } from "../../service/mod.ts";
import { Admission } from "./admission.ts";
import { BodyMemory } from "./body_memory.ts";
import { type Front, ServerConnection } from "./connection.ts";
import { HttpCounters, type TlsCounters } from "./counters.ts";
import { Hosts } from "./hosts.ts";
import { type HttpLimits, httpLimits } from "./limits.ts";
import { closing, problemResponse, type Response } from "./response.ts";
import { Router } from "./router.ts";
import { routes } from "./routes.ts";

/** Where connections come from: a Network, or one that turns some of them away by itself. */
export type Door = {
  listen(
    address: Address,
    accept: (connection: Connection) => void,
    counters: TlsCounters,
  ): Promise<Listener>;
};

export type HttpOptions = {
  readonly door: Door;
  readonly clock: Clock;
  readonly log: Log;
  readonly service: Service;
  readonly address: Address;
  readonly limits?: Partial<HttpLimits>;
  /** Names by which clients may ask for this server, beside localhost and every IP address. */
  readonly hosts: readonly string[];
};

export type HttpServer = {
  /** With the real port when 0 was asked for. */
  readonly address: Address;
  readonly counters: Readonly<HttpCounters>;
  readonly connections: number;
  /**
   * Turns new connections away, answers what is under way and closes each connection with its last
   * answer; then, not at once, stops listening and closes the idle ones when nothing is under way
   * any more. After `timeoutMs` it closes them all. Resolves when none is left.
   */
  drain(timeoutMs: number): Promise<void>;
  /** Ends everything at once. */
  close(): void;
};

/**
 * One sweep looks at all connections, instead of a timer for each phase of each request. A deadline
 * is therefore kept up to this much late, never early.
 */
const SWEEP_INTERVAL_MS = 250;

/**
 * For so long a drain tells clients to go elsewhere before it closes connections that look idle. A
 * request that was on its way when they were closed would end without an answer, and nobody would
 * know what became of it.
 */
const DRAIN_GRACE_MS = 200;

/** Listens on `address`; rejects with a NetworkError when it cannot. */
export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const { door, clock, log, service } = options;
  const limits = httpLimits(service.valueBytesMax, options.limits ?? {});
  const counters = new HttpCounters();
  const front: Front = {
    clock,
    log,
    limits,
    requests: { ...limits, hosts: new Hosts(options.hosts) },
    memory: new BodyMemory(limits.bodyBytesInFlightMax),
    router: new Router({ routes, service, log, counters }),
    counters,
    draining: false,
  };
  const connections = new Connections(front);
  const listener = await door.listen(
    options.address,
    (connection) => connections.accept(connection),
    counters,
  );
  const sweep = clock.every(SWEEP_INTERVAL_MS, () => connections.expire(clock.now()));
  const close = (): void => {
    listener.close();
    sweep.cancel();
    connections.close();
  };
  return {
    address: listener.address,
    counters,
    get connections(): number {
      return connections.size;
    },
    async drain(timeoutMs: number): Promise<void> {
      front.draining = true;
      connections.endStreams();
      const deadline = clock.after(timeoutMs, close);
      if (connections.size > 0) {
        const graceMs = Math.min(DRAIN_GRACE_MS, timeoutMs);
        await new Promise<void>((resolve) => void clock.after(graceMs, resolve));
      }
      listener.close();
      await connections.drained();
      deadline.cancel();
      close();
    },
    close,
  };
}

class Connections {
  readonly #front: Front;
  readonly #admission: Admission;
  readonly #serving = new Set<ServerConnection>();
  /** Turned away by a cap, while their answer is on its way. */
  readonly #refused = new Set<ServerConnection>();
  #whenEmpty: (() => void) | null = null;

  constructor(front: Front) {
    const { connectionsMax, connectionsPerAddressMax } = front.limits;
    this.#front = front;
    this.#admission = new Admission(connectionsMax, connectionsPerAddressMax);
  }

  get size(): number {
    return this.#serving.size + this.#refused.size;
  }

  accept(connection: Connection): void {
    const { host } = connection.remote;
    const { draining, counters, limits } = this.#front;
    const full = draining ? "The node is shutting down." : this.#admission.enter(host);
    if (full === null) {
      counters.accepted++;
      const served = new ServerConnection(connection, this.#front);
      this.#track(this.#serving, served, served.run(), () => this.#admission.leave(host));
      return;
    }
    counters.refused++;
    if (this.#refused.size >= limits.refusedConnectionsMax) return connection.close();
    const refused = new ServerConnection(connection, this.#front);
    this.#track(this.#refused, refused, refused.dismiss(turnedAway(full, draining)), () => {});
  }

  expire(nowMs: number): void {
    for (const connection of this.#serving) connection.expire(nowMs);
    for (const connection of this.#refused) connection.expire(nowMs);
  }

  /** Those who watch go on elsewhere: what they were told last says from where. */
  endStreams(): void {
    for (const connection of this.#serving) connection.endStream();
  }

  /** Resolves when the last connection is gone. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenEmpty = resolve;
      this.#closeIdle();
    });
  }

  close(): void {
    this.#front.draining = true;
    for (const connection of this.#serving) connection.close();
    for (const connection of this.#refused) connection.close();
    // Their handlers may still wait for an answer that nobody will read: no reason to wait for them.
    this.#serving.clear();
    this.#refused.clear();
    this.#whenEmpty?.();
  }

  #track(
    set: Set<ServerConnection>,
    connection: ServerConnection,
    ended: Promise<void>,
    after: () => void,
  ): void {
    const { counters } = this.#front;
    set.add(connection);
    counters.open++;
    // A rejection is a broken assertion; unhandled, it ends the process, as it should.
    void ended.finally(() => {
      set.delete(connection);
      counters.open--;
      after();
      if (this.#whenEmpty !== null) this.#closeIdle();
    });
  }

  /**
   * While others are served, an idle connection may bring one more request, which is answered. Once
   * all are idle nothing is lost by closing them.
   */
  #closeIdle(): void {
    const all = [...this.#serving];
    if (all.every((connection) => connection.idle)) all.forEach((connection) => connection.close());
    if (this.size === 0) this.#whenEmpty?.();
  }
}

function turnedAway(detail: string, draining: boolean): Response {
  return closing(problemResponse(refusal(draining ? "stopping" : "tooManyConnections", detail)));
}
