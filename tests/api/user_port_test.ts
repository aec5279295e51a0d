/** The port for clients while its certificate changes. */

import assert from "node:assert/strict";
import {
  type Address,
  err,
  type Network,
  ok,
  type Result,
  type TlsCredentials,
  type TlsNetwork,
} from "../../src/base/mod.ts";
import { UserPort } from "../../src/user_port.ts";
import { MemoryLog } from "../support/memory_log.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

const ADDRESS: Address = { host: "127.0.0.1", port: 1 };
const DAY_MS = 86_400_000;

/** A certificate that ends so many days from now on is called after them. */
function credentials(days: number, privateKey = "key"): TlsCredentials {
  return { certificate: String(days), privateKey };
}

async function opened(first: TlsCredentials) {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const used: TlsCredentials[] = [];
  const tlsNetwork: TlsNetwork = {
    check: ({ certificate }) => {
      const atMs = clock.wallTime() + Number(certificate) * DAY_MS;
      return ok({ atMs, text: `in ${certificate} days` });
    },
    listen: (address, options) => {
      used.push(options.credentials);
      options.refused({ host: "stranger", port: 2 }, "no reason");
      return Promise.resolve({ address, use: (next) => used.push(next), close: () => {} });
    },
  };
  const files: { now: Result<TlsCredentials, string> } = { now: ok(first) };
  const port = new UserPort({
    ports: { clock, tlsNetwork, network: { listen: () => assert.fail() } as unknown as Network },
    log,
    tls: { credentials: first, source: () => files.now },
    clientsCertified: false,
  });
  const counters = { handshakesFailed: 0, certificateEndsAtMs: null as number | null };
  await port.listen(ADDRESS, () => {}, counters);
  const said = () => log.lines.splice(0).map(({ level, event }) => `${level} ${event}`);
  return { port, files, used, counters, clock, said };
}

Deno.test("UserPort counts who was turned away, and does not fill the log with it", async () => {
  const { counters, said } = await opened(credentials(90));
  assert.equal(counters.handshakesFailed, 1);
  assert.deepEqual(said(), ["debug client refused", "info certificate in use"]);
});

Deno.test("UserPort takes up what has changed, once", async () => {
  const { port, files, used, counters, clock, said } = await opened(credentials(90));
  said();
  port.reload();
  assert.equal(used.length, 1);
  files.now = ok(credentials(90, "another key"));
  port.reload();
  port.reload();
  files.now = ok(credentials(120));
  port.reload();
  assert.deepEqual(used.slice(1), [credentials(90, "another key"), credentials(120)]);
  assert.equal(counters.certificateEndsAtMs, clock.wallTime() + 120 * DAY_MS);
  assert.deepEqual(said(), ["info certificate in use", "info certificate in use"]);
});

Deno.test("UserPort keeps what it has when the files are bad, and says so", async () => {
  const { port, files, used, said } = await opened(credentials(90));
  said();
  files.now = err("the private key is not that of the certificate");
  port.reload();
  assert.equal(used.length, 1);
  assert.deepEqual(said(), ["error certificate not reloaded"]);
});

Deno.test("UserPort warns of a certificate that ends soon or has ended", async () => {
  const { port, files, said } = await opened(credentials(13));
  assert.deepEqual(said().slice(1), ["warn the certificate for clients expires soon"]);
  files.now = ok(credentials(-1));
  port.reload();
  assert.deepEqual(said(), ["warn the certificate for clients has expired"]);
});
