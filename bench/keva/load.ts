/**
 * The load generator for Keva's HTTP API: a program of its own, so that its cost is not mistaken
 * for anybody else's.
 *
 * A right answer to a write is 200. One to a read is 200, linearizable, with a revision and with
 * the value of the key.
 */

import { serveJobs } from "../load/process.ts";
import { type Protocol, randomValue, type Session, valueFault } from "../load/session.ts";
import { KEY_BYTES, type Operation } from "../workload.ts";
import { HttpClient } from "./http_client.ts";

const PUT = "PUT /v1/storage/key/";
const GET = "GET /v1/storage/key/";

type Showing = {
  readonly token: string | undefined;
  /** Writes carry an idempotency key, another one each time. */
  readonly once: boolean;
};
type Asking = Showing & { readonly valueBytes: number };

const ID_DIGITS = 16;

/** The bytes of one request, into which the key is written anew each time. */
class RequestBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #keyAt: number;
  /** Where the value begins, which repeats the key; a read has none. */
  readonly #valueAt: number | null;
  /** Where the idempotency key counts; null: there is none. */
  readonly #countAt: number | null;
  #count = 0;

  constructor(operation: Operation, { valueBytes, token, once }: Asking) {
    const write = operation === "write";
    const start = write ? PUT : GET;
    const length = write ? `Content-Length: ${valueBytes}\r\n` : "";
    const proof = token === undefined ? "" : `Authorization: Bearer ${token}\r\n`;
    const name = "Idempotency-Key: ";
    const id = write && once ? `${name}${randomDigits()}${"0".repeat(ID_DIGITS)}\r\n` : "";
    const target = `${start}${" ".repeat(KEY_BYTES)}`;
    const head = `${target} HTTP/1.1\r\nHost: localhost\r\n${proof}${id}${length}\r\n`;
    this.bytes = new Uint8Array(head.length + (write ? valueBytes : 0));
    new TextEncoder().encodeInto(head, this.bytes);
    this.#keyAt = start.length;
    this.#countAt = id === "" ? null : head.indexOf(name) + name.length + ID_DIGITS;
    this.#valueAt = write ? head.length : null;
    if (write) this.bytes.set(randomValue(valueBytes), head.length);
  }

  set key(key: Uint8Array) {
    this.bytes.set(key, this.#keyAt);
    if (this.#valueAt !== null) this.bytes.set(key, this.#valueAt);
    if (this.#countAt === null) return;
    const digits = String(++this.#count).padStart(ID_DIGITS, "0");
    new TextEncoder().encodeInto(digits, this.bytes.subarray(this.#countAt));
  }
}

function randomDigits(): string {
  return crypto.getRandomValues(new Uint8Array(ID_DIGITS / 2)).toHex();
}

class HttpSession implements Session {
  revision = 0;
  readonly #port: number;
  readonly #valueBytes: number;
  readonly #requests: Readonly<Record<Operation, RequestBytes>>;
  #connection: HttpClient | null = null;

  constructor(port: number, asking: Asking) {
    this.#port = port;
    this.#valueBytes = asking.valueBytes;
    this.#requests = {
      read: new RequestBytes("read", asking),
      write: new RequestBytes("write", asking),
    };
  }

  async ask(operation: Operation, key: Uint8Array): Promise<string | null> {
    const request = this.#requests[operation];
    request.key = key;
    try {
      const answer = this.#connection ??= await HttpClient.connect(this.#port, this.#valueBytes);
      await answer.exchange(request.bytes);
      if (answer.status !== 200) return `status ${answer.status}`;
      this.revision = answer.revision;
      if (operation === "write") return null;
      if (!answer.linearizable) return "wrong: not linearizable";
      if (answer.revision === 0) return "wrong: no revision";
      return valueFault(answer.body, key, this.#valueBytes);
    } catch (error) {
      this.close();
      return error instanceof Error ? error.message : String(error);
    }
  }

  close(): void {
    this.#connection?.close();
    this.#connection = null;
  }
}

/** A connection for each client and node, as HTTP/1.1 has it. */
class HttpProtocol implements Protocol {
  readonly #showing: Showing;
  readonly #sessions: HttpSession[] = [];

  constructor(showing: Showing) {
    this.#showing = showing;
  }

  session(port: number, valueBytes: number): Session {
    const session = new HttpSession(port, { valueBytes, ...this.#showing });
    this.#sessions.push(session);
    return session;
  }

  close(): void {
    for (const session of this.#sessions) session.close();
  }
}

if (import.meta.main) {
  await serveJobs(({ token, job }) => {
    return new HttpProtocol({ token, once: job.kind === "round" && job.workload.once === true });
  });
}
