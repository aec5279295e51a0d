/** keva shell with somebody at a terminal who types what a test says, and through a pipe. */

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/mod.ts";
import { type Context, run } from "../../src/cli/mod.ts";
import { wordsOf } from "../../src/cli/words.ts";
import { MemoryDisk } from "../../src/memory/mod.ts";
import { createTestCluster } from "../../src/mod.ts";
import { systemClock } from "../../src/platform/mod.ts";
import { type Call, done, fakeCluster } from "../client/fake_cluster.ts";
import { keva, world } from "./fake_context.ts";

type Asked = Parameters<Context["readLine"]>[0];

/** A shell in which these lines are typed, one after the other, and then Ctrl-D. */
async function typed(
  lines: string[],
  options: { args?: string[]; disk?: MemoryDisk; fetch?: Context["fetch"] } = {},
) {
  const rest = [...lines];
  const asked: Asked[] = [];
  const given = world({ args: ["shell", ...options.args ?? []], stdin: "terminal" });
  const { context } = given;
  const ports = { ...context.ports, ...options.disk && { disk: options.disk } };
  const exit = await run({
    ...context,
    ports,
    fetch: options.fetch ?? context.fetch,
    stateDirectory: options.disk === undefined ? undefined : "/home/me/state/keva",
    readLine: (request) => {
      asked.push({ ...request, history: [...request.history] });
      return Promise.resolve(rest.shift() ?? null);
    },
  });
  return { exit, stdout: given.stdout(), stderr: given.stderr(), asked, left: rest };
}

Deno.test("wordsOf() parts a line as other shells do, and refuses what is not whole", () => {
  const cases: [string, string[] | RegExp][] = [
    ["", []],
    ["  get \t k ", ["get", "k"]],
    [`put k ""`, ["put", "k", ""]],
    [`put 'a b' "c d"e`, ["put", "a b", "c de"]],
    [`put k "say \\"hi\\" \\n"`, ["put", "k", `say "hi" \\n`]],
    [`put k '{"a": "\\"}'`, ["put", "k", `{"a": "\\"}`]],
    [`put k a\\ b \\"`, ["put", "k", "a b", `"`]],
    [`put k "open`, /a " is open/],
    [`put k 'open`, /a ' is open/],
    [`put k \\`, /ends with a backslash/],
  ];
  for (const [line, expected] of cases) {
    const words = wordsOf(line);
    if (words.ok) assert.deepEqual(words.value, expected, line);
    else assert.match(words.error, expected as RegExp, line);
  }
});

Deno.test("a shell runs commands until it is told to end, whatever becomes of them", async () => {
  const cluster = await createTestCluster(1);
  try {
    const fetch: Context["fetch"] = (input, init) => cluster.node("n1").fetch(input, init);
    const lines = [
      `put greeting "hello there"`,
      "get greeting --json",
      "get missing",
      "",
      `put "open`,
      "serve",
      "--version",
      "nonsense",
      "exit",
      "get greeting",
    ];
    const { exit, stdout, stderr, left } = await typed(lines, { fetch });
    assert.deepEqual([exit, left], [0, ["get greeting"]]);
    assert.match(stdout, /^stored at revision \d+\n\{"key":"Z3JlZXRpbmc=","value":"aGVsbG8/);
    assert.match(stderr, /no item under the key missing\n/);
    assert.match(stderr, /keva: a " is open at the end of the line\n/);
    assert.match(stderr, /keva: serve does not run within the shell\n/);
    assert.match(stderr, /keva: a line begins with a command\n/);
    assert.match(stderr, /unknown command 'nonsense'/);
  } finally {
    await cluster.close();
  }
});

Deno.test("a shell says once where the nodes are and who asks", async () => {
  const { fetch, calls } = fakeCluster(done({ revision: 1 }), done({ revision: 2 }));
  const args = ["--endpoints", "far:1", "--token", "keva_secret"];
  await typed(["put a 1", "put b 2 --endpoints near:2"], { args, fetch });
  const about = ({ url, headers }: Call) => [new URL(url).host, headers.get("authorization")];
  assert.deepEqual(calls.map(about), [
    ["far:1", "Bearer keva_secret"],
    ["near:2", "Bearer keva_secret"],
  ]);
});

Deno.test("a shell remembers lines, in a file none that could hold a value or a token", async () => {
  const disk = new MemoryDisk(systemClock());
  const answers = Array.from({ length: 5 }, () => new Response(null, { status: 204 }));
  const { fetch } = fakeCluster(...answers);
  const lines = ["get a", "put k secret-value", "get b --token keva_secret", "get c", "get c"];
  const first = await typed(lines, { disk, fetch: (input, init) => fetch(input, init) });
  assert.deepEqual(first.asked.at(-1)?.history, ["get c", lines[2], lines[1], "get a"]);
  const path = "/home/me/state/keva/history";
  assert.equal(new TextDecoder().decode(disk.read(path, 999)), "get a\nget c\n");
  assert.equal(disk.permissions(path).mode, 0o600);
  const second = await typed([], { disk });
  assert.deepEqual(second.asked[0]?.history, ["get c", "get a"]);
});

Deno.test("a shell completes commands, and the options of the one that stands there", async () => {
  const { asked } = await typed([]);
  const complete = (asked[0] as Asked).complete;
  assert.deepEqual(complete("sta", []), ["status"]);
  assert.deepEqual(complete("s", []), ["status"], "what does not run here is not offered");
  assert.ok(complete("", []).includes("exit"));
  assert.deepEqual(complete("--cons", ["get"]), ["--consistency"]);
  assert.deepEqual(complete("cr", ["token"]), ["create"]);
  assert.deepEqual(complete("--", []), []);
});

Deno.test("lines through a pipe run until the first that fails", async () => {
  const cluster = fakeCluster(done({ revision: 1 }), new Response(null, { status: 204 }));
  const stdin = utf8(`put k v\n\nget k\nput never begun\n`);
  const { exit, stdout, stderr } = await keva(["shell"], { cluster, stdin });
  assert.deepEqual([exit, stdout], [1, "stored at revision 1\n"]);
  assert.equal(stderr, "keva: there is no item under the key k\nkeva: line 3 failed\n");
  const lacking = await keva(["shell"], { stdin: utf8("put k\nthis is no value\n") });
  assert.equal(lacking.exit, 2);
  const wrong = await keva(["shell"], { stdin: utf8("dev\n") });
  assert.deepEqual(
    [wrong.exit, wrong.stderr],
    [2, "keva: line 1: dev does not run within the shell\n"],
  );
});
