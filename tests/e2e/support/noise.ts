/** Bytes that no honest program sends, and what becomes of connections that bring them. */

import net from "node:net";
import tls from "node:tls";
import { bytesOf } from "./kv.ts";

const HOST = "127.0.0.1";
/** Longer than the deadline of a handshake between nodes, which is three seconds. */
const PATIENCE_MS = 10_000;

function frame(length: number, kind: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(9 + body.length);
  new DataView(bytes.buffer).setUint32(0, length, true);
  bytes[8] = kind;
  bytes.set(body, 9);
  return bytes;
}

/** For the port for nodes. */
export const NOISE: Readonly<Record<string, Uint8Array>> = {
  "nothing": new Uint8Array(0),
  "one byte": Uint8Array.of(0),
  "zeros": new Uint8Array(64 * 1024),
  "ones": new Uint8Array(64 * 1024).fill(0xff),
  "text": bytesOf("KEVA\n".repeat(10_000)),
  "an HTTP request": bytesOf("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  "a frame that claims 4 GiB": frame(0xffffffff, 1, bytesOf("KEVA")),
  "a frame that claims 16 MiB": frame(16 * 1024 * 1024, 1, bytesOf("KEVA")),
  "a frame of length 0": frame(0, 1, new Uint8Array(0)),
  "a frame with a wrong check": frame(9, 1, bytesOf("KEVA")),
  "an unknown kind": frame(5, 0xee, new Uint8Array(0)),
  "16 MiB": new Uint8Array(16 * 1024 * 1024).fill(0x41),
};

const SMUGGLED = "GET /v1/storage/key/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";

function post(headers: string, body: string): Uint8Array {
  const head = `POST /v1/storage/key/a HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;
  return bytesOf(head + body + SMUGGLED);
}

/** Requests that a proxy and a server may cut in two different ways: one 400, and nothing more. */
export const SMUGGLING: Readonly<Record<string, Uint8Array>> = {
  "length and chunks": post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\nX"),
  "chunks and length": post("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", "0\r\n\r\nX"),
  "two lengths": post("Content-Length: 1\r\nContent-Length: 2\r\n", "ab"),
  "a list of lengths": post("Content-Length: 1, 1\r\n", "a"),
  "a signed length": post("Content-Length: +1\r\n", "a"),
  "chunks twice": post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
  "chunks by another name": post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
  "a blank before the colon": post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
  "a folded line": post("X: a\r\n Content-Length: 1\r\n", "a"),
  "a bare line feed": post("X: a\nContent-Length: 1\r\n", "a"),
  "a chunk without an end": post("Transfer-Encoding: chunked\r\n", "1\r\nab\r\n0\r\n\r\n"),
};

/** Sends `bytes` and returns what came back until the end, as text. */
export function talk(port: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: HOST });
    let text = "";
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`no end after: ${text}`)));
    socket.on("connect", () => socket.write(bytes));
    socket.on("data", (chunk: Uint8Array) => text += new TextDecoder().decode(chunk));
    socket.on("end", () => socket.end());
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
}

export type Knock = {
  readonly port: number;
  readonly bytes: Uint8Array;
  /** The address of this machine that it comes from. */
  readonly from: string;
  /** Inside TLS, by a client that shows no key of its own. */
  readonly tls: boolean;
};

/** Whether the other side ends the connection in time. */
export function knock({ port, bytes, from, tls: encrypted }: Knock): Promise<boolean> {
  return new Promise((resolve) => {
    const way = { port, host: HOST, localAddress: from };
    const socket = encrypted
      ? tls.connect({ ...way, rejectUnauthorized: false })
      : net.connect(way);
    const timer = setTimeout(() => {
      resolve(false);
      socket.destroy();
    }, PATIENCE_MS);
    socket.on(encrypted ? "secureConnect" : "connect", () => {
      if (bytes.length > 0) socket.write(bytes); // this runtime does not survive less in TLS
    });
    socket.on("error", () => {}); // close follows
    socket.on("end", () => socket.destroy());
    socket.resume();
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
