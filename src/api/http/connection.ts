/**
 * One client connection: reads requests, has them answered, writes the answers in their order.
 *
 * Reads that a client pipelines are served together and answered in one write. A write is served by
 * itself: RFC 9112 §9.3.2 lets only safe requests overtake each other.
 *
 * Invariants:
 * - at most one read and one write are outstanding; a client that does not take its answers gets
 *   no further ones, and its requests stay unread in the kernel;
 * - every phase in which the client is waited for has a deadline, checked by `expire`;
 * - after an answer that closes, nothing more of what the client sent is taken for a request.
 */

import {
  AssertionError,
  type Clock,
  type Connection,
  EMPTY,
  type Log,
  NetworkError,
} from "../../base/mod.ts";
import { refusal, type ServiceError } from "../../service/mod.ts";
import type { BodyMemory } from "./body_memory.ts";
import type { HttpCounters, RouteCounter } from "./counters.ts";
import type { HttpLimits } from "./limits.ts";
import { type RequestLimits, RequestReader } from "./request_reader.ts";
import { closing, problemResponse, type Response, type ResponseStream } from "./response.ts";
import { type Framing, ResponseWriter } from "./response_writer.ts";
import type { Router } from "./router.ts";

/** What the connections of one server have in common. */
export type Front = {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: HttpLimits;
  /** What a request may be like. */
  readonly requests: RequestLimits;
  readonly memory: BodyMemory;
  readonly router: Router;
  readonly counters: HttpCounters;
  /** Every answer closes its connection from now on. */
  draining: boolean;
};

type Phase = "idle" | "head" | "body" | "serving" | "writing" | "lingering" | "closed";

type Pending = {
  readonly answer: Response | Promise<Response>;
  readonly counter: RouteCounter;
  readonly headOnly: boolean;
  readonly keepAlive: boolean;
  readonly minorVersion: number;
};

const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];
/** A body up to here is copied behind its head; a longer one is a write of its own. */
const COPIED_BYTES_MAX = 16 * 1024;
/** Where unwanted bytes are read to; nobody looks at them. */
const DISCARDED = new Uint8Array(16 * 1024);

export class ServerConnection {
  readonly #connection: Connection;
  readonly #front: Front;
  readonly #reader: RequestReader;
  readonly #writer = new ResponseWriter();
  #pending: Pending[] = [];
  /** From the start a head is waited for: a client that connects has something to say. */
  #phase: Phase = "head";
  #phaseStartMs: number;
  /** The last answer is decided: nothing more of what the client sends is a request. */
  #ending = false;
  /** What is being sent, where it has no end of its own. */
  #stream: ResponseStream | null = null;

  constructor(connection: Connection, front: Front) {
    this.#connection = connection;
    this.#front = front;
    this.#reader = new RequestReader(front.requests, front.memory, connection.certified);
    this.#phaseStartMs = front.clock.now();
  }

  /** No request is under way, not even its first byte. */
  get idle(): boolean {
    return (this.#phase === "idle" || this.#phase === "head") && !this.#reader.midRequest;
  }

  /** Serves until the connection ends. */
  run(): Promise<void> {
    return this.#guard(() => this.#serve());
  }

  /** Answers what was not asked yet, and ends. */
  dismiss(response: Response): Promise<void> {
    return this.#guard(() => this.#sendLast(response));
  }

  /** Lets a stream that is under way come to its end. */
  endStream(): void {
    this.#stream?.end();
  }

  close(): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.endStream();
    this.#reader.release();
    this.#connection.close();
  }

