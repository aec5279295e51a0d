/**
 * The load generator for Keva's HTTP API: a program of its own, so that its cost is not mistaken
 * for anybody else's.
 *
 * Every answer is checked, and only a right one counts:
 * - a write: 200, and a revision above that of the client's write before;
 * - a read: 200, linearizable, with a revision, with a value of the right length, which begins with
 *   the key that it was stored under.
 */

import { HttpClient } from "./http_client.ts";
import { type Job, serveJobs } from "./load_process.ts";
import { Tally } from "./tally.ts";
import type { Load, OnEdge } from "./target.ts";
import { KEY_BYTES, keysOf, type Operation } from "./workload.ts";

const PUT = "PUT /v1/storage/key/";
const GET = "GET /v1/storage/key/";
/** Between two attempts of a client that failed, so that a node that refuses is not flooded. */
const RETRY_MS = 20;

/** The bytes of one request, into which the key is written anew each time. */
class RequestBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #keyAt: number;
  /** Where the value begins, which repeats the key; a read has none. */
  readonly #valueAt: number | null;

  constructor(operation: Operation, valueBytes: number) {
    const write = operation === "write";
    const start = write ? PUT : GET;
    const length = write ? `Content-Length: ${valueBytes}\r\n` : "";
    const head = `${start}${" ".repeat(KEY_BYTES)} HTTP/1.1\r\nHost: keva\r\n${length}\r\n`;
    this.bytes = new Uint8Array(head.length + (write ? valueBytes : 0));
    new TextEncoder().encodeInto(head, this.bytes);
    this.#keyAt = start.length;
    this.#valueAt = write ? head.length : null;
    // Nothing that a store or a disk could make smaller.
    crypto.getRandomValues(this.bytes.subarray(head.length));
  }

  set key(key: Uint8Array) {
    this.bytes.set(key, this.#keyAt);
    if (this.#valueAt !== null) this.bytes.set(key, this.#valueAt);
  }
}

type ClientOptions = {
  /** Of the nodes that this client asks in turn, over one connection each. */
  readonly ports: readonly number[];
  readonly operation: Operation;
  readonly valueBytes: number;
  /** The next key, or null to stop. */
  readonly next: () => Uint8Array | null;
  readonly tally: Tally;
};

/** One client: a request, its answer, the next request. */
class LoadClient {
  readonly #options: ClientOptions;
  readonly #request: RequestBytes;
  readonly #connections: (HttpClient | null)[];
  #turn = 0;
  #revision = 0;

  constructor(options: ClientOptions) {
    const { ports, operation, valueBytes } = options;
    this.#options = options;
    this.#request = new RequestBytes(operation, valueBytes);
    this.#connections = ports.map(() => null);
  }

  async run(): Promise<void> {
    const { next, tally } = this.#options;
    let startedAt = performance.now();
    for (let key = next(); key !== null; key = next()) {
      const fault = await this.#ask(key);
      const now = performance.now();
      if (fault === null) {
        tally.done(now - startedAt);
        startedAt = now;
      } else {
        tally.failed(fault);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        startedAt = performance.now();
      }
    }
    for (const connection of this.#connections) connection?.close();
  }

  /** Null when the answer was right, else what was wrong with it. */
  async #ask(key: Uint8Array): Promise<string | null> {
    const { ports, operation, valueBytes } = this.#options;
    const turn = this.#turn++ % ports.length;
    this.#request.key = key;
    try {
      const connection = this.#connections[turn] ??
        await HttpClient.connect(ports[turn] as number, valueBytes);
      this.#connections[turn] = connection;
      await connection.exchange(this.#request.bytes);
      if (connection.status !== 200) return `status ${connection.status}`;
      if (operation === "read") return readFault(connection, key, valueBytes);
      if (connection.revision <= this.#revision) return "wrong: the revision does not grow";
      this.#revision = connection.revision;
      return null;
    } catch (error) {
      this.#connections[turn]?.close();
      this.#connections[turn] = null;
      return error instanceof Error ? error.message : String(error);
    }
  }
}

function readFault(answer: HttpClient, key: Uint8Array, valueBytes: number): string | null {
  const { buffer, bodyStart, bodyEnd } = answer;
  if (!answer.linearizable) return "wrong: not linearizable";
  if (answer.revision === 0) return "wrong: no revision";
  if (bodyEnd - bodyStart !== valueBytes) return "wrong: the length of the value";
  for (let i = 0; i < KEY_BYTES; i++) {
    if (buffer[bodyStart + i] !== key[i]) return "wrong: the value of another key";
  }
  return null;
}

async function run({ job, ports }: Job, onEdge: OnEdge): Promise<Load> {
  const { keys, valueBytes } = job.data;
  const bytes = keysOf(job.data);
  const key = (number: number): Uint8Array =>
    bytes.subarray(number * KEY_BYTES, (number + 1) * KEY_BYTES);
  if (job.kind === "fill") {
    let filled = 0;
    const next = (): Uint8Array | null => filled < keys ? key(filled++) : null;
    const tally = new Tally(0); // keeps no latencies, but what failed
    tally.begin();
    await runClients(ports, {
      operation: "write",
      clients: job.clients,
      valueBytes,
      next,
      tally,
    });
    tally.end();
    return tally.load();
  }
  const tally = new Tally(job.measureMs);
  let ended = false;
  const next = (): Uint8Array | null => ended ? null : key(Math.floor(Math.random() * keys));
  const running = runClients(ports, { ...job.workload, valueBytes, next, tally });
  await pause(job.warmupMs);
  onEdge("begin");
  tally.begin();
  await pause(job.measureMs);
  tally.end();
  onEdge("end");
  ended = true;
  await running;
  return tally.load();
}

/** Each client has its node; fewer clients than nodes share the nodes out and ask theirs in turn. */
async function runClients(
  ports: readonly number[],
  options: Omit<ClientOptions, "ports"> & { readonly clients: number },
): Promise<void> {
  const { clients } = options;
  const portsOf = (client: number): number[] =>
    clients < ports.length
      ? ports.filter((_, node) => node % clients === client)
      : [ports[client % ports.length] as number];
  await Promise.all(
    Array.from(
      { length: clients },
      (_, i) => new LoadClient({ ...options, ports: portsOf(i) }).run(),
    ),
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

if (import.meta.main) await serveJobs(run);
