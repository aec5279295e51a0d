/**
 * The request line and the header section (RFC 9112 §3, §5), parsed in place.
 *
 * A proxy and a server that disagree about where a request ends can be made to see two requests
 * where there is one. So whatever has two readings is refused: nothing is repaired.
 *
 * Invariants:
 * - the outcome depends on the bytes, not on how they were cut into reads: a line is looked at only
 *   when it is complete, and no limit depends on what happens to have arrived;
 * - offsets are relative to the start of the head, which its owner may move between calls.
 */

import { latin1Text } from "../../base/mod.ts";
import { refusal, type ServiceError } from "../../service/mod.ts";
import {
  BAD,
  decimal,
  equalsIgnoreCase,
  isHost,
  isTarget,
  lineEnd,
  startsWith,
  tokenEnd,
} from "./ascii.ts";
import type { Hosts } from "./hosts.ts";

export type HeadLimits = {
  readonly targetBytesMax: number;
  readonly headerBytesMax: number;
  readonly headerFieldsMax: number;
  /** Absent: any Host will do. */
  readonly hosts?: Hosts;
};

/** The length of a chunked body, which is not known before its end. */
export const CHUNKED = -1;

const METHOD_BYTES_MAX = 16;
const HOST_SHOWN_BYTES_MAX = 253;
/** Around the target: the method, two spaces, the version. */
const REQUEST_LINE_EXTRA_BYTES = METHOD_BYTES_MAX + " HTTP/1.1".length + 1;
const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;
const SLASH = 0x2f;
const METHODS = ["GET", "PUT", "POST", "HEAD", "DELETE", "OPTIONS"];
const ROOT = Uint8Array.of(SLASH);

export class HeadParser {
  method = "";
  minorVersion = 1;
  /** Bytes of the body, or {@link CHUNKED}. */
  bodyLength = 0;
  keepAlive = true;
  expectsContinue = false;
  /** Bytes of the head, once it is complete. */
  length = 0;
  error: ServiceError | null = null;

