/**
 * Layer 4: the real world behind the ports.
 *
 * Duty: implement every port of `src/base/ports.ts` on the operating system, and give access to
 * this process (arguments, streams, signals, children).
 * Invariants: the only folder (with `main.ts`) that may name `Deno`, `node:` or the wall clock;
 * each port passes the same contract suite as its simulated counterpart.
 * May import: base.
 */

import type {
  Clock,
  Disk,
  Ed25519,
  Hash,
  Network,
  Process,
  Random,
  SecureNetwork,
  TlsNetwork,
} from "../base/mod.ts";
import { systemClock } from "./clock.ts";
import { nativeDisk } from "./disk.ts";
import { ed25519 } from "./ed25519.ts";
import { nativeHash } from "./hash.ts";
import { network } from "./network.ts";
import { secureNetwork } from "./secure_network.ts";
import { tlsNetwork } from "./tls_network.ts";
import { systemProcess } from "./usage.ts";
import { systemRandom } from "./random.ts";

export * from "./clock.ts";
export * from "./disk.ts";
export * from "./ed25519.ts";
export * from "./hash.ts";
export * from "./log.ts";
export * from "./network.ts";
export * from "./process.ts";
export * from "./random.ts";
export * from "./secure_network.ts";
export * from "./tls_fetch.ts";
export * from "./tls_network.ts";
export * from "./usage.ts";

export type RealPorts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: Hash;
  readonly ed25519: Ed25519;
  readonly disk: Disk;
  readonly network: Network;
  readonly secureNetwork: SecureNetwork;
  readonly tlsNetwork: TlsNetwork;
  readonly process: Process;
};

/** The world as it is. */
export function realPorts(): RealPorts {
  return {
    clock: systemClock(),
    random: systemRandom(),
    hash: nativeHash(),
    ed25519,
    disk: nativeDisk(),
    network,
    secureNetwork,
    tlsNetwork,
    process: systemProcess,
  };
}
