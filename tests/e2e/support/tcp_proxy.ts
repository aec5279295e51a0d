/**
 * A TCP proxy between two nodes that can make the network as bad as networks are: slow, silent in
 * one direction, cut in the middle.
 *
 * What happens to bytes is a property of the way from one node to another, whoever dialed the
 * connection. What happens to a connection is a matter of the proxy that was dialed.
 */

import net from "node:net";
import { Transform } from "node:stream";
import { pause } from "./wait.ts";

/** The way of bytes from one node to another. A loss of packets is a hold: TCP sends them again. */
export class Route {
  delayMs = 0;
  /** Gets to see all that goes this way. */
  listener: ((bytes: Uint8Array) => void) | null = null;
  #held: PromiseWithResolvers<void> | null = null;

  /** Nothing gets through until {@link release}; then all of it does, in order. */
  hold(): void {
    this.#held ??= Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = null;
  }

  /** Resolves when what stands at the entry has come out at the other end. */
  async pass(): Promise<void> {
    if (this.delayMs > 0) await pause(this.delayMs);
    while (this.#held !== null) await this.#held.promise;
  }
}

type Pair = { readonly dialed: net.Socket; readonly target: net.Socket };

export type ProxyOptions = {
  /** Where the proxy listens. */
  readonly port: number;
  /** Where it leads. */
  readonly target: number;
  /** What the one who dials sends, and what comes back. */
  readonly there: Route;
  readonly back: Route;
};

const HOST = "127.0.0.1";

export class TcpProxy {
  readonly #options: ProxyOptions;
  readonly #pairs = new Set<Pair>();
  readonly #server: net.Server;

  constructor(options: ProxyOptions) {
    this.#options = options;
    this.#server = net.createServer({ allowHalfOpen: true }, (dialed) => this.#accept(dialed));
  }

  get connections(): number {
    return this.#pairs.size;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#options.port, HOST, resolve);
    });
  }

  /** Both ends see that the connection was closed; what was under way is lost. */
  drop(): void {
    for (const { dialed, target } of this.#pairs) {
      dialed.destroy();
      target.destroy();
    }
  }

  /** Both ends get a RST. */
  reset(): void {
    for (const { dialed, target } of this.#pairs) {
      dialed.resetAndDestroy();
      target.resetAndDestroy();
    }
  }

  /** The one who was dialed sees the end of what it reads, and nobody else sees anything. */
  halfClose(): void {
    for (const { dialed, target } of this.#pairs) {
      dialed.unpipe();
      dialed.resume();
      target.end();
    }
  }

  close(): void {
    this.#server.close();
    this.drop();
  }

  #accept(dialed: net.Socket): void {
    const { target: port, there, back } = this.#options;
    const target = net.connect({ port, host: HOST, allowHalfOpen: true });
    const pair = { dialed, target };
    this.#pairs.add(pair);
    join({ from: dialed, to: target, route: there });
    join({ from: target, to: dialed, route: back });
    for (const socket of [dialed, target]) {
      socket.setNoDelay(true);
      socket.once("close", () => {
        if (dialed.destroyed && target.destroyed) this.#pairs.delete(pair);
      });
    }
  }
}

type Way = { readonly from: net.Socket; readonly to: net.Socket; readonly route: Route };

/** Bytes, the end of the stream and its breaking all take the same route. */
function join({ from, to, route }: Way): void {
  const gate = new Transform({
    transform: (chunk, _encoding, done) => {
      route.listener?.(chunk);
      void route.pass().then(() => done(null, chunk));
    },
    flush: (done) => void route.pass().then(() => done()),
  });
  from.pipe(gate).pipe(to);
  from.once("error", () => void route.pass().then(() => to.resetAndDestroy()));
}
