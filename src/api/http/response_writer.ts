/**
 * Writes the answers of one turn into one buffer, which then leaves in one write.
 *
 * Invariant: no header value can end its line. Whatever is not visible ASCII or a space is written
 * as "?", so an answer cannot be split by anything that was ever stored.
 */

import { assert } from "../../base/mod.ts";
import type { Response } from "./response.ts";

export type Framing = {
  /** The request was a HEAD: the headers of the answer, without its body. */
  readonly headOnly: boolean;
  /** The Connection header: `close`, `keep-alive` (which HTTP/1.0 must be told), or none. */
  readonly connection: "close" | "keep-alive" | null;
  /** The body follows in chunks. */
  readonly chunked?: boolean;
};

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  204: "No Content",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  417: "Expectation Failed",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  507: "Insufficient Storage",
};

/** Nothing guesses another type from the content, and no cache between keeps an old value. */
const COMMON = "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n";
const PREFIXES = new Map(
  Object.entries(REASONS).map(([status, reason]) => [
    Number(status),
    asciiBytes(`HTTP/1.1 ${status} ${reason}\r\n${COMMON}`),
  ]),
);
const CLOSE = asciiBytes("Connection: close\r\n");
const KEEP_ALIVE = asciiBytes("Connection: keep-alive\r\n");
const CHUNKED = asciiBytes("Transfer-Encoding: chunked\r\n");
const CONTENT_LENGTH = asciiBytes("Content-Length: ");
const CONTINUE = asciiBytes("HTTP/1.1 100 Continue\r\n\r\n");

const BUFFER_BYTES = 4 * 1024;
/** Larger after a batch of large answers, the buffer is given up. */
const BUFFER_BYTES_KEPT = 64 * 1024;

export class ResponseWriter {
  #buffer = new Uint8Array(BUFFER_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Head and body. */
  write(response: Response, framing: Framing): void {
    this.writeHead(response, framing);
    if (framing.headOnly || response.body === null) return;
    if (typeof response.body === "string") this.#ascii(response.body);
    else this.#bytes(response.body);
  }

  /** The head alone: its body follows by itself, or not at all. */
  writeHead(response: Response, framing: Framing): void {
    const prefix = PREFIXES.get(response.status);
    assert(prefix !== undefined, "an answer has a status of REASONS");
    this.#bytes(prefix);
    for (const name in response.headers) {
      this.#text(name);
      this.#byte(0x3a);
      this.#byte(0x20);
      this.#text(response.headers[name] as string);
      this.#lineEnd();
    }
    if (response.body !== null) {
      this.#bytes(CONTENT_LENGTH);
      this.#text(String(response.body.length));
      this.#lineEnd();
    }
    if (framing.chunked === true) this.#bytes(CHUNKED);
    if (framing.connection !== null) {
      this.#bytes(framing.connection === "close" ? CLOSE : KEEP_ALIVE);
    }
    this.#lineEnd();
  }

  /** A piece of a chunked body; an empty one is its end (RFC 9112 section 7.1). */
  writeChunk(bytes: Uint8Array): void {
    this.#ascii(bytes.length.toString(16));
    this.#lineEnd();
    this.#bytes(bytes);
    this.#lineEnd();
  }

  writeContinue(): void {
    this.#bytes(CONTINUE);
  }

  /** What was written, valid until the next write, which starts anew. */
  take(): Uint8Array {
    const bytes = this.#buffer.subarray(0, this.#length);
    if (this.#buffer.length > BUFFER_BYTES_KEPT) this.#buffer = new Uint8Array(BUFFER_BYTES);
    this.#length = 0;
    return bytes;
  }

  #byte(byte: number): void {
    if (this.#length === this.#buffer.length) this.#grow(1);
    this.#buffer[this.#length++] = byte;
  }

  #lineEnd(): void {
    this.#byte(0x0d);
    this.#byte(0x0a);
  }

  #bytes(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#buffer.length) this.#grow(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #ascii(text: string): void {
    if (this.#length + text.length > this.#buffer.length) this.#grow(text.length);
    for (let i = 0; i < text.length; i++) this.#buffer[this.#length + i] = text.charCodeAt(i);
    this.#length += text.length;
  }

  /** For what stands in a line. */
  #text(text: string): void {
    if (this.#length + text.length > this.#buffer.length) this.#grow(text.length);
    const buffer = this.#buffer;
    let at = this.#length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      buffer[at++] = code >= 0x20 && code < 0x7f ? code : 0x3f;
    }
    this.#length = at;
  }

  #grow(more: number): void {
    const larger = new Uint8Array(Math.max(2 * this.#buffer.length, this.#length + more));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}

function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
