import assert from "node:assert/strict";
import { type Clock, err, ok, utf8 } from "../../src/base/mod.ts";
import { type Context, run, type RunningNode, type StartOptions } from "../../src/cli/mod.ts";
import { type PublicKey, publicKeyLine } from "../../src/keys/mod.ts";
import { systemClock } from "../../src/platform/mod.ts";
import type { KeySource } from "../../src/service/mod.ts";
import { Exit, world, type WorldOptions } from "./fake_context.ts";

const FILE = `[[node]]
identity = "host1"
address = "127.0.0.1"
keva_port = "3811"
user_port = "3801"
`;
const FILES = { "keva.toml": FILE };
const READY = "host1 of cluster keva serves http://127.0.0.1:3801 " +
  "(other nodes: 127.0.0.1:3811, data: ./keva-data/host1)\n";

/** A node that runs until it is told otherwise. */
function fakeNode() {
  const done = Promise.withResolvers<string>();
  const stopping = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  const starts: StartOptions[] = [];
  let reloads = 0;
  let reloaded = () => {};
  const node: RunningNode = {
    reload: () => {
      reloads++;
      reloaded();
    },
    userAddress: { host: "127.0.0.1", port: 3801 },
    peerAddress: { host: "127.0.0.1", port: 3811 },
    done: done.promise,
    stop: () => {
      stopping.resolve();
      return stopped.promise;
    },
  };
  const startNode: Context["startNode"] = (options) => {
    starts.push(options);
    return Promise.resolve(ok(node));
  };
  return {
    startNode,
    starts,
    untilReloaded: async (times: number) => {
      while (reloads < times) await new Promise<void>((resolve) => reloaded = resolve);
    },
    fail: done.resolve,
    stopping: stopping.promise,
    end: stopped.resolve,
  };
}

function serving(args: string[], options: WorldOptions = {}) {
  const node = fakeNode();
  const { startNode } = node;
  const overrides = { startNode, ...options.overrides };
  const given = world({ files: FILES, ...options, args, overrides });
  return { ...given, node, exit: run(given.context) };
}

Deno.test("serve starts the node, says where, and stops cleanly on SIGTERM or Ctrl-C", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const { node, exit, stdout, stderr, untilWritten, raise } = serving([
      "serve",
      "--node-identity",
      "host1",
    ]);
    await untilWritten("serves");
    assert.equal(stdout(), READY);
    raise(signal);
    await node.stopping;
    node.end();
    assert.equal(await exit, 0);
    assert.equal(
      stderr(),
      "1970-01-01T00:00:00.000Z WARN  links between nodes and clients are not authenticated; only " +
        `this machine can reach them node=host1\n1970-01-01T00:00:00.000Z INFO  stopping ` +
        `node=host1 reason=${signal}\n`,
    );
  }
});

Deno.test("serve gives the node the whole configuration", async () => {
  const { node, exit, raise, untilWritten } = serving(
    ["-c", "keva.toml", "-w", "/data", "--set", "cluster.name=other"],
    { env: { KEVA_NODE_IDENTITY: "host1", KEVA_LOG_LEVEL: "error" } },
  );
  await untilWritten("serves");
  const { config } = node.starts[0] as StartOptions;
  assert.equal(config.self.identity, "host1");
  assert.equal(config.workingDirectory, "/data");
  assert.equal(config.cluster.name, "other");
  assert.equal(config.log.level, "error");
  raise("SIGTERM");
  node.end();
  assert.equal(await exit, 0);
});

Deno.test("serve takes the host's name for its identity", async () => {
  const overrides = { hostname: () => "host1" };
  const { node, exit, raise, untilWritten } = serving(["serve"], { overrides });
  await untilWritten("serves host".slice(0, 6));
  assert.equal(node.starts[0]?.config.self.identity, "host1");
  raise("SIGTERM");
  node.end();
  assert.equal(await exit, 0);
});

Deno.test("serve exits with 1 and the reason when the node cannot start", async () => {
  const reason = "./keva-data/host1: another process uses it. Stop the other process.";
  const startNode = () => Promise.resolve(err({ reason }));
  const { exit, stdout, stderr } = serving(["serve", "-i", "host1"], { overrides: { startNode } });
  assert.equal(await exit, 1);
  assert.equal(stdout(), "");
  assert.ok(stderr().endsWith(`\nkeva: ${reason}\n`));
});

Deno.test("serve exits with 1 and the reason when the node ends by itself", async () => {
  const { node, exit, untilWritten, stderr } = serving(["serve", "-i", "host1"]);
  await untilWritten("serves");
  node.fail("the disk failed: wal/7.log: sync: I/O error");
  assert.equal(await exit, 1);
  assert.ok(stderr().endsWith("\nkeva: the disk failed: wal/7.log: sync: I/O error\n"));
});

Deno.test("serve exits at once on a second signal", async () => {
  const { node, exit, raise, untilWritten } = serving(["serve", "-i", "host1"]);
  await untilWritten("serves");
  raise("SIGINT");
  await node.stopping;
  assert.throws(() => raise("SIGTERM"), new Exit(1));
  node.end();
  await exit;
});

