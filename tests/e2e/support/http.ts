/**
 * HTTP/1.1 on raw connections, so that a test knows what no library tells: whether a request that
 * failed had left. Keys and values are bytes, and no path is ever normalised.
 */

export type Answer = {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
};

export type RequestOptions = {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly timeoutMs?: number;
};

/** The request was not answered. `sent` is false when it certainly never left. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  constructor(readonly sent: boolean, message: string) {
    super(message);
  }
}

/** Longer than any answer of a node may take by default. */
const TIMEOUT_MS = 10_000;
const BUFFER_BYTES = 64 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Whom a client trusts, and what it shows, as PEM. */
export type ClientTls = { readonly caCerts: string[]; readonly cert: string; readonly key: string };

/** A client of one node. Requests run side by side, each on a connection of its own. */
export class HttpClient {
  readonly port: number;
  /** Shown with every request. */
  token: string | undefined;
  readonly #host: string;
  readonly #tls: ClientTls | undefined;
  #idle: Pipe[] = [];

  constructor(port: number, host = "127.0.0.1", tls?: ClientTls) {
    this.port = port;
    this.#host = host;
    this.#tls = tls;
  }

  async request(method: string, target: string, options: RequestOptions = {}): Promise<Answer> {
    const pipe = this.#takeIdle() ?? await this.#connect();
    const timer = setTimeout(() => pipe.close(), options.timeoutMs ?? TIMEOUT_MS);
    try {
      await pipe.send(method, target, this.#withToken(options));
      const answer = await pipe.answer(method);
      if (answer.headers.get("connection") === "close") pipe.close();
      else this.#idle.push(pipe);
      return answer;
    } catch (error) {
      pipe.close();
      throw new RequestError(true, `${method} at port ${this.port}: ${(error as Error).message}`);
    } finally {
      clearTimeout(timer);
    }
  }

  #withToken(options: RequestOptions): RequestOptions {
    if (this.token === undefined) return options;
    const headers = { authorization: `Bearer ${this.token}`, ...options.headers };
    return { ...options, headers };
  }

  close(): void {
    for (const pipe of this.#idle) pipe.close();
    this.#idle = [];
  }

  /** One that the node has not closed meanwhile: a request on a dead connection tells nothing. */
  #takeIdle(): Pipe | undefined {
    for (let pipe = this.#idle.pop(); pipe !== undefined; pipe = this.#idle.pop()) {
      if (pipe.isOpen) return pipe;
      pipe.close();
    }
    return undefined;
  }

  async #connect(): Promise<Pipe> {
    try {
      const address = { hostname: this.#host, port: this.port };
      const tls = this.#tls;
      if (tls !== undefined) return new Pipe(await Deno.connectTls({ ...address, ...tls }));
      const tcp = await Deno.connect(address);
      tcp.setNoDelay(true);
      return new Pipe(tcp);
    } catch (error) {
      throw new RequestError(false, `port ${this.port}: ${(error as Error).message}`);
    }
  }
}

/** One connection, used for one request at a time, and read all the time to notice its end. */
class Pipe {
  readonly #tcp: Deno.Conn;
  #unread = new Uint8Array(0);
  #end: Error | null = null;
  #arrived = Promise.withResolvers<void>();
  #closed = false;

  constructor(tcp: Deno.Conn) {
    this.#tcp = tcp;
    void this.#read();
  }

  get isOpen(): boolean {
    return this.#end === null && !this.#closed;
  }

  async send(method: string, target: string, options: RequestOptions): Promise<void> {
    const body = options.body ?? new Uint8Array(0);
    const headers = Object.entries(options.headers ?? {}).map(([name, value]) =>
      `${name}: ${value}\r\n`
    );
    const length = options.body === undefined ? "" : `Content-Length: ${body.length}\r\n`;
    const head = `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${
      headers.join("")
    }${length}\r\n`;
    const bytes = joined(encoder.encode(head), body);
    for (let at = 0; at < bytes.length;) at += await this.#tcp.write(bytes.subarray(at));
  }

  async answer(method: string): Promise<Answer> {
    let end = -1;
    while ((end = indexOfBlankLine(this.#unread)) < 0) await this.#more();
    const [first = "", ...lines] = decoder.decode(this.#unread.subarray(0, end)).split("\r\n");
    this.#unread = this.#unread.slice(end + 4);
    const headers = new Map(lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }));
    const status = Number(first.split(" ")[1]);
    const hasBody = method !== "HEAD" && status !== 204 && status !== 304;
    const length = hasBody ? Number(headers.get("content-length") ?? 0) : 0;
    while (this.#unread.length < length) await this.#more();
    const body = this.#unread.slice(0, length);
    this.#unread = this.#unread.slice(length);
    return { status, headers, body };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tcp.close();
  }

  /** Waits for more bytes, or throws when there will be none. */
  async #more(): Promise<void> {
    if (this.#end !== null) throw this.#end;
    await this.#arrived.promise;
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES);
    while (this.#end === null) {
      try {
        const count = await this.#tcp.read(buffer);
        if (count === null) this.#end = new Error("the node closed the connection");
        else this.#unread = joined(this.#unread, buffer.subarray(0, count));
      } catch (error) {
        this.#end = error as Error;
      }
      this.#arrived.resolve();
      this.#arrived = Promise.withResolvers();
    }
  }
}

function indexOfBlankLine(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(13); at >= 0; at = bytes.indexOf(13, at + 1)) {
    if (bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10) return at;
  }
  return -1;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
