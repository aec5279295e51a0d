/** Clients by TLS: curl with a token and with a certificate, who is kept out, and renewal. */

import assert from "node:assert/strict";
import { connect } from "node:net";
import { asVersion1, Authority, type Pair } from "../support/certificates.ts";
import { BINARY, type Cluster, clusterTest, type Node } from "./support/cluster.ts";
import { HttpClient } from "./support/http.ts";
import { KEYED, keysFor } from "./support/keys.ts";
import { textOf } from "./support/kv.ts";
import { Ledger } from "./support/ledger.ts";
import { Load } from "./support/load.ts";
import { output, RunningProcess } from "./support/process.ts";
import {
  type Certificates,
  clientTls,
  curl,
  newCertificates,
  replaceFile,
  runCurl,
  TLS,
  writePair,
} from "./support/tls.ts";
import { until } from "./support/wait.ts";

const KEY = "/v1/storage/key/greeting";
const [first, second] = [await newCertificates("first"), await newCertificates("second")];
const WEB = ["--cert", "web.pem", "--key", "web.key"];

function write(cluster: Cluster, { ca, server, web }: Certificates): void {
  writePair(cluster, "server", server);
  writePair(cluster, "web", web);
  replaceFile(`${cluster.directory}/ca.pem`, ca.certificate);
}

/** curl with a certificate of this subject. */
async function curlAs(cluster: Cluster, node: Node, pair: Pair): ReturnType<typeof curl> {
  writePair(cluster, "other", pair);
  return await curl(cluster, node, KEY, ["--cert", "other.pem", "--key", "other.key"]);
}

clusterTest("tls: curl with a certificate, with a token, and with neither", {
  settings: `${TLS}[access]\nclients = "authenticated"\n`,
  tls: clientTls(first, [first.ca]),
}, async ({ cluster }) => {
  write(cluster, first);
  await cluster.start();
  const [n1, n2, n3] = cluster.nodes as [Node, Node, Node];

  const put = await curl(cluster, n1, KEY, [...WEB, "-X", "PUT", "-d", "hello"]);
  assert.equal(put.status, 200, put.body + put.error);
  const got = await curl(cluster, n2, KEY, WEB);
  assert.deepEqual([got.status, got.body], [200, "hello"]);

  // The common name of the certificate is who calls.
  const body = ["-H", "Content-Type: application/json", "-d", '{"name":"ci"}'];
  const made = await curl(cluster, n1, "/v1/tokens", [...WEB, "-X", "POST", ...body]);
  assert.equal(made.status, 200, made.body + made.error);
  await n1.running.line(/token created .*by=web/);
  const { token } = JSON.parse(made.body) as { token: string };
  const bearer = (text: string) => ["-H", `Authorization: Bearer ${text}`];

  assert.equal((await curl(cluster, n3, KEY, bearer(token))).body, "hello");
  assert.equal((await curl(cluster, n3, KEY, bearer(`${token.slice(0, -2)}xx`))).status, 401);
  assert.equal((await curl(cluster, n3, KEY, [...WEB, ...bearer("wrong")])).status, 401);
  assert.equal((await curl(cluster, n3, KEY)).status, 401);

  // The command line: whom to trust from the environment, the nodes from ./keva.toml.
  const client = { cwd: cluster.directory, env: { KEVA_CACERT: "ca.pem" } };
  const keva = (...args: string[]) => output(BINARY, { ...client, args });
  const mine = await keva("put", "mine", "1", "--cert", "web.pem", "--key", "web.key");
  assert.equal(mine.code, 0, mine.stderr);
  assert.equal(textOf((await keva("get", "mine", "--token", token)).stdout), "1");
  assert.match((await keva("get", "mine")).stderr, /does not say who sends it/);
  const alone = await output(BINARY, { cwd: cluster.directory, args: ["get", "mine"] });
  assert.match(alone.stderr, /no authority that is trusted here vouches for .*--cacert/s);
  const plain = await keva("get", "mine", "--endpoints", `http://localhost:${n1.userPort}`);
  assert.match(plain.stderr, /does not speak plain HTTP/);

  const watching = new RunningProcess("curl", {
    args: [
      ...["-sSN", "--cacert", "ca.pem", ...bearer(token)],
      `https://localhost:${n3.userPort}/v1/storage/watch?prefix=greet&initial=true`,
    ],
    cwd: cluster.directory,
  });
  await watching.line(/^event: synced/);
  await curl(cluster, n1, KEY, [...WEB, "-X", "PUT", "-d", "again"]);
  await watching.line(/"value":"again"/);
  await watching.kill();

  // A policy goes by the name in a certificate as by that of a token.
  const operator = ["--token-file", `${n1.data}/operator.token`];
  const at = ["--endpoints", `localhost:${n1.userPort}`];
  const rule = await keva("policy", "add", "p, web, app/, produce", ...operator, ...at);
  assert.equal(rule.code, 0, rule.stderr);
  const asked = async (node: Node, key: string, args: readonly string[]) => {
    const { status, body } = await curl(cluster, node, `/v1/storage/key/${key}`, args);
    return status === 403 ? `403 ${JSON.parse(body).permission}` : String(status);
  };
  const writing = ["-X", "PUT", "-d", "1"];
  assert.equal(await asked(n3, "app/a", [...WEB, ...writing]), "200");
  assert.equal(await asked(n3, "greeting", [...WEB, ...writing]), "403 write");
  assert.equal(await asked(n2, "app/a", WEB), "403 read");
  assert.equal(await asked(n2, "app/a", bearer(token)), "403 read");

  for (const node of cluster.nodes) assert.equal((await node.stop()).code, 0);
});