Deno.test("serve gives up on a stop that takes too long before five seconds are over", async () => {
  const real = systemClock();
  const timers: { delayMs: number; run: () => void }[] = [];
  const clock: Clock = {
    ...real,
    after: (delayMs, run) => {
      timers.push({ delayMs, run });
      return { cancel: () => {} };
    },
  };
  const ports = {
    ...world().context.ports,
    clock,
    disk: world({ files: FILES }).context.ports.disk,
  };
  const { node, exit, raise, untilWritten, stderr } = serving(["serve", "-i", "host1"], {
    overrides: { ports },
  });
  await untilWritten("serves");
  raise("SIGTERM");
  await node.stopping;
  assert.equal(timers.length, 1);
  assert.ok((timers[0]?.delayMs as number) < 5_000);
  assert.throws(() => timers[0]?.run(), new Exit(1));
  assert.match(stderr(), /ERROR gave up waiting for a clean stop/);
  node.end();
  await exit;
});

Deno.test("serve --until-stdin-ends stops when its parent is gone", async () => {
  const parent = Promise.withResolvers<void>();
  const stdin = { ...world().context.stdin, ended: () => parent.promise };
  const { node, exit, untilWritten } = serving(["serve", "-i", "host1", "--until-stdin-ends"], {
    overrides: { stdin },
  });
  await untilWritten("serves");
  parent.resolve();
  await node.stopping;
  node.end();
  assert.equal(await exit, 0);
});

Deno.test("serve logs at every start that insecure = true", async () => {
  const files = { "keva.toml": `insecure = true\n${FILE.replace("127.0.0.1", "10.0.0.1")}` };
  const { node, exit, raise, untilWritten, stderr } = serving(["serve", "-i", "host1"], { files });
  await untilWritten("serves");
  assert.match(stderr(), /WARN {2}insecure = true: everybody who reaches 10\.0\.0\.1:3801 or/);
  raise("SIGTERM");
  node.end();
  assert.equal(await exit, 0);
});

const KEYED = { "keva.toml": `${FILE}[keys]\nauthorized_keys = "keys"\n`, "keys": "" };

Deno.test("serve makes the node's key where nodes have keys, and uses it the next time", async () => {
  const first = serving(["serve", "-i", "host1"], { files: KEYED });
  await first.untilWritten("serves");
  const [, line] = /the others know it by this line:\nkeva: (ssh-ed25519 \S+ host1)\n/
    .exec(first.stderr()) ?? [];
  assert.ok(line, first.stderr());
  assert.ok(first.files.has("keva-data/host1/node.key"));
  assert.equal(publicKeyLine(first.node.starts[0]?.keys?.own as PublicKey), line);
  const again = serving(["serve", "-i", "host1"], { files: Object.fromEntries(first.files) });
  await again.untilWritten("serves");
  assert.doesNotMatch(again.stderr(), /ssh-ed25519/);
  assert.deepEqual(again.node.starts[0]?.keys?.own, first.node.starts[0]?.keys?.own);
  for (const { raise, node, exit } of [first, again]) {
    raise("SIGTERM");
    node.end();
    assert.equal(await exit, 0);
  }
});

Deno.test("serve reads the keys of the configuration and of the file that it names", async () => {
  const key = (seed: number) =>
    publicKeyLine({ bytes: new Uint8Array(32).fill(seed), comment: "host1" });
  const keyed = `${FILE}public_key = "${key(1)}"\n[keys]\nauthorized_keys = "keys"\n`;
  const files = { "keva.toml": keyed, "keys": `${key(2)}\n` };
  const { node, exit, raise, files: disk, untilWritten } = serving(["serve", "-i", "host1"], {
    files,
  });
  await untilWritten("serves");
  const source = node.starts[0]?.keys?.source as KeySource;
  const lines = () => {
    const read = source();
    return read.ok ? read.value.map(({ node, key: { bytes } }) => [node, bytes[0]]) : read.error;
  };
  assert.deepEqual(lines(), [["host1", 1], ["host1", 2]]);
  disk.set("keys", utf8(`${key(1).replace("host1", "host2")}\n`));
  assert.equal(lines(), "keys:1: the key is that of host1 already");
  disk.set("keys", utf8("\nrubbish\n"));
  assert.equal(lines(), 'keys:2: a public key begins with "ssh-ed25519"');
  disk.delete("keys");
  assert.equal(
    lines(),
    "keys: there is no such file; keys.authorized_keys names it, and it may be empty",
  );
  disk.set("keva.toml", utf8("nonsense"));
  assert.match(String(lines()), /^keva.toml:1:\d+: not valid TOML/);
  raise("SIGTERM");
  node.end();
  await exit;
});

Deno.test("serve has the keys read anew at SIGHUP, and when a file of theirs changes", async () => {
  const { node, exit, raise, files, untilWritten } = serving(["serve", "-i", "host1"], {
    files: KEYED,
  });
  await untilWritten("serves");
  raise("SIGHUP");
  await node.untilReloaded(1);
  files.set("keys", utf8("# nobody yet\n"));
  await node.untilReloaded(2);
  files.delete("keys");
  await node.untilReloaded(3);
  raise("SIGTERM");
  node.end();
  assert.equal(await exit, 0);
});
