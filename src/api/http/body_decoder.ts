/**
 * Where a request body ends, and which of the bytes that come are its content (RFC 9112 §6, §7).
 *
 * Every byte given is consumed, so nothing has to be looked at twice however the body is cut.
 * Chunk extensions are refused: nobody sends them but those who hope that two parsers disagree.
 * Trailers are checked like header lines, counted, and dropped.
 */

import { refusal, type ServiceError } from "../../service/mod.ts";
import { hexDigit } from "./ascii.ts";
import { CHUNKED } from "./head_parser.ts";

const CR = 0x0d;
const LF = 0x0a;
/** Hexadecimal digits of a chunk size: 4 GiB, far beyond what any limit on bodies lets through. */
const SIZE_DIGITS_MAX = 8;

type State =
  | "fixed"
  | "size"
  | "sizeLf"
  | "data"
  | "dataCr"
  | "dataLf"
  | "trailerStart"
  | "trailer"
  | "trailerLf"
  | "endLf"
  | "done"
  | "failed";

export class BodyDecoder {
  /** Content found by the last `next()`, when it returned "data". */
  dataStart = 0;
  dataEnd = 0;
  /** Where `next()` stopped. */
  at = 0;
  error: ServiceError | null = null;

  readonly #trailerBytesMax: number;
  #state: State = "done";
  /** Bytes of content still to come: of the body, or of the present chunk. */
  #left = 0;
  #digits = 0;
  #trailerBytes = 0;

  constructor(trailerBytesMax: number) {
    this.#trailerBytesMax = trailerBytesMax;
  }

  start(bodyLength: number): void {
    this.error = null;
    this.#left = bodyLength === CHUNKED ? 0 : bodyLength;
    this.#digits = 0;
    this.#trailerBytes = 0;
    if (bodyLength === CHUNKED) this.#state = "size";
    else this.#state = bodyLength === 0 ? "done" : "fixed";
  }

  /**
   * Consumes bytes from `at` on. "data": the content in [dataStart, dataEnd), then call again from
   * `this.at`; "more": all consumed; "done": the body ended at `this.at`; "error": see `error`.
   */
  next(bytes: Uint8Array, at: number, end: number): "data" | "more" | "done" | "error" {
    while (at < end && this.#state !== "done" && this.#state !== "failed") {
      if (this.#state === "fixed" || this.#state === "data") return this.#content(at, end);
      this.#framing(bytes[at++] as number);
    }
    this.at = at;
    if (this.#state === "done") return "done";
    return this.#state === "failed" ? "error" : "more";
  }

  /** The bytes of a fixed body that were read straight to their place. */
  skip(count: number): void {
    this.#left -= count;
    if (this.#left === 0) this.#state = "done";
  }

  /** Content that is sure to come next without framing in between, as far as is known. */
  get contiguous(): number {
    return this.#state === "fixed" ? this.#left : 0;
  }

  #content(at: number, end: number): "data" {
    this.dataStart = at;
    this.dataEnd = Math.min(end, at + this.#left);
    this.at = this.dataEnd;
    this.#left -= this.dataEnd - at;
    if (this.#left === 0) this.#state = this.#state === "fixed" ? "done" : "dataCr";
    return "data";
  }

  #framing(byte: number): void {
    switch (this.#state) {
      case "size":
        return this.#size(byte);
      case "sizeLf":
        return this.#expect(byte, LF, this.#left > 0 ? "data" : "trailerStart");
      case "dataCr":
        return this.#expect(byte, CR, "dataLf");
      case "dataLf":
        this.#digits = 0;
        return this.#expect(byte, LF, "size");
      case "trailerStart":
      case "trailer":
        return this.#trailer(byte);
      case "trailerLf":
        return this.#expect(byte, LF, "trailerStart");
      case "endLf":
        return this.#expect(byte, LF, "done");
    }
  }

  #size(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0 && this.#digits < SIZE_DIGITS_MAX) {
      this.#left = this.#left * 16 + digit;
      this.#digits++;
    } else if (byte === CR && this.#digits > 0) {
      this.#state = "sizeLf";
    } else {
      this.#fail("A chunk does not start with its size in hexadecimal and a line end.");
    }
  }

  #trailer(byte: number): void {
    this.#trailerBytes++;
    if (this.#trailerBytes > this.#trailerBytesMax) {
      this.error = refusal(
        "headersTooLarge",
        `Trailers have at most ${this.#trailerBytesMax} bytes.`,
      );
      this.#state = "failed";
    } else if (byte === CR) {
      this.#state = this.#state === "trailerStart" ? "endLf" : "trailerLf";
    } else if (byte < 0x20 && byte !== 0x09 || byte === 0x7f) {
      this.#fail("A control byte stands in a trailer.");
    } else {
      this.#state = "trailer";
    }
  }

  #expect(byte: number, expected: number, next: State): void {
    if (byte === expected) this.#state = next;
    else this.#fail("A chunk is longer than its size, or a line does not end in CR LF.");
  }

  #fail(detail: string): void {
    this.error = refusal("malformedRequest", detail);
    this.#state = "failed";
  }
}
