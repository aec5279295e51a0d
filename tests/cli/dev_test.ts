import assert from "node:assert/strict";
import { type Context, run } from "../../src/cli/mod.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { world, type WorldOptions } from "./fake_context.ts";

type FakeChild = {
  readonly args: readonly string[];
  readonly signals: string[];
  say(line: string): void;
  end(code: number, signal?: string): void;
};

/** Children that answer as members of a ready cluster until they end. */
function fakeProcesses(ready: () => boolean) {
  const children: FakeChild[] = [];
  const spawn: Context["spawn"] = ({ args, line }) => {
    const done = Promise.withResolvers<{ code: number; signal: string | null }>();
    const signals: string[] = [];
    const child: FakeChild = {
      args,
      signals,
      say: line,
      end: (code, signal) => done.resolve({ code, signal: signal ?? null }),
    };
    children.push(child);
    const kill = (signal: string): void => {
      signals.push(signal);
      child.end(0);
    };
    return { pid: children.length, done: done.promise, kill };
  };
  const answer: typeof fetch = () => {
    const leader = ready() ? "host1" : null;
    const members = [1, 2, 3, 4, 5].map((number) => ({ id: `host${number}`, status: { leader } }));
    return Promise.resolve(Response.json({ cluster: "keva", answeredBy: "host1", members }));
  };
  return { children, spawn, fetch: answer };
}

function dev(args: string[], options: WorldOptions & { ready?: () => boolean } = {}) {
  const processes = fakeProcesses(options.ready ?? (() => true));
  const { spawn } = processes;
  const overrides = { spawn, fetch: processes.fetch, ...options.overrides };
  const given = world({ ...options, args: ["dev", ...args], overrides });
  return { ...given, children: processes.children, exit: run(given.context) };
}

Deno.test("dev runs three nodes, prints what to paste, and stops all on Ctrl-C", async () => {
  const { children, exit, stdout, stderr, untilWritten, raise, files } = dev([]);
  await untilWritten("Ctrl-C stops");
  assert.equal(
    stdout(),
    `
A cluster of 3 nodes is ready; the data is in ./keva-data.

  host1  http://127.0.0.1:3801
  host2  http://127.0.0.1:3802
  host3  http://127.0.0.1:3803

Store a value at one node and read it at another:

  curl -X PUT -H "Content-Type: text/plain" -d hello http://127.0.0.1:3801/v1/storage/key/greeting
  curl http://127.0.0.1:3803/v1/storage/key/greeting

Ctrl-C stops all of them.

`,
  );
  assert.deepEqual(children.map((child) => child.args.join(" ")), [
    "serve -c ./keva-data/keva.toml -i host1 -w ./keva-data/host1 --until-stdin-ends",
    "serve -c ./keva-data/keva.toml -i host2 -w ./keva-data/host2 --until-stdin-ends",
    "serve -c ./keva-data/keva.toml -i host3 -w ./keva-data/host3 --until-stdin-ends",
  ]);
  raise("SIGINT");
  assert.equal(await exit, 0);
  assert.deepEqual(children.map((child) => child.signals), [["SIGTERM"], ["SIGTERM"], ["SIGTERM"]]);
  assert.equal(stderr(), "keva: stopping\n");
  assert.ok(files.has("keva-data/keva.toml"));
});

Deno.test("dev shows each node's lines under its name, and nothing that drives a terminal", async () => {
  const { children, exit, stderr, untilWritten, raise } = dev([]);
  await untilWritten("Ctrl-C stops");
  children[1]?.say("a line with \x1b[2J in it");
  assert.ok(stderr().includes("host2 | a line with \\u{1b}[2J in it\n"));
  raise("SIGTERM");
  assert.equal(await exit, 0);
});

Deno.test("dev writes a configuration that is valid, and reuses the one it finds", async () => {
  const first = dev(["--nodes", "5", "--port", "4801", "--data", "d"]);
  await first.untilWritten("Ctrl-C stops");
  first.raise("SIGINT");
  assert.equal(await first.exit, 0);
  const text = new TextDecoder().decode(first.files.get("d/keva.toml"));
  const loaded = loadConfig({ file: { path: "d/keva.toml", text }, env: {}, set: [] });
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.value.config.nodes.map((node) => [node.userPort, node.peerPort]), [
    [4801, 4811],
    [4802, 4812],
    [4803, 4813],
    [4804, 4814],
    [4805, 4815],
  ]);
  const edited = `${text}\n[limits]\nvalue_bytes_max = 7\n`;
  const second = dev(["--data", "d"], { files: { "d/keva.toml": edited } });
  await second.untilWritten("http://127.0.0.1:4805");
  assert.equal(new TextDecoder().decode(second.files.get("d/keva.toml")), edited);
  second.raise("SIGINT");
  assert.equal(await second.exit, 0);
});

Deno.test("dev refuses another number of nodes than its data has", async () => {
  const first = dev([]);
  await first.untilWritten("Ctrl-C stops");
  first.raise("SIGINT");
  await first.exit;
  const files = Object.fromEntries(first.files);
  const second = dev(["--nodes", "1"], { files });
  assert.equal(await second.exit, 1);
  assert.equal(
    second.stderr(),
    "keva: ./keva-data holds a cluster of 3, not of 1; leave --nodes out, remove that directory, " +
      "or keep the new cluster elsewhere with --data\n",
  );
});

Deno.test("dev refuses a port in use before it starts anything", async () => {
  const { children, exit, stderr } = dev([], { portsInUse: [3812] });
  assert.equal(await exit, 1);
  assert.equal(children.length, 0);
  assert.equal(
    stderr(),
    "keva: port 3812 is in use; stop what uses it (another keva dev?) or choose others with " +
      "--port\n",
  );
});

Deno.test("dev reports a node that dies with its last words, and goes on with the others", async () => {
  const { children, exit, stderr, untilWritten, raise } = dev([]);
  await untilWritten("Ctrl-C stops");
  children[1]?.say("keva: the disk failed");
  children[1]?.end(1);
  await untilWritten("start it again with");
  assert.ok(
    stderr().endsWith(
      "keva: host2 ended with exit code 1: keva: the disk failed\n" +
        "keva: start it again with: keva serve -c ./keva-data/keva.toml -i host2 -w " +
        "./keva-data/host2\n",
    ),
  );
  raise("SIGINT");
  assert.equal(await exit, 0);
});

Deno.test("dev says which signal ended a node, and ends when none is left", async () => {
  const { children, exit, stderr, untilWritten } = dev(["--nodes", "1"]);
  await untilWritten("Ctrl-C stops it.");
  children[0]?.end(137, "SIGKILL");
  assert.equal(await exit, 1);
  assert.equal(
    stderr(),
    "keva: host1 was ended by SIGKILL\nkeva: all nodes have ended\n",
  );
});

Deno.test("dev ends with the reason when no node can start", async () => {
  const { children, exit, stdout, stderr } = dev([], { ready: () => false });
  while (children.length < 3) await Promise.resolve();
  for (const child of children) {
    child.say("keva: foreign data directory");
    child.end(1);
  }
  assert.equal(await exit, 1);
  assert.equal(stdout(), "");
  assert.match(stderr(), /host3 ended with exit code 1: keva: foreign data directory\n/);
  assert.match(stderr(), /keva: all nodes have ended\n$/);
});
