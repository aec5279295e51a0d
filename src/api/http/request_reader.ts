/**
 * The incremental HTTP/1.1 request parser: bytes in, requests out. Pure: no I/O, no time.
 *
 * Its owner reads into `space()`, reports `received()`, and calls `next()`:
 * - "more": another read is needed;
 * - "head": a head is complete and a body follows; `acceptBody()` to read it;
 * - "request": the request is complete; after handling it, `finish()`;
 * - "error": the bytes are no request; `error` says why, and nothing after them can be trusted.
 *
 * Invariants:
 * - any cut of the same bytes into reads gives the same requests and the same error;
 * - memory is bounded by the limits, and taken for bytes that came, not for bytes announced;
 * - the head stays in the buffer, unmoved, until `finish()`, and a body that came along with it until
 *   the next `space()`, which comes after the answer.
 */

import { assert, EMPTY } from "../../base/mod.ts";
import { refusal, type ServiceError } from "../../service/mod.ts";
import { BodyBuffer } from "./body_buffer.ts";
import { BodyDecoder } from "./body_decoder.ts";
import type { BodyMemory } from "./body_memory.ts";
import { CHUNKED, type HeadLimits, HeadParser } from "./head_parser.ts";
import type { Request } from "./request.ts";

export type RequestLimits = HeadLimits & { readonly bodyBytesMax: number };

const BUFFER_BYTES = 8 * 1024;
/** Reads into less than this are not worth their system call. */
const SPACE_BYTES_MIN = 1024;

export class RequestReader implements Request {
  readonly certified: string | undefined;
  body: Uint8Array = EMPTY;
  error: ServiceError | null = null;

  readonly #limits: RequestLimits;
  readonly #head: HeadParser;
  readonly #decoder: BodyDecoder;
  readonly #gathered: BodyBuffer;
  #state: "head" | "decide" | "body" | "request" | "error" = "head";
  #buffer = new Uint8Array(BUFFER_BYTES);
  /** The present head starts at #start; what comes after it was parsed up to #at. */
  #start = 0;
  #at = 0;
  #end = 0;
  /** `space()` gave out memory of the body itself. */
  #direct = false;
  /** The whole body came along with its head, and stays in the buffer too. */
  #inPlace = false;

  constructor(limits: RequestLimits, memory: BodyMemory, certified?: string) {
    this.certified = certified;
    this.#limits = limits;
    this.#head = new HeadParser(limits);
    this.#decoder = new BodyDecoder(limits.headerBytesMax);
    this.#gathered = new BodyBuffer(memory, limits.bodyBytesMax);
  }

  get method(): string {
    return this.#head.method;
  }

  get minorVersion(): number {
    return this.#head.minorVersion;
  }

  get keepAlive(): boolean {
    return this.#head.keepAlive;
  }

  get target(): Uint8Array {
    this.#assertHead();
    return this.#head.target(this.#buffer, this.#start);
  }

  header(name: string): string | null {
    this.#assertHead();
    return this.#head.field(this.#buffer, this.#start, name);
  }

  /** Bytes of a request have arrived, but not all of them. */
  get midRequest(): boolean {
    return this.#state === "body" || (this.#state === "head" && this.#end > this.#start);
  }

  get inBody(): boolean {
    return this.#state === "body";
  }

  /** The client holds its body back until it is asked for it. */
  get awaitsContinue(): boolean {
    return this.#head.expectsContinue && this.#at === this.#end;
  }