  readonly #limits: HeadLimits;
  /** Start of the line that is being waited for, and where the search for its end goes on. */
  #line = 0;
  #scanned = 0;
  #targetStart = 0;
  #targetEnd = 0;
  /** Where the header section starts; 0 while the request line is incomplete. */
  #section = 0;
  /** Per field: start and end of its name, start and end of its value. */
  readonly #fields: Uint32Array;
  #fieldCount = 0;
  #hostCount = 0;
  #lengthCount = 0;
  #chunkedCount = 0;
  #closeAsked = false;
  #keepAliveAsked = false;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
    this.#fields = new Uint32Array(4 * limits.headerFieldsMax);
  }

  /** Forgets the request, for the next one. */
  reset(): void {
    this.method = "";
    this.minorVersion = 1;
    this.bodyLength = 0;
    this.keepAlive = true;
    this.expectsContinue = false;
    this.length = 0;
    this.error = null;
    this.#line = 0;
    this.#scanned = 0;
    this.#section = 0;
    this.#fieldCount = 0;
    this.#hostCount = 0;
    this.#lengthCount = 0;
    this.#chunkedCount = 0;
    this.#closeAsked = false;
    this.#keepAliveAsked = false;
  }

  /** Goes on where it stopped. `start` is the first byte of the head, `end` of what is not there. */
  parse(bytes: Uint8Array, start: number, end: number): "more" | "done" | "error" {
    while (this.error === null) {
      const limit = start + this.#lineLimit();
      const cr = lineEnd(bytes, start + this.#scanned, Math.min(end, limit));
      if (cr === BAD) return this.#fail("malformedRequest", "A control byte stands in the head.");
      if (cr < 0) return end >= limit ? this.#tooLong() : this.#wait(bytes, start, end);
      const line = start + this.#line;
      this.#line = this.#scanned = cr + 2 - start;
      if (this.#section === 0) this.#requestLine(bytes, start, line, cr);
      else if (line === cr) return this.#finish();
      else this.#field(bytes, start, line, cr);
    }
    return "error";
  }

  /** The target from its path on, as a view of `bytes`. */
  target(bytes: Uint8Array, start: number): Uint8Array {
    if (this.#targetStart === this.#targetEnd) return ROOT;
    return bytes.subarray(start + this.#targetStart, start + this.#targetEnd);
  }

  /** The value of the field `name`, given in lower case; several fields joined by commas. */
  field(bytes: Uint8Array, start: number, name: string): string | null {
    let found: string | null = null;
    for (let at = 0; at < 4 * this.#fieldCount; at += 4) {
      const nameStart = start + (this.#fields[at] as number);
      const nameEnd = start + (this.#fields[at + 1] as number);
      if (!equalsIgnoreCase(bytes, nameStart, nameEnd, name)) continue;
      const valueStart = start + (this.#fields[at + 2] as number);
      const value = latin1Text(bytes, valueStart, start + (this.#fields[at + 3] as number));
      found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  }

  /** How far from the start of the head the present line may reach, its CR LF included. */
  #lineLimit(): number {
    if (this.#section > 0) return this.#section + this.#limits.headerBytesMax;
    return this.#line + this.#limits.targetBytesMax + REQUEST_LINE_EXTRA_BYTES + 2;
  }

  #tooLong(): "error" {
    const { targetBytesMax, headerBytesMax } = this.#limits;
    return this.#section === 0
      ? this.#fail("targetTooLong", `A target has at most ${targetBytesMax} bytes.`)
      : this.#fail("headersTooLarge", `A header section has at most ${headerBytesMax} bytes.`);
  }

  /** A CR that is the last byte so far is looked at again, together with what follows it. */
  #wait(bytes: Uint8Array, start: number, end: number): "more" {
    const endsInCr = end > start + this.#scanned && bytes[end - 1] === 0x0d;
    this.#scanned = end - start - (endsInCr ? 1 : 0);
    return "more";
  }

  #requestLine(bytes: Uint8Array, start: number, line: number, end: number): void {
    if (line === end) {
      // One empty line before a request is forgiven, as RFC 9112 §2.2 asks.
      if (line > start) this.#malformed("More than one empty line stands before the request.");
      return;
    }
    const methodEnd = tokenEnd(bytes, line, end);
    const target = methodEnd + 1;
    let targetEnd = target;
    while (targetEnd < end && bytes[targetEnd] !== SPACE) targetEnd++;
    const wellFormed = methodEnd > line && methodEnd - line <= METHOD_BYTES_MAX &&
      bytes[methodEnd] === SPACE && targetEnd > target && targetEnd < end;
    if (!wellFormed) return this.#malformed("The request line is not METHOD TARGET VERSION.");
    if (!this.#version(bytes, targetEnd + 1, end)) return;
    if (targetEnd - target > this.#limits.targetBytesMax) return void this.#tooLong();
    if (!isTarget(bytes, target, targetEnd)) {
      this.#fail("badTarget", "A target is visible ASCII without #; encode other bytes as %XX.");
      return;
    }
    this.method = knownMethod(bytes, line, methodEnd);
    const path = this.#pathStart(bytes, target, targetEnd);
    if (path < 0) return void this.#fail("badTarget", "A target is a path or an http URL.");
    this.#targetStart = path - start;
    this.#targetEnd = targetEnd - start;
    this.#section = this.#line;
  }

  #version(bytes: Uint8Array, at: number, end: number): boolean {
    const known = end - at === 8 && startsWith(bytes, at, end, "HTTP/1.");
    const minor = known ? (bytes[at + 7] as number) - 0x30 : -1;
    if (minor === 0 || minor === 1) {
      this.minorVersion = minor;
      return true;
    }
    const text = latin1Text(bytes, at, Math.min(end, at + 9));
    if (/^HTTP\/[0-9]\.[0-9]$/.test(text)) {
      this.#fail("versionUnsupported", `The request uses ${text}.`);
    } else {
      this.#malformed("The request line does not end in HTTP/1.1.");
    }
    return false;
  }

  /**
   * Where the path starts (RFC 9112 §3.2). Of an http URL the host is skipped: no route depends on
   * it. "*" belongs to OPTIONS, a bare authority to CONNECT, which the router refuses. -1: neither.
   */
  #pathStart(bytes: Uint8Array, target: number, end: number): number {
    if (bytes[target] === SLASH) return target;
    if (this.method === "CONNECT") return target;
    if (this.method === "OPTIONS" && end - target === 1 && bytes[target] === 0x2a) return target;
    const scheme = ["http://", "https://"].find((it) =>
      equalsIgnoreCase(bytes, target, Math.min(end, target + it.length), it)
    );
    if (scheme === undefined) return -1;
    const host = target + scheme.length;
    let path = host;
    while (path < end && bytes[path] !== SLASH) path++;
    return path > host && isHost(bytes, host, path) ? path : -1;
  }

  #field(bytes: Uint8Array, start: number, line: number, end: number): void {
    const nameEnd = tokenEnd(bytes, line, end);
    if (nameEnd === line || bytes[nameEnd] !== COLON) {
      return this.#malformed("A header line is not a name, a colon and a value.");
    }
    if (this.#fieldCount === this.#limits.headerFieldsMax) {
      const detail = `A request has at most ${this.#limits.headerFieldsMax} header fields.`;
      return void this.#fail("headersTooLarge", detail);
    }
    let from = nameEnd + 1;
    let to = end;
    while (from < to && isBlank(bytes[from])) from++;
    while (to > from && isBlank(bytes[to - 1])) to--;
    const at = 4 * this.#fieldCount++;
    this.#fields[at] = line - start;
    this.#fields[at + 1] = nameEnd - start;
    this.#fields[at + 2] = from - start;
    this.#fields[at + 3] = to - start;
    this.#interpret(bytes, line, nameEnd, from, to);
  }

  /** The fields that decide about framing and the connection. Length first: most are none of them. */
  #interpret(bytes: Uint8Array, line: number, nameEnd: number, from: number, to: number): void {
    switch (nameEnd - line) {
      case 4:
        if (equalsIgnoreCase(bytes, line, nameEnd, "host")) this.#host(bytes, from, to);
        break;
      case 6:
        if (equalsIgnoreCase(bytes, line, nameEnd, "expect")) this.#expect(bytes, from, to);
        break;
      case 10:
        if (equalsIgnoreCase(bytes, line, nameEnd, "connection")) {
          this.#connection(latin1Text(bytes, from, to));
        }
        break;
      case 14:
        if (equalsIgnoreCase(bytes, line, nameEnd, "content-length")) {
          this.#contentLength(bytes, from, to);
        }
        break;
      case 17:
        if (equalsIgnoreCase(bytes, line, nameEnd, "transfer-encoding")) {
          this.#transferEncoding(bytes, from, to);
        }
        break;
    }
  }

  #host(bytes: Uint8Array, from: number, to: number): void {
    this.#hostCount++;
    if (this.#hostCount > 1) return this.#malformed("There is more than one Host.");
    if (!isHost(bytes, from, to)) return this.#malformed("Host is not a host and a port.");
    if (this.#limits.hosts?.accepts(bytes, from, to) === false) {
      const named = latin1Text(bytes, from, Math.min(to, from + HOST_SHOWN_BYTES_MAX));
      this.#fail("hostUnknown", `The request asks for "${named}".`);
    }
  }

  #expect(bytes: Uint8Array, from: number, to: number): void {
    if (!equalsIgnoreCase(bytes, from, to, "100-continue")) {
      this.#fail("expectationFailed", "Only 100-continue can be expected.");
    }
    this.expectsContinue = true;
  }

  #connection(value: string): void {
    for (const option of value.toLowerCase().split(",")) {
      if (option.trim() === "close") this.#closeAsked = true;
      if (option.trim() === "keep-alive") this.#keepAliveAsked = true;
    }
  }

  #contentLength(bytes: Uint8Array, from: number, to: number): void {
    this.#lengthCount++;
    this.bodyLength = decimal(bytes, from, to);
    if (this.#lengthCount > 1) return this.#malformed("There is more than one Content-Length.");
    if (this.bodyLength < 0) this.#malformed("Content-Length is not a number.");
  }

  #transferEncoding(bytes: Uint8Array, from: number, to: number): void {
    this.#chunkedCount++;
    if (this.#chunkedCount > 1 || !equalsIgnoreCase(bytes, from, to, "chunked")) {
      this.#malformed("Transfer-Encoding can only be chunked, once.");
    }
  }

  /** The rules that need the whole section. */
  #finish(): "done" | "error" {
    const chunked = this.#chunkedCount > 0;
    if (chunked && this.#lengthCount > 0) {
      this.#malformed("Content-Length and Transfer-Encoding exclude each other.");
    } else if (chunked && this.minorVersion === 0) {
      this.#malformed("HTTP/1.0 has no Transfer-Encoding.");
    } else if (this.#hostCount === 0 && this.minorVersion === 1) {
      this.#malformed("HTTP/1.1 asks for a Host.");
    }
    if (this.error !== null) return "error";
    if (chunked) this.bodyLength = CHUNKED;
    if (this.minorVersion === 0) this.expectsContinue = false;
    this.keepAlive = !this.#closeAsked && (this.minorVersion === 1 || this.#keepAliveAsked);
    this.length = this.#line;
    return "done";
  }

  #malformed(detail: string): void {
    this.#fail("malformedRequest", detail);
  }

  #fail(code: ServiceError["code"], detail: string): "error" {
    this.error ??= refusal(code, detail);
    return "error";
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

/** The constant for a usual method, so that comparing methods compares pointers. */
function knownMethod(bytes: Uint8Array, start: number, end: number): string {
  for (const method of METHODS) {
    if (method.length === end - start && startsWith(bytes, start, end, method)) return method;
  }
  return latin1Text(bytes, start, end);
}
