/** A few conversations over real TCP and TLS: what a simulated network cannot show. */

import assert from "node:assert/strict";
import type { Log } from "../../src/base/mod.ts";
import { type HttpOptions, type HttpServer, serveHttp } from "../../src/api/mod.ts";
import { network, systemClock, tlsNetwork } from "../../src/platform/mod.ts";
import { Service } from "../../src/service/mod.ts";
import { Authority, LOCAL_NAMES } from "../support/certificates.ts";
import { FakeReplica } from "../support/fake_replica.ts";
import { until } from "../e2e/support/wait.ts";
import { latin1Bytes, request, statuses } from "./support.ts";

const MIB = 1024 * 1024;
const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent };

const authority = await Authority.make("CN=ca");
const credentials = await authority.issue({ subject: "CN=n1", names: LOCAL_NAMES });

/** By which a test reaches its server. */
type Way = {
  /** Of keys. */
  readonly url: string;
  readonly fetch: typeof fetch;
  connect(): Promise<Deno.Conn>;
};

async function withServer(
  scheme: "http" | "https",
  run: (server: HttpServer, way: Way) => Promise<void>,
  limits: HttpOptions["limits"] = {},
): Promise<void> {
  const clock = systemClock();
  const isTls = scheme === "https";
  const server = await serveHttp({
    hosts: ["h", "n1"],
    door: isTls ? tlsDoor : network,
    clock,
    log: silent,
    service: new Service({ replica: new FakeReplica(), clock }),
    address: { host: "127.0.0.1", port: 0 },
    limits,
  });
  const caCerts = [authority.certificate];
  using client = Deno.createHttpClient({ caCerts });
  const { host: hostname, port } = server.address;
  try {
    await run(server, {
      url: `${scheme}://127.0.0.1:${port}/v1/storage/key/`,
      fetch: (input, init) => fetch(input, { ...init, client }),
      connect: () =>
        isTls ? Deno.connectTls({ hostname, port, caCerts }) : Deno.connect({ hostname, port }),
    });
  } finally {
    await server.drain(2000);
  }
}

const tlsDoor: HttpOptions["door"] = {
  listen: (address, accept) =>
    tlsNetwork.listen(address, {
      credentials,
      clientsCertified: false,
      accept,
      refused: () => {},
    }),
};

async function readAll(connection: Deno.Conn): Promise<string> {
  return String.fromCharCode(
    ...new Uint8Array(await new Response(connection.readable).arrayBuffer()),
  );
}

for (const scheme of ["http", "https"] as const) {
  Deno.test(`serveHttp() by ${scheme} keeps values of every size byte for byte, over fetch`, async () => {
    await withServer(scheme, async (_server, { url, fetch }) => {
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

  Deno.test(`serveHttp() by ${scheme} reads a streamed body`, async () => {
    await withServer(scheme, async (_server, { url, fetch }) => {
      const parts = Array.from({ length: 50 }, (_, i) => new Uint8Array(i * 100).fill(i));
      const put = await fetch(`${url}stream`, { method: "POST", body: ReadableStream.from(parts) });
      assert.equal((await put.json()).done, "true");
      const value = new Uint8Array(await (await fetch(`${url}stream`)).arrayBuffer());
      assert.deepEqual(value, new Uint8Array(parts.flatMap((part) => [...part])));
    });
  });

  Deno.test(`serveHttp() by ${scheme} delivers a refusal to a client that goes on sending`, async () => {
    await withServer(scheme, async (_server, { connect }) => {
      const connection = await connect();
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

  Deno.test(`serveHttp() by ${scheme} answers 200 pipelined requests on one connection in order`, async () => {
    await withServer(scheme, async (_server, { connect }) => {
      const connection = await connect();
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

  Deno.test(`serveHttp() by ${scheme} gives up a client that takes none of its answers`, async () => {
    const limits = { bodyTimeoutMs: 300, idleTimeoutMs: 300 };
    await withServer(scheme, async (server, { url, fetch, connect }) => {
      await (await fetch(`${url}large`, { method: "PUT", body: new Uint8Array(MIB) })).text();
      const connection = await connect();
      await connection.write(latin1Bytes(request("GET /v1/storage/key/large").repeat(50)));
      await until("all given up", () => server.connections === 0);
      connection.close();
    }, limits);
  });

  Deno.test(`HttpServer.drain() by ${scheme} on real connections leaves nothing open`, async () => {
    await withServer(scheme, async (server, { url, fetch, connect }) => {
      await Promise.all(
        Array.from({ length: 20 }, (_, i) => fetch(url + i).then((it) => it.body?.cancel())),
      );
      await server.drain(2000);
      assert.equal(server.connections, 0);
      await assert.rejects(connect);
    });
  });
}
