/**
 * The Network port on TCP.
 */

import type { Server } from "node:net";
import {
  type Address,
  type Connection,
  type Listener,
  type Network,
  NetworkError,
} from "../base/mod.ts";
import { remoteOf, SocketConnection } from "./socket_connection.ts";

/** What each failure of the runtime means, and how to say it of `where`. */
const FAILURES: Readonly<Record<string, [code: NetworkError["code"], says: string]>> = {
  ConnectionRefused: ["refused", "nothing listens there"],
  TimedOut: ["timeout", "no answer"],
  ConnectionReset: ["reset", "the other side broke the connection"],
  ConnectionAborted: ["reset", "the other side broke the connection"],
  BrokenPipe: ["reset", "the other side broke the connection"],
  UnexpectedEof: ["reset", "the other side broke the connection"],
  NotConnected: ["reset", "not connected any more"],
  Interrupted: ["reset", "closed on this side"],
  BadResource: ["reset", "closed on this side"],
  AddrInUse: ["inUse", "in use by another process"],
  AddrNotAvailable: ["unreachable", "no address of this machine"],
  PermissionDenied: ["denied", "the system does not allow its use"],
  NotCapable: ["denied", "the system does not allow its use"],
  InvalidData: ["denied", "it holds another key than the one that is authorised for it"],
};

/** What `node:net` calls some of them. */
const NODE_NAMES: Readonly<Record<string, string>> = {
  EADDRINUSE: "AddrInUse",
  EADDRNOTAVAIL: "AddrNotAvailable",
  EACCES: "PermissionDenied",
};

export const network: Network = {
  listen,
  dial: (address, timeoutMs) => mapErrors(address, () => dial(address, timeoutMs)),
};

/**
 * By `node:net`: a connection of `Deno.listen` that is closed while the other side takes no more
 * bytes stays open for as long as that side likes.
 */
async function listen(
  address: Address,
  accept: (connection: Connection) => void,
): Promise<Listener> {
  // Not before: a bundle loads what is imported by name, whoever needs it.
  const { createServer } = await import("node:net");
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accept(new SocketConnection(socket, remoteOf(socket)));
  });
  return {
    address: await listenOn(server, address),
    close: () => void server.close(),
  };
}

/** Resolves with the address that it got. */
export async function listenOn(server: Server, address: Address): Promise<Address> {
  await mapErrors(address, () =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(address.port, address.host, () => resolve());
    }));
  server.on("error", () => {}); // of accepting, for want of file descriptors: the next may do
  const bound = server.address() as { address: string; port: number };
  return { host: bound.address, port: bound.port };
}

async function dial(address: Address, timeoutMs: number): Promise<Connection> {
  return new TcpConnection(await dialTcp(address, timeoutMs));
}

export async function dialTcp(address: Address, timeoutMs: number): Promise<Deno.TcpConn> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const { host: hostname, port } = address;
    return await Deno.connect({ hostname, port, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new NetworkError("timeout", `${show(address)}: no answer within ${timeoutMs} ms`);
  }
}

export class TcpConnection implements Connection {
  readonly remote: Address;
  readonly #tcp: Deno.TcpConn | Deno.TlsConn;

  constructor(tcp: Deno.TcpConn | Deno.TlsConn) {
    this.#tcp = tcp;
    this.remote = { host: tcp.remoteAddr.hostname, port: tcp.remoteAddr.port };
    try {
      // Frames leave at once: gathering is done above, where it is known.
      if ("setNoDelay" in tcp) tcp.setNoDelay(true);
    } catch {
      // Already reset by the other side: the first read will say so.
    }
  }

  // These two are the hottest calls of all, so they go without a closure and a second promise.

  async read(buffer: Uint8Array): Promise<number | null> {
    try {
      return await this.#tcp.read(buffer);
    } catch (error) {
      throw mapped(error, this.remote);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.#tcp.write(bytes.subarray(at));
    } catch (error) {
      throw mapped(error, this.remote);
    }
  }

  closeWrite(): Promise<void> {
    return mapErrors(this.remote, () => this.#tcp.closeWrite());
  }

  close(): void {
    closeQuietly(this.#tcp);
  }
}

export async function mapErrors<T>(where: Address, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw mapped(error, where);
  }
}

function mapped(error: unknown, where: Address): unknown {
  if (error instanceof NetworkError || !(error instanceof Error)) return error;
  const name = NODE_NAMES[(error as { code?: string }).code ?? ""] ?? error.name;
  const [code, says] = FAILURES[name] ?? unnamed(error);
  return new NetworkError(code, `${show(where)}: ${says}`);
}

/** The runtime gives these no name of their own. */
function unnamed({ message }: Error): [code: NetworkError["code"], says: string] {
  return [/unreachable|lookup/i.test(message) ? "unreachable" : "other", message];
}

function show({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The port promises that closing twice is no error. */
function closeQuietly(resource: { close(): void }): void {
  try {
    resource.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