clusterTest("tls: without a certificate that counts, nothing is let in where one is required", {
  nodes: 1,
  settings: `${TLS}client_certificates = "required"\n`,
  tls: clientTls(first, [first.ca]),
}, async ({ cluster }) => {
  write(cluster, first);
  await cluster.start();
  const [n1] = cluster.nodes as [Node];
  const { ca } = first;
  assert.equal((await curl(cluster, n1, KEY, WEB)).status, 204);

  const none = await curl(cluster, n1, KEY);
  assert.equal(none.status, 0);
  assert.match(none.error, /certificate required/);
  const strangers: Pair[] = [
    second.web,
    await ca.issue({ subject: "CN=web", days: -1 }),
    asVersion1(await ca.issue({ subject: "CN=web" }), ca),
    await Authority.make("CN=first"),
  ];
  for (const pair of strangers) assert.equal((await curlAs(cluster, n1, pair)).status, 0);
  for (const subject of ["O=nobody", "CN=web,CN=admin", "CN=operator of n1"]) {
    const { status, body } = await curlAs(cluster, n1, await ca.issue({ subject }));
    assert.equal(status, 401, subject);
    assert.match(body, /names nobody/);
  }
  const old = await curl(cluster, n1, KEY, [...WEB, "--tls-max", "1.2"]);
  assert.equal(old.status, 0);
  const plain = await runCurl(
    ["-s", "--max-time", "20", `http://localhost:${n1.userPort}${KEY}`],
    cluster.directory,
  );
  assert.notEqual(plain.code, 0);
  assert.notEqual(plain.code, 28, "it was to be closed, not left to wait");

  const metrics = textOf((await n1.client.request("GET", "/metrics")).body);
  const failed = Number(/^keva_http_handshakes_failed_total (\d+)$/m.exec(metrics)?.[1]);
  assert.ok(failed >= strangers.length + 3, `${failed} handshakes failed`);
  const end = Number(/^keva_http_certificate_end_seconds (\S+)$/m.exec(metrics)?.[1]);
  assert.ok(Math.abs(end - Date.now() / 1000 - 30 * 86_400) < 3_600, `it ends at ${end}`);
});

clusterTest("tls: a node that others can reach starts with keys and required certificates", {
  nodes: 1,
  addresses: ["0.0.0.0"],
  settings: `${KEYED}${TLS}client_certificates = "required"\n`,
  tls: clientTls(first, [first.ca]),
}, async ({ cluster }) => {
  const names = [{ type: "ip", value: "0.0.0.0" }] as const;
  write(cluster, { ...first, server: await first.ca.issue({ subject: "CN=node", names }) });
  await keysFor(cluster);
  const [n1] = cluster.nodes as [Node];
  const refused = n1.startElsewhere(n1.data, ["--set", "tls.client_certificates=optional"]);
  assert.equal((await refused.end()).code, 1);
  assert.match(
    refused.text,
    /everybody who reaches 0\.0\.0\.0:\d+ could read and change everything/,
  );
  await cluster.start();
  assert.doesNotMatch(n1.running.text, /in clear|insecure|WARN/);
  assert.equal((await n1.client.request("GET", KEY)).status, 204);
});

