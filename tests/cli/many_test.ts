/** list, get --prefix, delete --prefix and txn against a cluster that answers by script. */

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/mod.ts";
import { run } from "../../src/cli/mod.ts";
import { done, fakeCluster, problem, type Step } from "../client/fake_cluster.ts";
import { world, type WorldOptions } from "./fake_context.ts";

async function against(
  steps: readonly Step[],
  args: string[],
  options: Omit<WorldOptions, "args" | "cluster"> = {},
) {
  const cluster = fakeCluster(...steps);
  const given = world({ ...options, args, cluster });
  const exit = await run(given.context);
  const calls = cluster.calls.map(({ method, url, body }) => {
    const target = url.replace(/^http:\/\/localhost:380|[?&]timeout=.*$/g, "");
    return `${method} ${target} ${new TextDecoder().decode(body ?? undefined)}`.trim();
  });
  return { exit, stdout: given.stdout(), stderr: given.stderr(), calls };
}

function page(items: readonly Record<string, unknown>[], next64?: string): Response {
  const about = { revision: 3, contentType: "t", bytes: 1 };
  const all = items.map((item) => ({ ...item, ...about }));
  return Response.json({ revision: 9, consistency: "linearizable", items: all, next64 });
}

const TOO_MANY = () => problem(409, { code: "stepFailed", effect: "none", detail: "then[0]" });

Deno.test("list prints a line for each key, harmless on a terminal", async () => {
  const { exit, stdout, calls } = await against(
    [page([{ key: "a" }, { keyBase64: "Gw==" }])],
    ["list", "--limit", "5", "--reverse", "--start", "a", "--end", "c"],
  );
  assert.deepEqual([exit, stdout], [0, "a\n\\x1b\n"]);
  assert.deepEqual(calls, [
    "GET /v1/storage/keys?start=a&end=c&reverse=true&limit=5",
  ]);
});

Deno.test("list --values --json prints keys and values in base64", async () => {
  const { stdout } = await against(
    [page([{ key: "a", value: "x" }])],
    ["list", "a", "--values", "--json"],
  );
  assert.deepEqual(JSON.parse(stdout), {
    key: "YQ==",
    revision: 3,
    contentType: "t",
    bytes: 1,
    value: "eA==",
  });
});

Deno.test("get --prefix prints what is under it", async () => {
  const { stdout, calls } = await against(
    [page([{ key: "a/1", value: "x" }, { key: "a/2", value: "y z" }])],
    ["get", "--prefix", "a/"],
  );
  assert.equal(stdout, "a/1 x\na/2 y z\n");
  assert.deepEqual(calls, ["GET /v1/storage/keys?prefix64=YS8&values=true&limit=1000"]);
});

Deno.test("delete --prefix removes all at once, or in parts where that is too much", async () => {
  const once = await against(
    [done({ revision: 3, branch: "then", results: [{ deleted: 2 }] })],
    ["delete", "--prefix", "a/"],
  );
  assert.deepEqual([once.exit, once.stdout], [0, "deleted 2 items\n"]);
  assert.deepEqual(once.calls, [
    'POST /v1/storage/txn {"checks":[],"then":[{"op":"delete-range","prefixBase64":"YS8="}],"else":[]}',
  ]);
  const parts = await against([
    TOO_MANY(),
    page([{ key: "a/1" }, { key: "a/2" }]),
    done({ revision: 4, branch: "then", results: [{ deleted: 3 }] }),
    page([]),
  ], ["delete", "--prefix", "a/", "--json"]);
  assert.equal(parts.stdout, '{"deleted":3}\n');
  assert.match(parts.calls[2] ?? "", /"prefixBase64":"YS8=","endBase64":"YS8yAA=="/);
});

Deno.test("delete --prefix takes no condition on one key", async () => {
  const { exit, calls } = await against([], ["delete", "--prefix", "a", "--if-revision", "3"]);
  assert.deepEqual([exit, calls], [2, []]);
});

Deno.test("txn sends what a file or a pipe says, and prints what each step gave", async () => {
  const text = '{"then":[{"op":"get","key":"a"},{"op":"sum","key":"n","value":"5"}]}';
  const results = [{ found: true, revision: 1, contentType: "", valueBase64: "/w==" }, {
    value: "9223372036854775807",
  }];
  const answer = () => done({ revision: 8, branch: "then", results });
  const fromPipe = await against([answer()], ["txn"], { stdin: utf8(text) });
  const fromFile = await against([answer()], ["txn", "f"], { files: { f: utf8(text) } });
  for (const { exit, stdout, calls } of [fromPipe, fromFile]) {
    assert.equal(exit, 0);
    assert.equal(
      stdout,
      '{"revision":8,"branch":"then","results":[{"found":true,"contentType":"","revision":1,' +
        '"valueBase64":"/w=="},{"value":"9223372036854775807"}]}\n',
    );
    assert.deepEqual(calls, [`POST /v1/storage/txn {"checks":[],${text.slice(1, -1)},"else":[]}`]);
  }
});

Deno.test("txn tells which check failed, and leaves what it does not know to the node", async () => {
  const other = await against(
    [done({ revision: 8, branch: "else", failedCheck: 0, results: [] })],
    ["txn"],
    { stdin: utf8("{}") },
  );
  assert.equal(other.stdout, '{"revision":8,"branch":"else","failedCheck":0,"results":[]}\n');
  const { calls } = await against(
    [problem(400, { code: "bodyInvalid", effect: "none", detail: "The whole: no." })],
    ["txn"],
    { stdin: utf8('{"unless":[]}') },
  );
  assert.deepEqual(calls, [
    'POST /v1/storage/txn {"unless":[],"checks":[],"then":[],"else":[]}',
  ]);
  for (const text of ["{", "[]", '{"then":{}}', '{"then":[1]}', "\xff"]) {
    const { exit, stderr } = await against([], ["txn"], { stdin: utf8(text) });
    assert.equal(exit, 2, text);
    assert.match(stderr, /not JSON as/);
  }
});
