/** The certificate that a node shows its clients: its files, and what is wrong with them. */

import assert from "node:assert/strict";
import { ok } from "../../src/base/mod.ts";
import { type Context, run } from "../../src/cli/mod.ts";
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
