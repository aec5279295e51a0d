/**
 * The SecureNetwork port: mutual TLS 1.3 with pinned keys and no authority. What makes it hold:
 *
 * - Who dials trusts one certificate only, that of the peer it wants; who listens trusts those of
 *   all its peers. The public authorities are switched off in `main.ts`.
 * - The runtime's TLS proves that the other side holds the private half of its certificate's key.
 * - A holder of a trusted key could sign a certificate of another key, which a library that follows
 *   chains accepts: so who listens also compares the whole certificate with those it trusts.
 * - Dialing goes through `Deno.connectTls`, since the `node:tls` client of this runtime accepts
 *   forged certificates of version 1; listening needs `node:tls`, which alone asks for them.
 */

import type { Socket } from "node:net";
import { createServer, type Server, type TlsOptions, type TLSSocket } from "node:tls";
import {
  type Address,
  bytesEqual,
  type Connection,
  limits,
  NetworkError,
  type PublicKeyBytes,
  type SecureEndpoint,
  type SecureListener,
  type SecureListenOptions,
  type SecureNetwork,
} from "../base/mod.ts";
import { bodyOf, type Certificate, certificateOf, passingSigner, signerOf } from "./certificate.ts";
import { ed25519 } from "./ed25519.ts";
import { mapErrors, TcpConnection } from "./network.ts";
import { SocketConnection } from "./socket_connection.ts";

export const secureNetwork: SecureNetwork = {
  as: (privateKeyPem) => new TlsEndpoint(privateKeyPem),
};

type Anchor = { readonly key: PublicKeyBytes; readonly certificate: Certificate };

class TlsEndpoint implements SecureEndpoint {
  readonly #privateKeyPem: string;
  readonly #own: Promise<Certificate>;
  readonly #passing = passingSigner();

  constructor(privateKeyPem: string) {
    this.#privateKeyPem = privateKeyPem;
    const key = ed25519.publicKey(privateKeyPem);
    this.#own = signerOf(privateKeyPem).then((signer) => certificateOf(key, signer));
  }

  async listen(address: Address, options: SecureListenOptions): Promise<SecureListener> {
    const listener = new TlsListener((keys) => this.#secrets(keys), options);
    await listener.start(address);
    return listener;
  }

  async dial(address: Address, timeoutMs: number, key: PublicKeyBytes): Promise<Connection> {
    const anchor = await certificateOf(key, await this.#passing);
    const { pem } = await this.#own;
    const dialing = mapErrors(address, async () => {
      const tls = await Deno.connectTls({
        hostname: address.host,
        port: address.port,
        caCerts: [anchor.pem], // never none: the runtime would end the whole process
        cert: pem,
        key: this.#privateKeyPem,
        unsafelyDisableHostnameVerification: true, // a key has no host: the one anchor is the pin
      });
      try {
        await tls.handshake();
      } catch (error) {
        tls.close();
        throw error;
      }
      return tls;
    });
    return new TcpConnection(await withinTime(dialing, timeoutMs));
  }

  async #anchors(keys: readonly PublicKeyBytes[]): Promise<Anchor[]> {
    const signer = await this.#passing;
    return await Promise.all(
      keys.map(async (key) => ({ key, certificate: await certificateOf(key, signer) })),
    );
  }

  async #secrets(keys: readonly PublicKeyBytes[]): Promise<Secrets> {
    const anchors = await this.#anchors(keys);
    const { pem } = await this.#own;
    const tls: TlsOptions = {
      key: this.#privateKeyPem,
      cert: pem,
      ca: anchors.map(({ certificate }) => certificate.pem),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: "TLSv1.3",
    };
    return { anchors, tls };
  }
}

type Secrets = { readonly anchors: readonly Anchor[]; readonly tls: TlsOptions };

/** A connection whose other side has not yet proven anything. */
type Stranger = { readonly remote: Address; readonly deadline: number };

class TlsListener implements SecureListener {
  readonly #secrets: (keys: readonly PublicKeyBytes[]) => Promise<Secrets>;
  readonly #options: SecureListenOptions;
  readonly #strangers = new Map<Socket, Stranger>();
  #anchors: readonly Anchor[] = [];
  #server: Server | undefined;
  #address: Address = { host: "", port: 0 };

  constructor(
    secrets: (keys: readonly PublicKeyBytes[]) => Promise<Secrets>,
    options: SecureListenOptions,
  ) {
    this.#secrets = secrets;
    this.#options = options;
  }

  get address(): Address {
    return this.#address;
  }

  async start(address: Address): Promise<void> {
    const { anchors, tls } = await this.#secrets(this.#options.trusted);
    this.#anchors = anchors;
    const server = createServer(tls, (socket) => this.#proven(socket));
    server.on("connection", (socket) => this.#arrived(socket));
    server.on("tlsClientError", () => {}); // its socket closes, which says more
    await mapErrors(address, () =>
      new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(address.port, address.host, () => resolve());
      }));
    server.on("error", () => {}); // of accepting, for want of file descriptors: the next may do
    this.#server = server;
    const bound = server.address() as { address: string; port: number };
    this.#address = { host: bound.address, port: bound.port };
  }

  async trust(keys: readonly PublicKeyBytes[]): Promise<void> {
    const { anchors, tls } = await this.#secrets(keys);
    this.#anchors = anchors;
    this.#server?.setSecureContext(tls);
  }

  close(): void {
    this.#server?.close();
    for (const socket of this.#strangers.keys()) socket.destroy();
  }

  #arrived(socket: Socket): void {
    const remote = { host: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
    socket.on("error", () => {});
    const crowd = this.#crowd(remote.host);
    if (crowd !== null) {
      socket.destroy();
      return this.#options.refused(remote, crowd);
    }
    const deadline = setTimeout(() => socket.destroy(), limits.handshakeTimeoutMs);
    this.#strangers.set(socket, { remote, deadline });
    socket.on("close", () => {
      if (this.#forget(remote)) this.#options.refused(remote, UNPROVEN);
    });
  }

  #crowd(host: string): string | null {
    if (this.#strangers.size >= limits.halfOpenLinksMax) return "too many strangers";
    const same = [...this.#strangers.values()].filter(({ remote }) => remote.host === host);
    return same.length < limits.halfOpenLinksPerAddressMax
      ? null
      : "too many strangers of one address";
  }

  #proven(socket: TLSSocket): void {
    const remote = { host: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
    const known = this.#forget(remote);
    const body = bodyOf(socket.getPeerCertificate(true).raw);
    const anchor = this.#anchors.find(({ certificate }) => bytesEqual(certificate.body, body));
    socket.on("error", () => {});
    if (known && socket.authorized && anchor !== undefined) {
      return this.#options.accept(new SocketConnection(socket, remote), anchor.key);
    }
    socket.destroy();
    this.#options.refused(remote, UNPROVEN);
  }

  /** The handshake with `remote` has ended, one way or the other; false when it had already. */
  #forget({ host, port }: Address): boolean {
    for (const [socket, { remote, deadline }] of this.#strangers) {
      if (remote.port !== port || remote.host !== host) continue;
      clearTimeout(deadline);
      return this.#strangers.delete(socket);
    }
    return false;
  }
}

const UNPROVEN = "the handshake ended before it had proven a key that is authorised here";

/** The runtime cannot give such an attempt up, so one that comes late is closed. */
async function withinTime(
  dialing: Promise<Deno.TlsConn>,
  timeoutMs: number,
): Promise<Deno.TlsConn> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new NetworkError("timeout", `no answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    return await Promise.race([dialing, late]);
  } catch (error) {
    dialing.then((tls) => tls.close(), () => {});
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
