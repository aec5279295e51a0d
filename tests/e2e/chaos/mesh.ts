/** The network between the nodes of a cluster: a proxy for each link, a route for each direction. */

import { freePorts, type Node } from "../support/cluster.ts";
import { Route, TcpProxy } from "../support/tcp_proxy.ts";

export class Mesh {
  readonly #routes = new Map<string, Route>();
  readonly #proxies = new Map<string, TcpProxy>();

  /** Makes the proxy through which `from` dials `to`; returns its port. */
  connect(from: Node, to: Node): number {
    const [port] = freePorts(1) as [number];
    const [there, back] = [this.route(from.name, to.name), this.route(to.name, from.name)];
    const proxy = new TcpProxy({ port, target: to.peerPort, there, back });
    this.#proxies.set(name(from.name, to.name), proxy);
    return port;
  }

  async listen(): Promise<void> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.listen()));
  }

  /** The way of bytes from one node to another. */
  route(from: string, to: string): Route {
    const route = this.#routes.get(name(from, to)) ?? new Route();
    this.#routes.set(name(from, to), route);
    return route;
  }

  /** The connections that `from` dials to `to`. */
  proxy(from: string, to: string): TcpProxy {
    const proxy = this.#proxies.get(name(from, to));
    if (proxy === undefined) throw new Error(`${from} does not dial ${to}`);
    return proxy;
  }

  /** Undoes every hold and delay. */
  heal(): void {
    for (const route of this.#routes.values()) {
      route.delayMs = 0;
      route.release();
    }
  }

  close(): void {
    this.heal();
    for (const proxy of this.#proxies.values()) proxy.close();
  }
}

function name(from: string, to: string): string {
  return `${from} ${to}`;
}
