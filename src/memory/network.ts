/**
 * The Network port in memory: hosts that reach each other and nobody else.
 */

import {
  type Address,
  type Clock,
  type Connection,
  type Listener,
  type Network,
  NetworkError,
} from "../base/mod.ts";
import { Pipe } from "./pipe.ts";

type Accept = (connection: Connection) => void;

/** Where ports begin that nobody asked for by number. */
const PORT_FIRST = 49_152;

export class MemoryNetwork {
  readonly #clock: Clock;
  readonly #listeners = new Map<string, Accept>();
  #lastPort = PORT_FIRST;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The network as the host of that name has it. */
  at(host: string): Network {
    return {
      listen: (address, accept) => this.#listen(address, accept),
      dial: (address) => this.#dial(host, address),
    };
  }

  async #listen(address: Address, accept: Accept): Promise<Listener> {
    await this.#clock.yield();
    const { host, port } = address;
    const bound = { host, port: port === 0 ? ++this.#lastPort : port };
    const name = nameOf(bound);
    if (this.#listeners.has(name)) throw new NetworkError("inUse", `${name}: in use`);
    this.#listeners.set(name, accept);
    const close = (): void => {
      if (this.#listeners.get(name) === accept) this.#listeners.delete(name);
    };
    return { address: bound, close };
  }

  async #dial(from: string, to: Address): Promise<Connection> {
    await this.#clock.yield();
    const accept = this.#listeners.get(nameOf(to));
    if (accept === undefined) {
      throw new NetworkError("refused", `${nameOf(to)}: nothing listens there`);
    }
    const [there, back] = [new Pipe(this.#clock), new Pipe(this.#clock)];
    const caller = { host: from, port: ++this.#lastPort };
    accept(new MemoryConnection(caller, there, back));
    return new MemoryConnection(to, back, there);
  }
}

class MemoryConnection implements Connection {
  readonly remote: Address;
  readonly #input: Pipe;
  readonly #output: Pipe;

  constructor(remote: Address, input: Pipe, output: Pipe) {
    this.remote = remote;
    this.#input = input;
    this.#output = output;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#input.read(buffer);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#output.write(bytes);
  }

  closeWrite(): Promise<void> {
    this.#output.end();
    return Promise.resolve();
  }

  close(): void {
    this.#output.end();
    this.#input.abandon();
  }
}

function nameOf({ host, port }: Address): string {
  return `${host}:${port}`;
}
