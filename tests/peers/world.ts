/** Nodes that only talk: Links over the simulated network, everything that happens written down. */

import { type Address, type Connection, limits, utf8 } from "../../src/base/mod.ts";
import {
  Links,
  type LinksOptions,
  type PeerMessage,
  PlainTransport,
  type SelfIdentity,
  type Transport,
} from "../../src/peers/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";
import { MemoryLog } from "../support/memory_log.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { SimNetwork } from "../support/sim_network.ts";
import type { Conditions } from "../support/sim_socket.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

export type Talker = {
  readonly links: Links;
  readonly log: MemoryLog;
  readonly heard: { readonly from: string; readonly message: PeerMessage }[];
  /** "up n2", "down n2", in order. */
  readonly events: string[];
};

const PORT = 4000;

export const hash = nativeHash();

export function addressOf(id: string): Address {
  return { host: id, port: PORT };
}

/** 16 bytes that begin with `text`. */
export function idBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(utf8(text).subarray(0, 16));
  return bytes;
}

export function identity(id: string, over: Partial<SelfIdentity> = {}): SelfIdentity {
  return { id, cluster: idBytes("cluster"), directory: idBytes(`dir ${id}`), boot: 1, ...over };
}

export function note(id: number): PeerMessage {
  return { kind: "statusRequest", id };
}

export class World {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly net: SimNetwork;

  constructor(conditions: Partial<Conditions> = {}, seed = 1) {
    this.random = new SeededRandom(seed);
    this.net = new SimNetwork(this.clock, this.random.fork(), conditions);
  }

  /** Starts a node that knows `peers`; it listens and dials under its own name as host. */
  async start(
    id: string,
    peers: readonly string[],
    over: Partial<SelfIdentity> = {},
    host = id,
  ): Promise<Talker> {
    const talker = this.talker(id, peers, over, host);
    await talker.links.start();
    return talker;
  }

  talker(
    id: string,
    peers: readonly string[],
    over: Partial<SelfIdentity> = {},
    host = id,
    refuse: LinksOptions["refuse"] = () => null,
    transport: Transport = new PlainTransport(this.net.on(host)),
  ): Talker {
    const log = new MemoryLog();
    const heard: Talker["heard"] = [];
    const events: string[] = [];
    const { clock, random } = this;
    const links = new Links({
      ports: { clock, random: random.fork(), hash, log },
      transport,
      self: identity(id, over),
      listen: addressOf(host),
      peers: new Map(peers.map((peer) => [peer, addressOf(peer)])),
      refuse,
      onMessage: (from, message) => void heard.push({ from, message }),
      onUp: (peer) => void events.push(`up ${peer}`),
      onDown: (peer) => void events.push(`down ${peer}`),
    });
    return { links, log, heard, events };
  }

  /** A bare connection to the node `id`, as a stranger would open it. */
  async knock(id: string, host = "stranger"): Promise<Connection> {
    let connection: Connection | undefined;
    this.net.on(host).dial(addressOf(id), 1_000).then((one) => connection = one);
    await this.clock.until(() => connection !== undefined);
    return connection as Connection;
  }

  /** Everything that arrives on a bare connection within the handshake deadline, and its end. */
  async listen(connection: Connection): Promise<{ bytes: number[]; ended: boolean }> {
    const seen = { bytes: [] as number[], ended: false };
    const buffer = new Uint8Array(10_000);
    const read = async () => {
      while (true) {
        const count = await connection.read(buffer);
        if (count === null) return;
        seen.bytes.push(...buffer.subarray(0, count));
      }
    };
    const end = () => void (seen.ended = true);
    read().then(end, end);
    await this.clock.advance(2 * limits.handshakeTimeoutMs);
    return seen;
  }
}
