/**
 * The HTTP front on a simulated network, and a client that sees bytes.
 */

import assert from "node:assert/strict";
import { type Connection, type Log, NetworkError, utf8 } from "../../src/base/mod.ts";
import { type HttpLimits, type HttpServer, serveHttp } from "../../src/api/mod.ts";
import { nativeHash } from "../../src/platform/mod.ts";
import {
  Authentication,
  GuardedAccess,
  makeOperatorToken,
  Policies,
  type PolicyFiles,
  PolicyInForce,
  Service,
  Tokens,
} from "../../src/service/mod.ts";
import { FakeReplica } from "../support/fake_replica.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { SimNetwork } from "../support/sim_network.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

export type Options = {
  readonly limits?: Partial<HttpLimits>;
  readonly valueBytesMax?: number;
  /** Who shows nothing is turned away. */
  readonly authenticated?: boolean;
  readonly policy?: PolicyFiles;
  /** Cut what travels into random pieces. */
  readonly fragment?: boolean;
};

export class Harness {
  readonly clock = new VirtualClock();
  readonly replica = new FakeReplica();
  readonly logged: string[] = [];
  readonly operatorToken: string = "";
  readonly network: SimNetwork;
  readonly server: HttpServer;

  private constructor(network: SimNetwork, clock: VirtualClock, server: HttpServer) {
    this.network = network;
    this.clock = clock;
    this.server = server;
  }

  static async start(options: Options = {}): Promise<Harness> {
    const clock = new VirtualClock();
    const fragment = options.fragment ?? false;
    const network = new SimNetwork(clock, new SeededRandom(1), { fragment });
    const replica = new FakeReplica();
    const logged: string[] = [];
    const log = logTo(logged);
    const hash = nativeHash();
    const required = options.authenticated ?? false;
    const operator = makeOperatorToken({ hash, random: new SeededRandom(3) });
    const policy = await PolicyInForce.open({ replica, log, files: options.policy });
    assert.ok(policy.ok);
    const authentication = new Authentication({ replica, hash, required, operator });
    const access = new GuardedAccess(authentication, policy.value);
    const policies = new Policies({ replica, clock, hash, log, policy: policy.value, required });
    const tokens = new Tokens({ replica, clock, hash, random: new SeededRandom(2), log });
    const valueBytesMax = options.valueBytesMax ?? 1024;
    const server = await serveHttp({
      door: network.on("server"),
      clock,
      log,
      service: new Service({ replica, clock, valueBytesMax, access, tokens, policies }),
      address: { host: "server", port: 380 },
      limits: options.limits ?? {},
      hosts: ["n1", "kv.example.com"],
    });
    return Object.assign(new Harness(network, clock, server), {
      replica,
      logged,
      operatorToken: operator.text.reveal(),
    });
  }

  async connect(host = "client"): Promise<Client> {
    const dialed = this.network.on(host).dial({ host: "server", port: 380 }, 10_000);
    await this.clock.advance(2);
    return new Client(await dialed, this.clock);
  }

  /** One connection that sends `bytes` and reads until the server has nothing more to say. */
  async exchange(bytes: Uint8Array | string): Promise<string> {
    const client = await this.connect();
    const answer = await client.exchange(bytes);
    client.close();
    return answer;
  }

  /** Ends the server, so that no timer is left over. */
  async stop(): Promise<void> {
    this.server.close();
    await this.clock.advance(10);
  }
}

export class Client {
  ended = false;
  readonly #connection: Connection;
  readonly #clock: VirtualClock;
  #received = "";

  constructor(connection: Connection, clock: VirtualClock, reads = true) {
    this.#connection = connection;
    this.#clock = clock;
    if (reads) void this.#readAll();
  }

  send(bytes: Uint8Array | string): void {
    this.#connection.write(typeof bytes === "string" ? latin1Bytes(bytes) : bytes).catch(() => {});
  }

  async exchange(bytes: Uint8Array | string): Promise<string> {
    this.send(bytes);
    await this.#clock.advance(10);
    return this.take();
  }

  /** What has come since the last call, a character for each byte. */
  take(): string {
    const received = this.#received;
    this.#received = "";
    return received;
  }

  async endWriting(): Promise<void> {
    await this.#connection.closeWrite();
  }

  close(): void {
    this.#connection.close();
  }

  async #readAll(): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const count = await this.#connection.read(buffer);
        if (count === null) break;
        for (let i = 0; i < count; i++) this.#received += String.fromCharCode(buffer[i] as number);
      }
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
    }
    this.ended = true;
    this.close(); // as real clients do
  }
}

/** A gate that holds the replica's answers back until it is opened. */
export function gate(harness: Harness): () => void {
  let open = (): void => {};
  harness.replica.gate = new Promise((resolve) => open = resolve);
  return () => {
    harness.replica.gate = null;
    open();
  };
}

/** A request with a Host; `body` gets its Content-Length. */
export function request(
  line: string,
  headers: readonly string[] = [],
  body?: string,
): string {
  const all = ["Host: n1", ...headers];
  if (body !== undefined) all.push(`Content-Length: ${body.length}`);
  return `${line} HTTP/1.1\r\n${all.map((header) => `${header}\r\n`).join("")}\r\n${body ?? ""}`;
}

/** The status codes of the answers in `text`. */
export function statuses(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}

export function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

export function item(text: string): Uint8Array {
  return utf8(text);
}

function logTo(lines: string[]): Log {
  const write = (level: string) => (event: string, fields: unknown = {}) =>
    void lines.push(`${level} ${event} ${JSON.stringify(fields)}`);
  const log: Log = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    with: () => log,
  };
  return log;
}
