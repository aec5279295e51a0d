/**
 * TLS for clients: any certificate that an authority of theirs vouches for, and theirs if they have
 * one. A certificate that is shown has to be a good one, also where none is needed: who shows one
 * wants to be known by it.
 */

import type { TLSSocket } from "node:tls";
import {
  type Address,
  limits,
  type TlsCredentials,
  type TlsListener,
  type TlsListenOptions,
} from "../base/mod.ts";
import { commonNames } from "./certificate.ts";
import { HalfOpen } from "./half_open.ts";
import { SocketConnection } from "./socket_connection.ts";
import { certificateBlocks } from "./tls_credentials.ts";
import { listenTls, type TlsContext } from "./tls_server.ts";

const UNFINISHED =
  "the handshake ended early: no TLS 1.3, no certificate that counts here, or too slow";
const UNTRUSTED = "its certificate does not count here";

export async function listenForClients(
  address: Address,
  { credentials, clientsCertified, accept, refused }: TlsListenOptions,
): Promise<TlsListener> {
  const isAsked = credentials.clientAuthorities !== undefined;
  const halfOpen = new HalfOpen({
    max: limits.halfOpenClientsMax,
    perAddressMax: limits.halfOpenClientsPerAddressMax,
    timeoutMs: limits.clientHandshakeTimeoutMs,
    unproven: UNFINISHED,
    refused,
  });
  const certified = new Set<SocketConnection>();
  const encrypted = (socket: TLSSocket, remote: Address): void => {
    if (!halfOpen.leave(remote)) return void socket.destroy();
    const shown = isAsked ? certificateOf(socket) : undefined;
    // The runtime calls a connection without any certificate authorized.
    if (shown === undefined ? isAsked && clientsCertified : !socket.authorized) {
      socket.on("error", () => {});
      socket.destroy();
      return refused(remote, UNTRUSTED);
    }
    const connection = new SocketConnection(socket, remote, shown && nameIn(shown));
    if (shown !== undefined) {
      certified.add(connection);
      socket.once("close", () => certified.delete(connection));
    }
    accept(connection);
  };
  const server = await listenTls(address, {
    context: contextOf(credentials),
    settings: {
      requestCert: isAsked,
      rejectUnauthorized: isAsked && clientsCertified,
      ALPNProtocols: ["http/1.1"],
    },
    halfOpen,
    encrypted,
  });
  let authorities = credentials.clientAuthorities;
  return {
    address: server.address,
    use: (next) => {
      server.use(contextOf(next));
      // Which of them vouched for whom is not known any more, and who still may come comes again.
      if (isWithdrawn(authorities, next.clientAuthorities)) {
        for (const connection of certified) connection.close();
      }
      authorities = next.clientAuthorities;
    },
    close: () => server.close(),
  };
}

/** Whether one of the authorities of before is none any more. */
function isWithdrawn(before = "", now = ""): boolean {
  const left = certificateBlocks(now);
  return certificateBlocks(before).some((one) => !left.includes(one));
}

function contextOf({ certificate, privateKey, clientAuthorities }: TlsCredentials): TlsContext {
  return {
    cert: certificate,
    key: privateKey,
    ...clientAuthorities !== undefined && { ca: clientAuthorities },
  };
}

function certificateOf(socket: TLSSocket): Uint8Array | undefined {
  return socket.getPeerCertificate()?.raw;
}

/** Empty when it is not clear who is meant. */
function nameIn(der: Uint8Array): string {
  const [name, ...others] = commonNames(der);
  return name === undefined || others.length > 0 ? "" : name;
}
