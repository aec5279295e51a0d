/** Certificates of nodes and of clients: their files, and what is wrong with them. */

import assert from "node:assert/strict";
import { ok, type TlsTrust } from "../../src/base/mod.ts";
import { type Context, run } from "../../src/cli/mod.ts";
import { tlsFetch } from "../../src/platform/mod.ts";
import { fakeCluster } from "../client/fake_cluster.ts";
import { Authority, LOCAL_NAMES } from "../support/certificates.ts";
import { keva, world, type WorldOptions } from "./fake_context.ts";

const FILE = `[[node]]
identity = "host1"
address = "127.0.0.1"
keva_port = 3811
user_port = 3801

[tls]
certificate = "server.pem"
private_key = "server.key"
client_ca = "ca.pem"
`;

const ca = await Authority.make("CN=ca");
const [server, other] = [
  await ca.issue({ subject: "CN=host1", names: LOCAL_NAMES }),
  await ca.issue({ subject: "CN=host1", names: LOCAL_NAMES }),
];
const FILES = {
  "keva.toml": FILE,
  "server.pem": server.certificate,
  "server.key": server.privateKey,
  "ca.pem": ca.certificate,
};

/** What stands in the way of a start with these files. */
async function complaint(change: WorldOptions["files"], mode = 0o600): Promise<string> {
  const { context, stderr } = world({
    args: ["serve", "-i", "host1"],
    files: { ...FILES, ...change },
  });
  const disk = { ...context.ports.disk, permissions: () => ({ mode, isOwn: true }) };
  const exit = await run({ ...context, ports: { ...context.ports, disk } });
  assert.equal(exit, 1);
  return stderr().split("\n").filter((line) => line.startsWith("keva: ")).join("\n");
}

Deno.test("serve says in one sentence what keeps it from serving by TLS", async () => {
  const by = "keva: no TLS by server.pem, server.key, ca.pem";
  assert.equal(
    await complaint({}, 0o640),
    "keva: server.key has mode 0640, so others can use it, and no node does; " +
      'run "chmod 600 server.key" if nobody has',
  );
  assert.equal(
    await complaint({ "server.key": other.privateKey }),
    `${by}: the private key is not that of the certificate`,
  );
  assert.equal(
    await complaint({ "server.pem": "" }),
    `${by}: there is no certificate in it, in the form of PEM`,
  );
  assert.equal(
    await complaint({ "ca.pem": server.certificate }),
    `${by}: the authority of clients: the certificate of CN=host1 is not that of an authority`,
  );
  assert.equal(
    await complaint({ "keva.toml": FILE.replace("ca.pem", "none.pem") }),
    "keva: cannot read none.pem: no such file",
  );
  assert.equal(
    await complaint({ "ca.pem": Uint8Array.of(0xff) }),
    "keva: ca.pem is no text in the form of PEM",
  );
});

Deno.test("serve starts a node with its certificate, and has it read anew when it changes", async () => {
  const starts: Parameters<Context["startNode"]>[0][] = [];
  let reloaded = () => {};
  const stopped = Promise.withResolvers<string>();
  const startNode: Context["startNode"] = (options) => {
    starts.push(options);
    return Promise.resolve(ok({
      userAddress: { host: "127.0.0.1", port: 3801 },
      peerAddress: { host: "127.0.0.1", port: 3811 },
      done: stopped.promise,
      reload: () => reloaded(),
      stop: () => Promise.resolve(),
    }));
  };
  const given = world({ args: ["serve", "-i", "host1"], files: FILES, overrides: { startNode } });
  const exit = run(given.context);
  await given.untilWritten("serves https://127.0.0.1:3801 ");
  const tls = starts[0]?.tls;
  assert.deepEqual(tls?.credentials, { ...server, clientAuthorities: ca.certificate });

  const reload = () => new Promise<void>((resolve) => reloaded = resolve);
  const first = reload();
  given.files.set("server.pem", new TextEncoder().encode(other.certificate));
  await first;
  const half = tls?.source();
  assert.match(half?.ok === false ? half.error : "", /is not that of the certificate$/);
  const second = reload();
  given.files.set("server.key", new TextEncoder().encode(other.privateKey));
  await second;
  assert.deepEqual(tls?.source(), ok({ ...other, clientAuthorities: ca.certificate }));
  given.raise("SIGTERM");
  assert.equal(await exit, 0);
});

