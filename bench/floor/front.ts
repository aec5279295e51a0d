/** As much of HTTP/1.1 as the load generator speaks, and no check of anything. */

import { latin1Text } from "../../src/base/mod.ts";
import { Gatherer } from "./wire.ts";

export type Request = {
  readonly client: Client;
  readonly key: Uint8Array;
  /** Null: the key is to be read. */
  readonly value: Uint8Array | null;
};

const CR = 0x0d;
const SPACE = 0x20;
const START_OF_PUT = 0x50;
const START_OF_KEY = "GET /v1/storage/key/".length;
const BUFFER_BYTES = 64 * 1024;

const encoder = new TextEncoder();

export class Client extends Gatherer {
  answer(revision: number, value: Uint8Array | undefined): void {
    const consistency = value === undefined ? "" : "Keva-Consistency: linearizable\r\n";
    const head = `HTTP/1.1 200 OK\r\nKeva-Revision: ${revision}\r\n${consistency}` +
      `Content-Length: ${value?.length ?? 0}\r\n\r\n`;
    const bytes = new Uint8Array(head.length + (value?.length ?? 0));
    encoder.encodeInto(head, bytes);
    if (value !== undefined) bytes.set(value, head.length);
    this.write(bytes);
  }
}

/** Calls `take` for each request of each client. */
export async function serveClients(port: number, take: (request: Request) => void): Promise<void> {
  for await (const tcp of Deno.listen({ hostname: "127.0.0.1", port })) {
    serve(tcp, take).catch(() => {}); // reset by its client
  }
}

async function serve(tcp: Deno.TcpConn, take: (request: Request) => void): Promise<void> {
  const client = new Client(tcp);
  const buffer = new Uint8Array(BUFFER_BYTES);
  for (let filled = 0;;) {
    const count = await tcp.read(buffer.subarray(filled));
    if (count === null) return;
    filled += count;
    const end = endOfRequest(buffer, filled);
    if (end === null) continue; // its rest is still to come
    filled = 0; // a client has one request under way
    const { bodyAt, length } = end;
    const isWrite = buffer[0] === START_OF_PUT;
    take({
      client,
      key: buffer.slice(START_OF_KEY, buffer.indexOf(SPACE, START_OF_KEY)),
      value: isWrite ? buffer.slice(bodyAt, bodyAt + length) : null,
    });
  }
}

/** Null while the request in the first `filled` bytes is not whole. */
function endOfRequest(
  buffer: Uint8Array,
  filled: number,
): { bodyAt: number; length: number } | null {
  for (let at = 0; (at = buffer.indexOf(CR, at)) >= 0 && at + 3 < filled; at++) {
    if (buffer[at + 2] !== CR) continue;
    const head = latin1Text(buffer, 0, at);
    const length = Number(/Content-Length: (\d+)/i.exec(head)?.[1] ?? 0);
    const bodyAt = at + 4;
    return filled < bodyAt + length ? null : { bodyAt, length };
  }
  return null;
}
