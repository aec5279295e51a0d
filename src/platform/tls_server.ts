/**
 * The listening side of TLS, for nodes and for clients alike. By `node:tls`, since a connection of
 * `Deno.listenTls` that never finishes its handshake stays open.
 */

import type { TlsOptions, TLSSocket } from "node:tls";
import type { Address } from "../base/mod.ts";
import type { HalfOpen } from "./half_open.ts";
import { listenOn } from "./network.ts";
import { remoteOf } from "./socket_connection.ts";

export type TlsContext = {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string | undefined;
};

export type TlsServerOptions = {
  readonly context: TlsContext;
  readonly settings?: Pick<TlsOptions, "requestCert" | "rejectUnauthorized" | "ALPNProtocols">;
  /** Where connections wait; who takes one out of it decides when it has proven enough. */
  readonly halfOpen: HalfOpen;
  /** TLS is done with it. */
  readonly encrypted: (socket: TLSSocket, remote: Address) => void;
};

export type TlsServer = {
  readonly address: Address;
  /** For handshakes that begin from now on. */
  use(context: TlsContext): void;
  close(): void;
};

/** The oldest version that is spoken. */
const VERSION = { minVersion: "TLSv1.3" } as const;

export async function listenTls(
  address: Address,
  { context, settings, halfOpen, encrypted }: TlsServerOptions,
): Promise<TlsServer> {
  // Not before: a bundle loads what is imported by name, whoever needs it.
  const { createServer } = await import("node:tls");
  const options = { ...context, ...settings, ...VERSION };
  const server = createServer(options, (socket) => encrypted(socket, remoteOf(socket)));
  server.on("connection", (socket) => halfOpen.enter(socket));
  server.on("tlsClientError", () => {}); // its socket closes, which says more
  return {
    address: await listenOn(server, address),
    use: (next) => server.setSecureContext({ ...next, ...VERSION }),
    close: () => {
      server.close();
      halfOpen.close();
    },
  };
}
