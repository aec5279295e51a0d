/**
 * The Network port on the operating system's TCP.
 */

import {
  type Address,
  type Connection,
  type Listener,
  type Network,
  NetworkError,
} from "../base/mod.ts";

export const network: Network = {
  listen(address, accept) {
    try {
      const listener = Deno.listen({ hostname: address.host, port: address.port });
      void acceptAll(listener, accept);
      const { hostname, port } = listener.addr as Deno.NetAddr;
      return Promise.resolve<Listener>({
        address: { host: hostname, port },
        close: () => closeQuietly(listener),
      });
    } catch (error) {
      return Promise.reject(networkError(error, address));
    }
  },

  dial(address, timeoutMs) {
    return new Promise<Connection>((resolve, reject) => {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        reject(new NetworkError("timeout", `${show(address)} did not answer in ${timeoutMs} ms`));
      }, timeoutMs);
      Deno.connect({ hostname: address.host, port: address.port }).then((connection) => {
        clearTimeout(timer);
        if (late) connection.close();
        else resolve(new TcpConnection(connection));
      }, (error) => {
        clearTimeout(timer);
        if (!late) reject(networkError(error, address));
      });
    });
  },
};

class TcpConnection implements Connection {
  readonly remote: Address;
  readonly #connection: Deno.TcpConn;
  #closed = false;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    const { hostname, port } = connection.remoteAddr;
    this.remote = { host: hostname, port };
    // Small messages must not wait for the acknowledgement of earlier ones.
    connection.setNoDelay(true);
  }

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#connection.read(buffer);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#connection.write(bytes.subarray(sent));
    }
  }

  closeWrite(): Promise<void> {
    return this.#connection.closeWrite();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeQuietly(this.#connection);
  }
}

/** How long to wait when no connection can be accepted because no file descriptor is free. */
const ACCEPT_PAUSE_MS = 50;

async function acceptAll(
  listener: Deno.TcpListener,
  accept: (connection: Connection) => void,
): Promise<void> {
  while (true) {
    try {
      accept(new TcpConnection(await listener.accept()));
    } catch (error) {
      if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) {
        return; // the listener was closed
      }
      // Anything else concerns one connection, or passes: a port that stops accepting is worse.
      await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
    }
  }
}

function networkError(error: unknown, address: Address): NetworkError {
  const where = show(address);
  if (error instanceof Deno.errors.AddrInUse) {
    return new NetworkError("inUse", `${where} is in use by another process`);
  }
  if (error instanceof Deno.errors.ConnectionRefused) {
    return new NetworkError("refused", `nothing listens at ${where}`);
  }
  if (error instanceof Deno.errors.TimedOut) {
    return new NetworkError("timeout", `${where} did not answer`);
  }
  if (error instanceof Deno.errors.ConnectionReset) {
    return new NetworkError("reset", `${where} closed the connection`);
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new NetworkError("denied", `the system does not allow the use of ${where}`);
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return new NetworkError("unreachable", `${where} is no address of this machine`);
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new NetworkError("other", `${where}: ${reason}`);
}

function show(address: Address): string {
  return `${address.host}:${address.port}`;
}

function closeQuietly(resource: { close(): void }): void {
  try {
    resource.close();
  } catch {
    // already closed by the other side
  }
}
