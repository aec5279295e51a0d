/**
 * The Network port between simulated hosts: byte streams over a virtual clock, with everything
 * that happens to TCP connections: delay and speed in each direction, arbitrary cuts between reads,
 * back-pressure, half-close, reset, partitions (bytes wait, as TCP retransmits), and connections
 * that go silent for ever. Deterministic from its clock and its random numbers.
 */

import {
  type Address,
  assert,
  type Clock,
  type Connection,
  type Listener,
  type Network,
  NetworkError,
} from "../../src/base/mod.ts";
import type { SeededRandom } from "./seeded_random.ts";
import { type Conditions, Route, type SimConnection, socketPair } from "./sim_socket.ts";

const FIRST_FREE_PORT = 49_152;

type Listening = { readonly host: string; accept(connection: Connection): void };

export class SimNetwork {
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #conditions: Conditions;
  readonly #listening = new Map<string, Listening>();
  readonly #routes = new Map<string, Route>();
  #connections: SimConnection[] = [];
  #lastPort = FIRST_FREE_PORT;

  constructor(clock: Clock, random: SeededRandom, conditions: Partial<Conditions> = {}) {
    this.#clock = clock;
    this.#random = random;
    this.#conditions = {
      delayMsMin: 1,
      delayMsMax: 1,
      bytesPerMs: Infinity,
      fragment: false,
      ...conditions,
    };
  }

  /** The network as `host` sees it. */
  on(host: string): Network {
    return {
      // deno-lint-ignore require-await -- what it throws becomes a rejection
      listen: async (address, accept) => this.#listen(host, address, accept),
      dial: (address, timeoutMs) => this.#dial(host, address, timeoutMs),
    };
  }

  /** How bytes travel from one host to another; the way back is a route of its own. */
  route(from: string, to: string): Route {
    const name = `${from} ${to}`;
    let route = this.#routes.get(name);
    if (route === undefined) {
      route = new Route(this.#clock, this.#random, this.#conditions);
      this.#routes.set(name, route);
    }
    return route;
  }

  /** Nothing gets from one group of hosts into another until `heal`; what is sent waits. */
  partition(...groups: readonly (readonly string[])[]): void {
    for (const from of groups) {
      for (const to of groups) {
        if (from === to) continue;
        for (const one of from) for (const other of to) this.route(one, other).hold();
      }
    }
  }

  heal(): void {
    for (const route of this.#routes.values()) route.release();
  }

  /** Breaks every connection between two hosts: both sides learn of it at once. */
  reset(one: string, other: string): void {
    for (const connection of this.#between(one, other)) connection.break();
  }

  /** The connections between two hosts go silent: nothing arrives any more, and nobody is told. */
  silence(one: string, other: string): void {
    for (const connection of this.#between(one, other)) connection.silence();
  }

  /** The process on `host` ends: its ports close, and its connections break towards the others. */
  kill(host: string): void {
    this.#closePorts(host);
    for (const connection of this.#open()) if (connection.host === host) connection.kill();
  }

  /** The machine `host` loses power: nobody is told. */
  powerOff(host: string): void {
    this.#closePorts(host);
    for (const connection of this.#open()) {
      if (connection.host === host || connection.remote.host === host) connection.silence();
    }
  }

  #listen(host: string, address: Address, accept: (connection: Connection) => void): Listener {
    assert(address.host === host, `${host} cannot listen on ${address.host}`);
    const port = address.port === 0 ? ++this.#lastPort : address.port;
    const name = nameOf({ host, port });
    if (this.#listening.has(name)) throw new NetworkError("inUse", `${name} is in use`);
    const listening = { host, accept };
    this.#listening.set(name, listening);
    const close = () => {
      if (this.#listening.get(name) === listening) this.#listening.delete(name);
    };
    return { address: { host, port }, close };
  }

  /** A request on the way there, an answer on the way back; either may be held for too long. */
  #dial(host: string, address: Address, timeoutMs: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      let open = true;
      const settle = (run: () => void) => {
        if (!open) return;
        open = false;
        timer.cancel();
        run();
      };
      const fail = (code: "timeout" | "refused") =>
        settle(() => reject(new NetworkError(code, `${nameOf(address)}: ${code}`)));
      const timer = this.#clock.after(timeoutMs, () => fail("timeout"));
      const back = this.route(address.host, host);
      this.route(host, address.host).carry(() => {
        const listening = this.#listening.get(nameOf(address));
        if (listening === undefined) return back.carry(() => fail("refused"));
        const near = { host, port: ++this.#lastPort };
        const [dialed, accepted] = this.#connect(near, address);
        back.carry(() => open ? settle(() => resolve(dialed)) : dialed.close());
        listening.accept(accepted);
      });
    });
  }

  #connect(near: Address, far: Address): [dialed: SimConnection, accepted: SimConnection] {
    const there = this.route(near.host, far.host);
    const pair = socketPair(near, far, there, this.route(far.host, near.host));
    this.#connections = [...this.#open(), ...pair];
    return pair;
  }

  #open(): SimConnection[] {
    return this.#connections.filter((connection) => connection.open);
  }

  #between(one: string, other: string): SimConnection[] {
    return this.#open().filter(({ host, remote }) =>
      (host === one && remote.host === other) || (host === other && remote.host === one)
    );
  }

  #closePorts(host: string): void {
    for (const [name, listening] of this.#listening) {
      if (listening.host === host) this.#listening.delete(name);
    }
  }
}

function nameOf({ host, port }: Address): string {
  return `${host}:${port}`;
}
