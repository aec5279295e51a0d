/** get, put, delete and status against a cluster that answers by script. */

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/mod.ts";
import { reportCrash, run } from "../../src/cli/mod.ts";
import { done, fakeCluster, problem, type Step } from "../client/fake_cluster.ts";
import { Exit, keva, world, type WorldOptions } from "./fake_context.ts";

/** Every byte there is: nothing of it is valid text. */
const BINARY = Uint8Array.from({ length: 256 }, (_, i) => i);

function item(value: Uint8Array): Response {
  const headers = {
    "content-type": "a/b",
    "keva-revision": "7",
    "keva-consistency": "linearizable",
  };
  return new Response(value as BodyInit, { headers });
}

async function against(
  step: Step,
  args: string[],
  options: Omit<WorldOptions, "args" | "cluster"> = {},
) {
  const cluster = fakeCluster(step);
  const given = world({ ...options, args, cluster });
  const exit = await run(given.context);
  return {
    exit,
    stdout: given.stdout(),
    bytes: given.stdoutBytes(),
    stderr: given.stderr(),
    call: cluster.calls[0],
  };
}

Deno.test("get prints exactly the bytes of the value", async () => {
  const { exit, bytes, stderr, call } = await against(item(BINARY), ["get", "a/b ü"]);
  assert.deepEqual([exit, bytes, stderr], [0, BINARY, ""]);
  assert.equal(call?.url, "http://localhost:380/v1/storage/key/a%2Fb%20%C3%BC?timeout=4.5");
});

Deno.test("get --json prints the value in base64 with what is known about it", async () => {
  const args = ["get", "--json", "--key-hex", "00ff", "--consistency", "stale"];
  const { stdout, call } = await against(item(BINARY), args);
  assert.deepEqual(JSON.parse(stdout), {
    key: "AP8=",
    value: BINARY.toBase64(),
    contentType: "a/b",
    revision: 7,
    consistency: "linearizable",
  });
  assert.equal(
    call?.url,
    "http://localhost:380/v1/storage/key/%00%FF?consistency=stale&timeout=4.5",
  );
});

Deno.test("get of a missing key prints nothing, says so, and exits with 1", async () => {
  const missing = new Response(null, { status: 204 });
  const { exit, stdout, stderr } = await against(missing, ["get", "a\x1b[2Jb"]);
  assert.deepEqual([exit, stdout], [1, ""]);
  assert.equal(stderr, "keva: there is no item under the key a\\x1b[2Jb\n");
});

Deno.test("put --ttl lets the item go by itself", async () => {
  const { exit, call } = await against(done({ revision: 9 }), ["put", "k", "v", "--ttl", "1.001"]);
  assert.equal(exit, 0);
  assert.equal(new URL(call?.url ?? "").searchParams.get("ttl"), "1.001");
  for (const ttl of ["0", "-1", "1e3", "1.0001", "315360001", "soon"]) {
    const refused = await against(done({ revision: 9 }), ["put", "k", "v", `--ttl=${ttl}`]);
    assert.equal(refused.exit, 2, ttl);
  }
});

Deno.test("put sends an argument as text, and a file or a pipe as bytes", async () => {
  const words = "stored at revision 9\n";
  const fromArgument = await against(done({ revision: 9 }), ["put", "k", "häßlich"]);
  assert.equal(fromArgument.stdout, words);
  assert.deepEqual(fromArgument.call?.body, utf8("häßlich"));
  assert.equal(fromArgument.call?.headers.get("content-type"), "text/plain; charset=utf-8");
  const fromFile = await against(done({ revision: 9 }), ["put", "k", "--file", "dir/f"], {
    files: { "dir/f": BINARY },
  });
  const fromPipe = await against(done({ revision: 9 }), ["put", "k"], { stdin: BINARY });
  for (const { stdout, call } of [fromFile, fromPipe]) {
    assert.equal(stdout, words);
    assert.deepEqual(call?.body, BINARY);
    assert.equal(call?.headers.get("content-type"), "application/octet-stream");
  }
});