clusterTest("tls: handshakes that never end take nothing from those who have finished", {
  nodes: 1,
  settings: `${TLS}[limits]\nconnections_max = 16\nconnections_per_address_max = 16\n`,
  tls: clientTls(first, [first.ca]),
}, async ({ cluster }) => {
  write(cluster, first);
  await cluster.start();
  const [n1] = cluster.nodes as [Node];
  const begun = Uint8Array.of(0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3); // and no more
  let closed = 0;
  const strangers = Array.from({ length: 480 }, (_, i) => {
    const way = { host: n1.address, port: n1.userPort, localAddress: `127.0.0.${2 + i % 2}` };
    const socket = connect(way, () => i % 4 < 2 || socket.write(begun));
    socket.on("error", () => {}).on("close", () => closed++).resume();
    return socket;
  });
  await until("strangers to be there", () => strangers.every(({ connecting }) => !connecting));
  const customers = Array.from({ length: 8 }, () => n1.client.request("GET", KEY));
  for (const { status } of await Promise.all(customers)) assert.equal(status, 204);
  assert.equal(closed, 0, "the strangers were to be there all the while");
  await until("strangers to be gone", () => closed === strangers.length);
  assert.equal((await n1.client.request("GET", KEY)).status, 204);
});

clusterTest("tls: a certificate is renewed under load without a failed request", {
  settings: `${TLS}client_certificates = "required"\n`,
  tls: clientTls(first, [first.ca, second.ca]),
}, async ({ cluster, random }) => {
  write(cluster, first);
  // Clients keep the certificate that they have.
  replaceFile(`${cluster.directory}/ca.pem`, first.ca.certificate + second.ca.certificate);
  await cluster.start();
  const pids = cluster.nodes.map(({ running }) => running.pid);
  const ledger = new Ledger();
  const load = new Load({ nodes: cluster.nodes, ledger, random, perSecond: 100 });
  const newcomers = new Newcomers(cluster.nodes);

  await newcomers.some();
  const lengths = cluster.nodes.map(({ running }) => running.lines.length);
  writePair(cluster, "server", second.server); // each node sees that by itself
  for (const [i, { running }] of cluster.nodes.entries()) {
    await running.line(/certificate in use/, { from: lengths[i] as number });
  }
  for (const node of cluster.nodes) {
    assert.ok(await shows(node, second));
    assert.ok(!await shows(node, first));
  }
  await newcomers.some();

  writePair(cluster, "server", first.server);
  for (const { running } of cluster.nodes) running.signal("SIGHUP");
  for (const node of cluster.nodes) {
    await until(`${node.name} with the first again`, () => shows(node, first));
  }
  await newcomers.some();

  // A key that does not go with the certificate changes nothing.
  const before = cluster.nodes.map(({ running }) => running.lines.length);
  replaceFile(`${cluster.directory}/server.key`, second.server.privateKey);
  for (const [i, node] of cluster.nodes.entries()) {
    const line = /certificate not reloaded.*the private key is not that of the certificate/;
    await node.running.line(line, { from: before[i] as number });
    assert.ok(await shows(node, first));
  }
  await newcomers.some();

  await newcomers.stop();
  await load.stop();
  assert.deepEqual(load.refused.map(({ outcome }) => outcome), []);
  assert.deepEqual(newcomers.failures, []);
  console.log(
    `${load.acknowledgedCount} writes on connections that stayed, ${newcomers.count} requests on ` +
      `new ones; none failed`,
  );
  assert.deepEqual(cluster.nodes.map(({ running }) => running.pid), pids);
});

/** Whether a client that trusts only this authority is served. */
async function shows({ address, userPort }: Node, { ca }: Certificates): Promise<boolean> {
  const client = new HttpClient(userPort, address, clientTls(first, [ca]));
  try {
    return (await client.request("GET", "/livez")).status === 200;
  } catch {
    return false;
  } finally {
    client.close();
  }
}

/** One request after the other, each on a connection of its own. */
class Newcomers {
  count = 0;
  readonly failures: string[] = [];
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(nodes: readonly Node[]) {
    this.#running = this.#run(nodes);
  }

  /** Waits until some more have been served. */
  async some(): Promise<void> {
    const wanted = this.count + 20;
    await until("more newcomers", () => this.count >= wanted);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(nodes: readonly Node[]): Promise<void> {
    while (!this.#stopped) {
      const { address, userPort } = nodes[this.count % nodes.length] as Node;
      const client = new HttpClient(userPort, address, clientTls(first, [first.ca, second.ca]));
      try {
        const { status } = await client.request("GET", KEY);
        if (status !== 200 && status !== 204) this.failures.push(String(status));
      } catch (error) {
        this.failures.push((error as Error).message);
      } finally {
        client.close();
      }
      this.count++;
    }
  }
}