Deno.test("check-config reads the certificate of a node, and tells until when it counts", async () => {
  const good = await keva(["check-config", "-i", "host1"], { files: FILES });
  assert.match(good.stdout, /; its certificate counts until \d{4}-\d\d-\d\dT[\d:.]+Z; /);
  const bad = await keva(["check-config", "-i", "host1"], {
    files: { ...FILES, "server.key": "" },
  });
  assert.equal(bad.exit, 1);
  assert.match(bad.stderr, /there is no private key in it, or one under a passphrase/);
});

Deno.test("dev says that it does without TLS", async () => {
  const env = { KEVA_TLS_CERTIFICATE: "server.pem", KEVA_TLS_PRIVATE_KEY: "server.key" };
  const { exit, stderr } = await keva(["dev"], { env });
  assert.equal(exit, 1);
  assert.equal(
    stderr,
    'keva: a cluster of "keva dev" does without TLS, which only this machine could see: leave out ' +
      "tls.certificate and tls.private_key (KEVA_TLS_CERTIFICATE)\n",
  );
});

/** What a client command asks, and whom it trusts. */
async function asked(
  args: readonly string[],
  options: Pick<WorldOptions, "env" | "files"> = {},
): Promise<{ origin: string; trust: TlsTrust | undefined }> {
  const cluster = fakeCluster(new Response(null, { status: 204 }));
  const files = { "ca.pem": "CA", "web.pem": "CERT", "web.key": "KEY", ...options.files };
  let trust: TlsTrust | undefined;
  const tlsFetch = (given: TlsTrust) => {
    trust = given;
    return ok(cluster.fetch);
  };
  const { exit, stderr } = await keva(["get", "a", ...args], {
    ...options,
    files,
    cluster,
    overrides: { tlsFetch },
  });
  assert.equal(exit, 1);
  assert.match(stderr, /there is no item/);
  return { origin: new URL(cluster.calls[0]?.url as string).origin, trust };
}

const CA = { authorities: "CA", own: undefined };
const WEB = { authorities: "CA", own: { certificate: "CERT", privateKey: "KEY" } };

Deno.test("client commands speak TLS where an endpoint, an authority or the configuration says so", async () => {
  const flags = ["--cacert", "ca.pem"];
  const at = (endpoint: string) => ["--endpoints", endpoint];
  assert.deepEqual(await asked(at("h:1")), { origin: "http://h:1", trust: undefined });
  assert.deepEqual(await asked(at("https://h:1")), { origin: "https://h:1", trust: undefined });
  assert.deepEqual(await asked([...at("h:1"), ...flags]), { origin: "https://h:1", trust: CA });
  assert.deepEqual(await asked([...at("http://h:1"), ...flags]), {
    origin: "http://h:1",
    trust: CA,
  });
  assert.deepEqual(await asked(flags), { origin: "https://localhost:380", trust: CA });
  const env = { KEVA_CACERT: "ca.pem", KEVA_ENDPOINTS: "h:1" };
  assert.deepEqual(await asked([], { env }), { origin: "https://h:1", trust: CA });
  const files = { "keva.toml": FILE };
  assert.equal((await asked([], { files })).origin, "https://127.0.0.1:3801");
});

Deno.test("client commands show the certificate of flags or of the environment", async () => {
  const pair = ["--cert", "web.pem", "--key", "web.key"];
  assert.deepEqual((await asked(["--cacert", "ca.pem", ...pair])).trust, WEB);
  const env = { KEVA_CACERT: "ca.pem", KEVA_CERT: "web.pem", KEVA_KEY: "web.key" };
  assert.deepEqual((await asked([], { env })).trust, WEB);
});

Deno.test("client commands say what is wrong with a certificate", async () => {
  const complaint = async (args: readonly string[], files = {}) => {
    const { stderr } = await keva(["get", "a", ...args], { files, overrides: { tlsFetch } });
    return stderr;
  };
  const both = "keva: a certificate goes with its private key: give both --cert and --key\n";
  assert.equal(await complaint(["--cert", "web.pem"]), both);
  assert.equal(await complaint(["--key", "web.key"]), both);
  assert.equal(await complaint(["--cacert", "x"]), "keva: cannot read x: no such file\n");
  assert.equal(
    await complaint(["--cert", "server.pem", "--key", "server.key"], {
      ...FILES,
      "server.key": other.privateKey,
    }),
    "keva: no TLS by server.pem, server.key: the certificate of this client: the private key is " +
      "not that of the certificate\n",
  );
});
