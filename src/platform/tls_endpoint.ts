/**
 * TLS with pinned keys and no authority. How each side proves its key:
 *
 * - Who listens, by its certificate: who dials trusts that of the wanted key only. The public
 *   authorities are switched off in `main.ts`.
 * - Who dials, by a signature inside the encrypted connection, over a number that the other side
 *   has just drawn and both keys. So it cannot be repeated, and a node that is dialed cannot pass it
 *   on to another one in the dialing node's name.
 *
 * A certificate of the dialing side would do as well, but this runtime shows one only on connections
 * that gather small writes (Nagle's algorithm), which held messages up for 40 ms. It dials by
 * `Deno.startTls`, since its `node:tls` client accepts forged certificates.
 */

import type { TLSSocket } from "node:tls";
import {
  type Address,
  bytesEqual,
  concat,
  type Connection,
  limits,
  NetworkError,
  type PublicKeyBytes,
  type SecureEndpoint,
  type SecureListener,
  type SecureListenOptions,
  utf8,
} from "../base/mod.ts";
import { certificateOf, passingSigner, signerOf } from "./certificate.ts";
import { ed25519, signWith, verifyWith } from "./ed25519.ts";
import { HalfOpen } from "./half_open.ts";
import { dialTcp, mapErrors, TcpConnection } from "./network.ts";
import { SocketConnection } from "./socket_connection.ts";
import { listenTls, type TlsContext, type TlsServer } from "./tls_server.ts";

const NONCE_BYTES = 32;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Keeps these signatures apart from all others that the key may ever make. */
const PURPOSE = utf8("keva: proof of the node that dials, version 1\n");

/** What the dialing node signs. */
export function proofMessage(
  nonce: Uint8Array,
  listening: PublicKeyBytes,
  dialing: PublicKeyBytes,
): Uint8Array {
  return concat([PURPOSE, nonce, listening, dialing]);
}

export class TlsEndpoint implements SecureEndpoint {
  #holder: Holder;
  readonly #listening = new Set<{ readonly server: TlsServer; readonly door: Door }>();
  readonly #passing = passingSigner();

  constructor(privateKeyPem: string) {
    this.#holder = holderOf(privateKeyPem);
  }

  async use(privateKeyPem: string): Promise<void> {
    const holder = holderOf(privateKeyPem);
    const context = await contextOf(holder);
    this.#holder = holder;
    for (const { server, door } of this.#listening) {
      door.prove(holder.key);
      server.use(context);
    }
  }

  async listen(address: Address, options: SecureListenOptions): Promise<SecureListener> {
    const door = new Door(this.#holder.key, options);
    const server = await listenTls(address, {
      context: await contextOf(this.#holder),
      halfOpen: door.halfOpen,
      encrypted: (socket, remote) => void door.encrypted(socket, remote),
    });
    const listening = { server, door };
    this.#listening.add(listening);
    return {
      address: server.address,
      trust: (keys) => void (door.trusted = keys),
      close: () => {
        this.#listening.delete(listening);
        server.close();
      },
    };
  }

  async dial(address: Address, timeoutMs: number, key: PublicKeyBytes): Promise<Connection> {
    const anchor = await certificateOf(key, await this.#passing);
    return await mapErrors(address, async () => {
      const tcp = await dialTcp(address, timeoutMs);
      tcp.setNoDelay(true); // before it is wrapped: afterwards the runtime has no way
      const tls = await Deno.startTls(tcp, {
        hostname: address.host,
        caCerts: [anchor], // never none: the runtime would end the whole process
        unsafelyDisableHostnameVerification: true, // a key has no host: the one anchor is the pin
      });
      const connection = new TcpConnection(tls);
      await within(timeoutMs, connection, async () => {
        const nonce = await readExactly(connection, NONCE_BYTES);
        const { privateKeyPem, key: own } = this.#holder;
        const message = proofMessage(nonce, key, own);
        await connection.write(concat([own, signWith(privateKeyPem, message)]));
      });
      return connection;
    });
  }
}

type Holder = {
  readonly privateKeyPem: string;
  readonly key: PublicKeyBytes;
  readonly certificatePem: Promise<string>;
};

function holderOf(privateKeyPem: string): Holder {
  const key = ed25519.publicKey(privateKeyPem);
  const certificatePem = signerOf(privateKeyPem).then((one) => certificateOf(key, one));
  return { privateKeyPem, key, certificatePem };
}

async function contextOf({ privateKeyPem, certificatePem }: Holder): Promise<TlsContext> {
  return { cert: await certificatePem, key: privateKeyPem };
}

/** Where strangers stand until they have proven who they are. */
class Door {
  trusted: readonly PublicKeyBytes[];
  readonly halfOpen: HalfOpen;
  /** The key that is shown now, and the one before, of handshakes that began with it. */
  #own: readonly PublicKeyBytes[];
  readonly #options: SecureListenOptions;

  constructor(own: PublicKeyBytes, options: SecureListenOptions) {
    this.#own = [own];
    this.#options = options;
    this.trusted = options.trusted;
    this.halfOpen = new HalfOpen({
      max: limits.halfOpenLinksMax,
      perAddressMax: limits.halfOpenLinksPerAddressMax,
      timeoutMs: limits.handshakeTimeoutMs,
      unproven: UNPROVEN,
      refused: options.refused,
    });
  }

  prove(own: PublicKeyBytes): void {
    this.#own = [own, ...this.#own.slice(0, 1)];
  }

  /** TLS is done; who is at the other end is still to be proven. */
  async encrypted(socket: TLSSocket, remote: Address): Promise<void> {
    const connection = new SocketConnection(socket, remote);
    try {
      const key = await this.#proven(connection);
      if (key !== null && this.halfOpen.leave(remote)) {
        return this.#options.accept(connection, key);
      }
    } catch {
      // It has hung up, or was too slow.
    }
    socket.destroy();
  }

  /** The trusted key that the other side holds, or null. */
  async #proven(connection: Connection): Promise<PublicKeyBytes | null> {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    await connection.write(nonce);
    const proof = await readExactly(connection, KEY_BYTES + SIGNATURE_BYTES);
    const [key, signature] = [proof.slice(0, KEY_BYTES), proof.subarray(KEY_BYTES)];
    if (!this.trusted.some((one) => bytesEqual(one, key))) return null;
    const isMeant = (own: PublicKeyBytes) =>
      verifyWith(key, proofMessage(nonce, own, key), signature);
    return this.#own.some(isMeant) ? key : null;
  }
}

const UNPROVEN = "the handshake ended before it had proven a key that is authorised here";

/** Ends the connection when `run` fails or takes too long, which ends what it waits for. */
async function within(
  timeoutMs: number,
  connection: Connection,
  run: () => Promise<void>,
): Promise<void> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    connection.close();
  }, timeoutMs);
  try {
    await run();
  } catch (error) {
    connection.close();
    throw late ? new NetworkError("timeout", `no answer within ${timeoutMs} ms`) : error;
  } finally {
    clearTimeout(timer);
  }
}

async function readExactly(connection: Connection, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await connection.read(bytes.subarray(at));
    if (count === null) throw new NetworkError("reset", "closed by the other side");
    at += count;
  }
  return bytes;
}
