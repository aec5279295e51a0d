/**
 * A client with one connection, which costs as little as the runtime allows: requests are bytes
 * that the caller prepared, and of an answer only what has to be checked is parsed, in place.
 */

const COLON = 0x3a;
const CR = 0x0d;
const SPACE = 0x20;
/** Room for a head; more than the largest answer of a key route. */
const HEAD_BYTES = 4 * 1024;

const CONTENT_LENGTH = lowerCase("content-length");
const REVISION = lowerCase("keva-revision");
const CONSISTENCY = lowerCase("keva-consistency");
const LINEARIZABLE = lowerCase("linearizable");

export class HttpClient {
  // --- The last answer, valid until the next `exchange` ---
  status = 0;
  /** 0 when there was none. */
  revision = 0;
  linearizable = false;
  readonly body: { bytes: Uint8Array<ArrayBuffer>; start: number; end: number };

  readonly #tcp: Deno.TcpConn;

  private constructor(tcp: Deno.TcpConn, bodyBytesMax: number) {
    this.#tcp = tcp;
    this.body = { bytes: new Uint8Array(HEAD_BYTES + bodyBytesMax), start: 0, end: 0 };
  }

  static async connect(port: number, bodyBytesMax: number): Promise<HttpClient> {
    const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
    tcp.setNoDelay(true);
    return new HttpClient(tcp, bodyBytesMax);
  }

  /** Sends one request and waits for its whole answer. */
  async exchange(request: Uint8Array): Promise<void> {
    let sent = await this.#tcp.write(request);
    while (sent < request.length) sent += await this.#tcp.write(request.subarray(sent));
    const buffer = this.body.bytes;
    let length = 0;
    do {
      if (length === buffer.length) throw new Error("an answer larger than its buffer");
      const count = await this.#tcp.read(length === 0 ? buffer : buffer.subarray(length));
      if (count === null) throw new Error("closed by the node");
      length += count;
    } while (!this.#isWhole(length));
  }

  close(): void {
    this.#tcp.close();
  }

  /** Parses the answer from its start; most come whole, so nothing is kept between the tries. */
  #isWhole(length: number): boolean {
    const { body, body: { bytes } } = this;
    this.status = 0;
    this.revision = 0;
    this.linearizable = false;
    let contentLength = 0;
    for (let line = 0;;) {
      const end = bytes.indexOf(CR, line);
      if (end < 0 || end + 1 >= length) return false;
      if (end === line) {
        body.start = end + 2;
        body.end = body.start + contentLength;
        return length >= body.end;
      }
      if (line === 0) this.status = decimal(bytes, bytes.indexOf(SPACE) + 1);
      else if (isHeader(bytes, line, CONTENT_LENGTH)) {
        contentLength = decimal(bytes, line + CONTENT_LENGTH.length + 2);
      } else if (isHeader(bytes, line, REVISION)) {
        this.revision = decimal(bytes, line + REVISION.length + 2);
      } else if (isHeader(bytes, line, CONSISTENCY)) {
        this.linearizable = startsWith(bytes, line + CONSISTENCY.length + 2, LINEARIZABLE);
      }
      line = end + 2;
    }
  }
}

/** The colon is looked at first: it tells most headers apart. */
function isHeader(bytes: Uint8Array, line: number, name: Uint8Array): boolean {
  return bytes[line + name.length] === COLON && startsWith(bytes, line, name);
}

/** Whether the lower-case text `expected` stands at `start`, in any case. */
function startsWith(bytes: Uint8Array, start: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) {
    if (((bytes[start + i] as number) | 0x20) !== ((expected[i] as number) | 0x20)) return false;
  }
  return true;
}

/** The number that stands at `at`, up to the first byte that is no digit. */
function decimal(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let digit = 0; (digit = (bytes[at++] as number) - 0x30) >= 0 && digit <= 9;) {
    value = value * 10 + digit;
  }
  return value;
}

function lowerCase(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
