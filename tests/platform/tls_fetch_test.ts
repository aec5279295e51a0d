/** KevaClient by TLS against real listeners: each misunderstanding is told in one clear sentence. */

import assert from "node:assert/strict";
import { type HttpServer, serveHttp } from "../../src/api/mod.ts";
import { utf8 } from "../../src/base/mod.ts";
import { KevaClient, KevaError } from "../../src/client/mod.ts";
import { network, systemClock, tlsFetch, tlsNetwork } from "../../src/platform/mod.ts";
import { Service } from "../../src/service/mod.ts";
import { Authority, LOCAL_NAMES, type Pair } from "../support/certificates.ts";
import { FakeReplica } from "../support/fake_replica.ts";
import { MemoryLog } from "../support/memory_log.ts";

const [ours, theirs] = [await Authority.make("CN=ours"), await Authority.make("CN=theirs")];
const named = { subject: "CN=server", names: LOCAL_NAMES };
const server = await ours.issue(named);
const web = await ours.issue({ subject: "CN=web" });

type Trust = { readonly authority?: Authority; readonly own?: Pair };

function fetchOf({ authority, own }: Trust): typeof fetch {
  const made = tlsFetch({ authorities: authority?.certificate, own });
  assert.ok(made.ok, JSON.stringify(made));
  return made.value;
}

/** A server with this certificate, or without TLS. */
async function serving(
  pair: Pair | null,
  clientsCertified: boolean,
  run: (server: HttpServer) => Promise<void>,
): Promise<void> {
  const clock = systemClock();
  const credentials = { ...pair ?? server, clientAuthorities: ours.certificate };
  const http = await serveHttp({
    hosts: [],
    door: pair === null ? network : {
      listen: (address, accept) =>
        tlsNetwork.listen(address, { credentials, clientsCertified, accept, refused: () => {} }),
    },
    clock,
    log: new MemoryLog(),
    service: new Service({ replica: new FakeReplica(), clock }),
    address: { host: "127.0.0.1", port: 0 },
  });
  try {
    await run(http);
  } finally {
    http.close();
  }
}

/** The client of `fetch` stays open: a program has one for as long as it runs. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `KevaClient by TLS ${name}`, fn, sanitizeResources: false });
}

test("reads and writes, with a certificate and without", async () => {
  for (const clientsCertified of [false, true]) {
    await serving(server, clientsCertified, async ({ address: { port } }) => {
      const endpoints = [`https://localhost:${port}`];
      const trust = { authority: ours, ...clientsCertified && { own: web } };
      const keva = new KevaClient({ endpoints, fetch: fetchOf(trust) });
      const value = new Uint8Array(300_000).fill(7);
      await keva.put("key", value);
      assert.deepEqual((await keva.get("key"))?.value, value);
      await keva.close();
    });
  }
});

type Case = {
  readonly says: string;
  readonly next: RegExp;
  readonly pair?: Pair | null;
  readonly clientsCertified?: boolean;
  readonly trust?: Trust;
  readonly scheme?: string;
};

const CASES: Record<string, Case> = {
  "an authority that is not trusted": {
    says: "no authority that is trusted here vouches for the certificate of HERE",
    next: /--cacert/,
    trust: { authority: theirs },
  },
  "no trusted authority at all": {
    says: "no authority that is trusted here vouches for the certificate of HERE",
    next: /--cacert/,
    trust: {},
  },
  "another name": {
    says: "the certificate of HERE is for other names than this one",
    next: /by a name or address/,
    pair: await ours.issue({ ...named, names: [{ type: "dns", value: "kv.example.com" }] }),
  },
  "no name at all": {
    says: "the certificate of HERE is for other names than this one",
    next: /by a name or address/,
    pair: await ours.issue({ subject: "CN=localhost" }),
  },
  "a certificate that has ended": {
    says: "the certificate of HERE has expired",
    next: /Renew it/,
    pair: await ours.issue({ ...named, days: -1 }),
  },
  "the certificate of an authority": {
    says: "the certificate of HERE is not one for a server",
    next: /Give the node one/,
    pair: ours,
  },
  "a missing certificate of the client": {
    says: "HERE lets nobody in without a certificate",
    next: /--cert and --key/,
    clientsCertified: true,
  },
  "a port without TLS": {
    says: "HERE does not speak TLS",
    next: /Write http:\/\/localhost:\d+/,
    pair: null,
  },
  "a port with TLS, asked without": {
    says: "HERE does not speak plain HTTP",
    next: /Write https:\/\/localhost:\d+/,
    scheme: "http",
  },
};

for (const [name, one] of Object.entries(CASES)) {
  test(`tells ${name}, and that nothing has happened`, async () => {
    const { pair = server, clientsCertified = false, trust = { authority: ours } } = one;
    await serving(pair, clientsCertified, async ({ address: { port } }) => {
      const keva = new KevaClient({
        endpoints: [`${one.scheme ?? "https"}://localhost:${port}`],
        fetch: fetchOf(trust),
        discover: false,
      });
      const error = await keva.put("key", utf8("value")).then(() => null, (reason) => reason);
      assert.ok(error instanceof KevaError, String(error));
      assert.equal(error.message, one.says.replace("HERE", `localhost:${port}`));
      assert.deepEqual([error.code, error.effect], ["tlsFailed", "none"]);
      assert.match(error.next, one.next);
    });
  });
}

test("does not claim to know what became of a request with a certificate that is bad", async () => {
  await serving(server, true, async ({ address: { port } }) => {
    const keva = new KevaClient({
      endpoints: [`https://localhost:${port}`],
      fetch: fetchOf({ authority: ours, own: theirs }),
      discover: false,
      timeoutMs: 500,
    });
    const error = await keva.put("key", "value").then(() => null, (reason) => reason);
    assert.ok(error instanceof KevaError, String(error));
    assert.deepEqual([error.code, error.effect], ["connectionLost", "unknown"]);
    assert.match(error.message, /the node does not accept the certificate that is shown to it$/);
  });
});

Deno.test("tlsFetch() says what is wrong with what it is given", () => {
  const complaint = (trust: Parameters<typeof tlsFetch>[0]) => {
    const made = tlsFetch(trust);
    return made.ok ? null : made.error;
  };
  assert.equal(
    complaint({ authorities: "junk" }),
    "the authority: there is no certificate in it, in the form of PEM",
  );
  assert.equal(
    complaint({ own: { certificate: web.certificate, privateKey: server.privateKey } }),
    "the certificate of this client: the private key is not that of the certificate",
  );
});
