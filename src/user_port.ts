/**
 * The port for clients: plain, or TLS with credentials that can be renewed while it is open.
 */

import type { TlsCounters } from "./api/mod.ts";
import type {
  Address,
  Clock,
  Connection,
  Expiry,
  Listener,
  Log,
  Network,
  Result,
  TlsCredentials,
  TlsListener,
  TlsNetwork,
} from "./base/mod.ts";

/** What a node shows its clients, and where it finds that anew: only what can be used. */
export type NodeTls = {
  readonly credentials: TlsCredentials;
  readonly source: () => Result<TlsCredentials, string>;
};

export type UserPortOptions = {
  readonly ports: {
    readonly network: Network;
    readonly tlsNetwork: TlsNetwork;
    readonly clock: Clock;
  };
  readonly log: Log;
  /** Undefined: no TLS. */
  readonly tls: NodeTls | undefined;
  /** Whether clients without a certificate are turned away. */
  readonly clientsCertified: boolean;
};

/** Whoever renews certificates by hand should be told in time. */
const EXPIRES_SOON_MS = 14 * 24 * 3_600_000;

export class UserPort {
  readonly #options: UserPortOptions;
  #listener: TlsListener | undefined;
  #inUse: TlsCredentials | undefined;
  #counters: TlsCounters | undefined;

  constructor(options: UserPortOptions) {
    this.#options = options;
  }

  async listen(
    address: Address,
    accept: (connection: Connection) => void,
    counters: TlsCounters,
  ): Promise<Listener> {
    const { ports: { network, tlsNetwork }, log, tls, clientsCertified } = this.#options;
    if (tls === undefined) return await network.listen(address, accept);
    const { credentials } = tls;
    this.#listener = await tlsNetwork.listen(address, {
      credentials,
      clientsCertified,
      accept,
      // Counted, and told only who asks: strangers must not fill the log.
      refused: ({ host }, reason) => {
        counters.handshakesFailed++;
        log.debug("client refused", { host, reason });
      },
    });
    this.#counters = counters;
    this.#take(credentials);
    return this.#listener;
  }

  /** What is wrong with new credentials is logged, and those of before go on to be used. */
  reload(): void {
    const { tls, log } = this.#options;
    if (tls === undefined || this.#listener === undefined) return;
    const read = tls.source();
    if (!read.ok) {
      return log.error("certificate not reloaded", {
        reason: `${read.error}; the one of before goes on to be used`,
      });
    }
    if (JSON.stringify(read.value) === JSON.stringify(this.#inUse)) return;
    this.#listener.use(read.value);
    this.#take(read.value);
  }

  #take(credentials: TlsCredentials): void {
    this.#inUse = credentials;
    const expiry = this.#options.ports.tlsNetwork.check(credentials);
    if (!expiry.ok) return;
    if (this.#counters !== undefined) this.#counters.certificateEndsAtMs = expiry.value.atMs;
    this.#tell(expiry.value);
  }

  #tell({ atMs, text }: Expiry): void {
    const { log, ports: { clock } } = this.#options;
    const leftMs = atMs - clock.wallTime();
    if (leftMs <= 0) log.warn("the certificate for clients has expired", { expired: text });
    else if (leftMs < EXPIRES_SOON_MS) {
      log.warn("the certificate for clients expires soon", { expires: text });
    } else log.info("certificate in use", { expires: text });
  }
}
