/** A few conversations over real TCP: what a simulated network cannot show. */

import assert from "node:assert/strict";
import type { Log } from "../../src/base/mod.ts";
import { type HttpServer, serveHttp } from "../../src/api/mod.ts";
import { network, systemClock } from "../../src/platform/mod.ts";
import { Service } from "../../src/service/mod.ts";
import { FakeReplica } from "../support/fake_replica.ts";
import { latin1Bytes, request, statuses } from "./support.ts";

const MIB = 1024 * 1024;
const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent };

async function withServer(run: (server: HttpServer, url: string) => Promise<void>): Promise<void> {
  const clock = systemClock();
  const server = await serveHttp({
    hosts: ["h", "n1"],
    network,
    clock,
    log: silent,
    service: new Service({ replica: new FakeReplica(), clock }),
    address: { host: "127.0.0.1", port: 0 },
  });
  try {
    await run(server, `http://127.0.0.1:${server.address.port}/v1/storage/key/`);
  } finally {
    await server.drain(2000);
  }
}

async function readAll(connection: Deno.TcpConn): Promise<string> {
  return String.fromCharCode(
    ...new Uint8Array(await new Response(connection.readable).arrayBuffer()),
  );
}

Deno.test("serveHttp() keeps values of every size byte for byte, over fetch", async () => {
  await withServer(async (_server, url) => {
    for (const size of [0, 1, 255, 8191, 65_536, 65_537, MIB - 1, MIB]) {
      const value = Uint8Array.from({ length: size }, (_, i) => (i * 31) >> 3);
      const put = await fetch(`${url}size${size}`, { method: "PUT", body: value });
      assert.equal((await put.json()).done, "true");
      const get = await fetch(`${url}size${size}`);
      assert.equal(get.headers.get("content-length"), String(size));
      assert.deepEqual(new Uint8Array(await get.arrayBuffer()), value);
    }
  });
});

Deno.test("serveHttp() reads a streamed body", async () => {
  await withServer(async (_server, url) => {
    const parts = Array.from({ length: 50 }, (_, i) => new Uint8Array(i * 100).fill(i));
    const put = await fetch(`${url}stream`, { method: "POST", body: ReadableStream.from(parts) });
    assert.equal((await put.json()).done, "true");
    const value = new Uint8Array(await (await fetch(`${url}stream`)).arrayBuffer());
    assert.deepEqual(value, new Uint8Array(parts.flatMap((part) => [...part])));
  });
});

Deno.test("serveHttp() delivers a refusal to a client that goes on sending", async () => {
  await withServer(async (server) => {
    const connection = await Deno.connect(
      server.address.host === "" ? { port: 0 } : {
        hostname: server.address.host,
        port: server.address.port,
      },
    );
    const body = new Uint8Array(8 * MIB);
    const head = latin1Bytes(
      `PUT /v1/storage/key/a HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    const sending = (async () => {
      await connection.write(head);
      for (let at = 0; at < body.length;) at += await connection.write(body.subarray(at));
      await connection.closeWrite();
    })();
    const answer = await readAll(connection);
    await sending.catch(() => {});
    assert.deepEqual(statuses(answer), [413]);
  });
});

Deno.test("serveHttp() answers 200 pipelined requests on one connection in order", async () => {
  await withServer(async (server) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.address.port });
    let text = "";
    for (let i = 0; i < 100; i++) {
      text += request(`PUT /v1/storage/key/k${i}`, [], `<${i}>`);
      text += request(`GET /v1/storage/key/k${i}`, i === 99 ? ["Connection: close"] : []);
    }
    const bytes = latin1Bytes(text);
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    const answer = await readAll(connection);
    assert.deepEqual(statuses(answer), Array(200).fill(200));
    const values = [...answer.matchAll(/<(\d+)>/g)].map((match) => Number(match[1]));
    assert.deepEqual(values, Array.from({ length: 100 }, (_, i) => i));
  });
});

Deno.test("HttpServer.drain() on real connections leaves nothing open", async () => {
  await withServer(async (server, url) => {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => fetch(url + i).then((it) => it.body?.cancel())),
    );
    await server.drain(2000);
    assert.equal(server.connections, 0);
    await assert.rejects(() => Deno.connect({ hostname: "127.0.0.1", port: server.address.port }));
  });
});