  /** Memory for the next read: never empty. */
  space(): Uint8Array {
    if (this.#state === "body") {
      assert(this.#at === this.#end, "a body is consumed as it comes");
      const free = this.#gathered.free();
      this.#direct = this.#decoder.contiguous > 0 && free.length > 0;
      if (this.#direct) return free;
      this.#at = this.#end = this.#start + this.#head.length;
    } else if (this.#start === this.#end) {
      this.#start = this.#end = 0;
    }
    if (this.#buffer.length - this.#end < SPACE_BYTES_MIN) this.#makeRoom();
    return this.#buffer.subarray(this.#end);
  }

  received(count: number): void {
    if (this.#direct) {
      this.#direct = false;
      this.#gathered.filled(count);
      this.#decoder.skip(count);
    } else {
      this.#end += count;
    }
  }

  next(): "more" | "head" | "request" | "error" {
    switch (this.#state) {
      case "head":
        return this.#nextHead();
      case "body":
        return this.#nextBody();
      case "error":
        return "error";
      case "decide":
      case "request":
        throw new Error("acceptBody() or finish() comes before next()");
    }
  }

  acceptBody(): void {
    assert(this.#state === "decide", "a head that announces a body");
    const { bodyLength } = this.#head;
    this.#inPlace = bodyLength !== CHUNKED && bodyLength <= this.#end - this.#at;
    this.#state = "body";
    if (this.#inPlace) return;
    this.#decoder.start(bodyLength);
    this.#gathered.start(bodyLength);
  }

  /** Makes way for the next request. */
  finish(): void {
    assert(this.#state === "request", "a complete request");
    this.#start = this.#at;
    this.#head.reset();
    this.body = EMPTY;
    this.#state = "head";
  }

  /** All requests so far are answered, or the connection is gone: their bodies no longer count. */
  release(): void {
    this.#gathered.release();
  }

  #nextHead(): "more" | "head" | "request" | "error" {
    if (this.#start === this.#end) return "more";
    const parsed = this.#head.parse(this.#buffer, this.#start, this.#end);
    if (parsed === "more") return "more";
    if (parsed === "error") return this.#fail(this.#head.error as ServiceError);
    this.#at = this.#start + this.#head.length;
    if (this.#head.bodyLength === 0) {
      this.#state = "request";
      return "request";
    }
    if (this.#head.bodyLength > this.#limits.bodyBytesMax) {
      const detail = `The body has ${this.#head.bodyLength} bytes; ` +
        `${this.#limits.bodyBytesMax} are allowed.`;
      return this.#fail(refusal("valueTooLarge", detail));
    }
    this.#state = "decide";
    return "head";
  }

  #nextBody(): "more" | "request" | "error" {
    if (this.#inPlace) {
      const start = this.#at;
      this.#at += this.#head.bodyLength;
      return this.#complete(this.#buffer.subarray(start, this.#at));
    }
    for (;;) {
      const found = this.#decoder.next(this.#buffer, this.#at, this.#end);
      this.#at = this.#decoder.at;
      if (found === "more") return "more";
      if (found === "error") return this.#fail(this.#decoder.error as ServiceError);
      if (found === "done") break;
      const { dataStart, dataEnd } = this.#decoder;
      const refused = this.#gathered.append(this.#buffer, dataStart, dataEnd);
      if (refused !== null) return this.#fail(refused);
    }
    return this.#complete(this.#gathered.take());
  }

  #complete(body: Uint8Array): "request" {
    this.body = body;
    this.#state = "request";
    return "request";
  }

  /** Moves what is there to the front, or into a larger buffer. */
  #makeRoom(): void {
    const kept = this.#buffer.subarray(this.#start, this.#end);
    const fits = this.#buffer.length - kept.length >= SPACE_BYTES_MIN;
    const target = fits ? this.#buffer : new Uint8Array(2 * this.#buffer.length);
    if (fits) target.copyWithin(0, this.#start, this.#end);
    else target.set(kept);
    this.#buffer = target;
    this.#at -= this.#start;
    this.#end -= this.#start;
    this.#start = 0;
  }

  #fail(error: ServiceError): "error" {
    this.#state = "error";
    this.error = error;
    return "error";
  }

  #assertHead(): void {
    assert(this.#state !== "head" && this.#state !== "error", "a request is read before await");
  }
}