Deno.test("put takes an empty value, and a key or value that looks like an option", async () => {
  const empty = await against(done({ revision: 1 }), ["put", "k", ""]);
  assert.deepEqual([empty.exit, empty.call?.body], [0, new Uint8Array(0)]);
  const dashes = await against(done({ revision: 1 }), ["put", "--", "-k", "--json"]);
  assert.deepEqual([dashes.exit, dashes.call?.body], [0, utf8("--json")]);
});

Deno.test("put refuses more than any node accepts before it sends anything", async () => {
  const huge = new Uint8Array(8 * 1024 * 1024 + 1);
  const { exit, stderr } = await keva(["put", "k"], { stdin: huge });
  assert.equal(exit, 1);
  assert.equal(
    stderr,
    "keva: standard input is longer than 8388608 bytes, more than any node accepts\n",
  );
  const file = await keva(["put", "k", "--file", "f"], { files: { f: huge } });
  assert.match(file.stderr, /^keva: f is longer than 8388608 bytes/);
});

Deno.test("put --if-revision sends the condition and reports that it did not hold", async () => {
  const refused = problem(412, {
    code: "conditionFailed",
    effect: "none",
    detail: "The item under this key has revision 3.",
    next: "Read the key again.",
  });
  const { exit, stderr, call } = await against(refused, ["put", "k", "v", "--if-revision", "2"]);
  assert.equal(call?.headers.get("if-match"), '"2"');
  assert.equal(exit, 1);
  assert.equal(stderr, "keva: The item under this key has revision 3. Read the key again.\n");
});

Deno.test("put says it when nobody knows whether the write happened", async () => {
  const args = ["put", "k", "v", "--timeout", "0.2", "--idempotency-key", "k1"];
  const { exit, stderr, call } = await against("hang", args);
  assert.equal(exit, 1);
  assert.equal(call?.headers.get("idempotency-key"), "k1");
  assert.equal(
    stderr,
    "keva: localhost:380 did not answer within 200 ms. Send it again with the idempotency key k1: " +
      "it happens once.\n",
  );
});

Deno.test("delete succeeds whether or not there was something", async () => {
  const was = await against(done({ revision: 4, existed: true }), ["delete", "k"]);
  assert.deepEqual([was.exit, was.stdout], [0, "deleted\n"]);
  const wasNot = await against(done({ revision: 4, existed: false }), ["delete", "k"]);
  assert.deepEqual([wasNot.exit, wasNot.stdout], [0, "there was nothing to delete\n"]);
  const json = await against(done({ revision: 4, existed: false }), ["delete", "k", "--json"]);
  assert.deepEqual(JSON.parse(json.stdout), { revision: 4, existed: false });
});

const FILE = `[[node]]\nidentity = "a"\naddress = "::1"\nkeva_port = 1\nuser_port = 2\n`;

Deno.test("get finds its endpoints: flag, variable, configuration, keva dev, standard", async () => {
  const asked = async (options: WorldOptions, ...args: string[]) => {
    const { call, stderr } = await against(item(BINARY), ["get", "k", ...args], options);
    return call === undefined ? stderr : new URL(call.url).host;
  };
  const files = { "keva.toml": FILE };
  const devFiles = { "keva-data/keva.toml": FILE.replace("::1", "127.0.0.1") };
  const env = { KEVA_ENDPOINTS: "host7:7,host8:8" };
  assert.equal(await asked({ env, files }, "--endpoints", "host9:9"), "host9:9");
  assert.equal(await asked({ env, files }), "host7:7");
  assert.equal(await asked({ files: { ...files, ...devFiles } }), "[::1]:2");
  assert.equal(await asked({ files: devFiles }), "127.0.0.1:2");
  assert.equal(await asked({}), "localhost:380");
  const named = { KEVA_CONFIG_FILE: "other.toml" };
  assert.equal(await asked({ env: named, files: { ...files, "other.toml": FILE } }), "[::1]:2");
  assert.match(await asked({ env: named, files }), /^keva: other\.toml: there is no such file/);
});