  /** Ends the connection when the client has taken too long for the phase that it is in. */
  expire(nowMs: number): void {
    const { limits, counters } = this.#front;
    const timeoutMs = phaseTimeoutMs(this.#phase, limits);
    if (nowMs - this.#phaseStartMs < timeoutMs) return;
    if (this.#phase !== "idle" && this.#phase !== "lingering") counters.timeouts++;
    const unfinished = (this.#phase === "head" || this.#phase === "body") &&
      this.#reader.midRequest;
    if (!unfinished) return this.close();
    // The run loop is in a read; it ends in `#linger` once the client has seen this and hung up.
    const detail = `The ${this.#phase} of the request took more than ${timeoutMs} ms.`;
    this.#sendLast(problemResponse(refusal("requestTimeout", detail))).catch(() => this.close());
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      if (this.#ending) await this.#linger();
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      if (!(error instanceof NetworkError)) {
        this.#front.log.error("connection failed", { reason: String(error) });
      }
    } finally {
      this.close();
    }
  }

  async #serve(): Promise<void> {
    while (!this.#over) {
      switch (this.#reader.next()) {
        case "more":
          if (this.#pending.length > 0) await this.#flush();
          else if (!await this.#fill()) return;
          break;
        case "head":
          await this.#decide();
          break;
        case "request": {
          const flushed = this.#dispatch();
          if (flushed !== null) await flushed;
          break;
        }
        case "error":
          this.#front.counters.malformed++;
          await this.#flush();
          if (this.#over) break;
          await this.#sendLast(problemResponse(this.#reader.error as ServiceError));
          break;
      }
    }
  }

  get #over(): boolean {
    return this.#ending || this.#phase === "closed";
  }

  /** False at the end of the stream, or when the connection was given up during the read. */
  async #fill(): Promise<boolean> {
    const reader = this.#reader;
    if (reader.inBody) this.#enter("body");
    else if (reader.midRequest) this.#enter("head");
    else if (this.#phase !== "head") this.#enter("idle");
    const count = await this.#connection.read(reader.space());
    if (count === null || this.#over) return false;
    reader.received(count);
    return true;
  }

  /** A head is complete and a body follows: refuses it unread, or asks for it. */
  async #decide(): Promise<void> {
    const reader = this.#reader;
    const refused = this.#front.router.refuse(reader);
    if (refused !== null) {
      this.#push(closing(refused));
      return await this.#flush();
    }
    if (reader.awaitsContinue) {
      await this.#flush();
      if (this.#over) return;
      this.#writer.writeContinue();
      await this.#send();
    }
    reader.acceptBody();
  }

  /** Starts the work; what it returns has to be waited for before the next request. */
  #dispatch(): Promise<void> | null {
    const safe = SAFE_METHODS.includes(this.#reader.method);
    if (!safe) return this.#dispatchAlone();
    this.#handle();
    return this.#pending.length < this.#front.limits.pipelinedRequestsMax ? null : this.#flush();
  }

  async #dispatchAlone(): Promise<void> {
    if (this.#pending.length > 0) await this.#flush();
    if (this.#over) return;
    this.#handle();
    await this.#flush();
  }

  #handle(): void {
    this.#push(this.#front.router.handle(this.#reader));
    this.#reader.finish();
  }

  #push(answer: Response | Promise<Response>): void {
    const { method, keepAlive, minorVersion } = this.#reader;
    const { counter } = this.#front.router;
    this.#pending.push({ answer, counter, headOnly: method === "HEAD", keepAlive, minorVersion });
  }

  /** Waits for the pending answers and writes them. */
  async #flush(): Promise<void> {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    this.#enter("serving");
    const startMs = this.#phaseStartMs;
    for (let i = 0; i < pending.length; i++) {
      this.#enter("serving");
      const { answer, counter, headOnly, keepAlive, minorVersion } = pending[i] as Pending;
      const response = answer instanceof Promise ? await answer : answer;
      counter.answered(response.status, this.#front.clock.now() - startMs);
      if (response.stream !== undefined) {
        return await this.#sendStream(response, response.stream, { headOnly, minorVersion });
      }
      const last = i === pending.length - 1 && this.#front.draining;
      const close = response.close === true || !keepAlive || last;
      const connection = close ? "close" : minorVersion === 0 ? "keep-alive" : null;
      const sent = this.#write(response, { headOnly, connection });
      if (sent !== null) await sent;
      if (close) return await this.#hangUp();
    }
    await this.#send();
    this.#reader.release();
  }

  /** A client of HTTP/1.0 knows no chunks: the end of the connection is the end of the stream. */
  async #sendStream(
    response: Response,
    stream: ResponseStream,
    { headOnly, minorVersion }: Pick<Pending, "headOnly" | "minorVersion">,
  ): Promise<void> {
    const chunked = minorVersion > 0;
    this.#stream = stream;
    if (headOnly || this.#over || this.#front.draining) stream.end();
    this.#writer.writeHead(response, { headOnly, connection: "close", chunked });
    await this.#send();
    const hungUp = this.#untilHungUp(stream);
    for (let bytes = await stream.next(); bytes !== null; bytes = await stream.next()) {
      if (chunked) this.#writer.writeChunk(bytes);
      await (chunked ? this.#send() : this.#sendWith(bytes));
      this.#enter("serving");
    }
    if (chunked && !headOnly) this.#writer.writeChunk(EMPTY);
    this.#enter("lingering");
    await this.#send();
    await this.#connection.closeWrite();
    await hungUp;
    this.close();
  }

  /** Nothing that comes after the request of a stream is one, but its end says that nobody listens. */
  async #untilHungUp(stream: ResponseStream): Promise<void> {
    try {
      while (await this.#connection.read(DISCARDED) !== null) { /* dropped */ }
    } catch {
      // Broken: the same.
    }
    stream.end();
  }

  /** Adds an answer to the batch, and sends the batch when it has grown large. */
  #write(response: Response, framing: Framing): Promise<void> | null {
    const { body } = response;
    if (body instanceof Uint8Array && body.length > COPIED_BYTES_MAX && !framing.headOnly) {
      this.#writer.writeHead(response, framing);
      return this.#sendWith(body);
    }
    this.#writer.write(response, framing);
    return this.#writer.length < this.#front.limits.responseBatchBytes ? null : this.#send();
  }

  async #sendWith(body: Uint8Array): Promise<void> {
    await this.#send();
    this.#enter("writing");
    await this.#connection.write(body);
  }

  /** The batch stays as it is until the promise has settled. */
  #send(): Promise<void> {
    this.#enter("writing");
    return this.#connection.write(this.#writer.take());
  }

  /** Writes the last answer of this connection, which is the client's own to have asked for. */
  async #sendLast(response: Response): Promise<void> {
    this.#writer.write(response, { headOnly: this.#reader.method === "HEAD", connection: "close" });
    await this.#hangUp();
  }

  /**
   * Sends what is gathered and ends the stream, but does not close yet: closing with unread bytes
   * resets the connection, and the reset would overtake the answer.
   */
  async #hangUp(): Promise<void> {
    this.#ending = true;
    await this.#send();
    this.#enter("lingering");
    await this.#connection.closeWrite();
  }

  /** Drops what the client still sends until it hangs up too, or `expire` ends it. */
  async #linger(): Promise<void> {
    while (this.#phase !== "closed") {
      if (await this.#connection.read(DISCARDED) === null) return;
    }
  }

  #enter(phase: Phase): void {
    if (this.#phase === phase || this.#phase === "closed") return;
    this.#phase = phase;
    this.#phaseStartMs = this.#front.clock.now();
  }
}

/** While serving it is the service that keeps the deadline. */
function phaseTimeoutMs(phase: Phase, limits: HttpLimits): number {
  switch (phase) {
    case "idle":
      return limits.idleTimeoutMs;
    case "head":
      return limits.headerTimeoutMs;
    case "body":
    case "writing":
      return limits.bodyTimeoutMs;
    case "lingering":
      return limits.lingerTimeoutMs;
    case "serving":
    case "closed":
      return Infinity;
  }
}