Deno.test("run() reports a mistake of its own in one line, and in full with KEVA_TRACE=1", async () => {
  const hostname = (): string => {
    throw new RangeError("oops\nsecond line");
  };
  const bug = { overrides: { hostname }, files: { "keva.toml": FILE } };
  const brief = await keva(["serve"], bug);
  assert.equal(brief.exit, 1);
  assert.equal(
    brief.stderr,
    "keva: internal error: RangeError: oops\\u{a}second line (set KEVA_TRACE=1 and run it again " +
      "for the stack trace, and report it)\n",
  );
  const full = await keva(["serve"], { ...bug, env: { KEVA_TRACE: "1" } });
  assert.match(full.stderr, /client_commands_test\.ts/);
});

Deno.test("reportCrash() ends the process with one line", () => {
  const { context, stderr } = world();
  assert.throws(() => reportCrash(context, new TypeError("x is not a function")), new Exit(1));
  assert.equal(
    stderr(),
    "keva: internal error: TypeError: x is not a function (set KEVA_TRACE=1 and run it again for " +
      "the stack trace, and report it)\n",
  );
});

const TOKEN = `keva_0123456789ab_${"s".repeat(43)}`;

Deno.test("every command shows the token that it is given, by flag, file or variable", async () => {
  const files = { "ci.token": `${TOKEN}\n` };
  const ways: [string[], Record<string, string>][] = [
    [["--token", TOKEN], {}],
    [["--token-file", "ci.token"], { KEVA_TOKEN: "other" }],
    [[], { KEVA_TOKEN: TOKEN, KEVA_TOKEN_FILE: "missing" }],
    [[], { KEVA_TOKEN_FILE: "ci.token" }],
  ];
  for (const [flags, env] of ways) {
    const { exit, call, stderr } = await against(item(BINARY), ["get", "a", ...flags], {
      files,
      env,
    });
    assert.equal(exit, 0, stderr);
    assert.equal(call?.headers.get("authorization"), `Bearer ${TOKEN}`);
  }
  const { call } = await against(item(BINARY), ["get", "a"]);
  assert.equal(call?.headers.has("authorization"), false);
});

Deno.test("token create prints the token alone, and names nodes that may not know it", async () => {
  const answer = { name: "ci", id: "0123456789ab", roles: ["a", "b"], revision: 7 };
  const args = ["token", "create", "ci", "--role", "a", "--role", "b"];
  const made = done({ ...answer, token: TOKEN, pending: ["n3"] });
  const { exit, stdout, stderr, call } = await against(made, args);
  assert.deepEqual([exit, stdout], [0, `${TOKEN}\n`]);
  assert.match(stderr, /nobody can tell it again\nkeva: n3 did not say/);
  assert.equal(`${call?.method} ${call?.url}`, "POST http://localhost:380/v1/tokens");
  const body = new TextDecoder().decode(call?.body ?? new Uint8Array());
  assert.deepEqual(JSON.parse(body), { name: "ci", roles: ["a", "b"] });
});

Deno.test("token list shows names, ids, roles and age, never the text", async () => {
  const createdAtMs = Date.now() - 3 * 86_400_000 - 1_000;
  const ci = { name: "ci", id: "0123456789ab", roles: ["a", "b"], createdAtMs };
  const web = { name: "web", id: "ba9876543210", roles: [], createdAtMs: Date.now() };
  const { stdout } = await against(done({ tokens: [ci, web] }), ["token", "list"]);
  assert.equal(
    stdout,
    "NAME  ID            ROLES  AGE\n" +
      "ci    0123456789ab  a,b    3 d\n" +
      "web   ba9876543210  -      new\n",
  );
  const none = await against(done({ tokens: [] }), ["token", "list"]);
  assert.equal(none.stdout, "There are no tokens.\n");
});

Deno.test("token revoke names the token by its query parameter, and says what may lag", async () => {
  const gone = done({ name: "ci", revision: 8, pending: ["n2"] });
  const { exit, stdout, stderr, call } = await against(gone, ["token", "revoke", "a&b"]);
  assert.deepEqual([exit, stdout], [0, "revoked ci\n"]);
  assert.match(stderr, /n2 did not say that it knows: it may accept it until it has caught up/);
  assert.equal(`${call?.method} ${call?.url}`, "DELETE http://localhost:380/v1/tokens?name=a%26b");
});
