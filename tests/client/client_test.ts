import assert from "node:assert/strict";
import { createServer } from "node:net";
import { utf8 } from "../../src/base/mod.ts";
import { KevaClient, KevaError } from "../../src/client/mod.ts";
import { done, fakeCluster, problem, type Step } from "./fake_cluster.ts";

const KEY = utf8("k");
const VALUE = Uint8Array.of(0, 255, 10, 195, 40); // not UTF-8

function client(...steps: Step[]) {
  const cluster = fakeCluster(...steps);
  const endpoints = ["host1:1", "host2:2"];
  return {
    keva: new KevaClient({ endpoints, fetch: cluster.fetch, discover: false }),
    calls: cluster.calls,
  };
}

async function failure(call: Promise<unknown>): Promise<KevaError> {
  const error: unknown = await call.then(() => null, (reason: unknown) => reason);
  assert.ok(error instanceof KevaError, String(error));
  return error;
}

const noLeader = () => problem(503, { code: "noLeader", effect: "none", detail: "No leader." });

Deno.test("KevaClient.get() gives bytes, content type, revision and guarantee", async () => {
  const headers = {
    "content-type": "image/x",
    "keva-revision": "42",
    "keva-consistency": "linearizable",
  };
  const { keva, calls } = client(new Response(VALUE, { headers }));
  assert.deepEqual(await keva.get(KEY), {
    value: VALUE,
    contentType: "image/x",
    revision: 42,
    consistency: "linearizable",
  });
  // Another node can be asked in the other half of the time.
  assert.equal(calls[0]?.url, "http://host1:1/v1/storage/key/k?timeout=2.25");
});

Deno.test("KevaClient.get() gives null for a missing key", async () => {
  const { keva } = client(new Response(null, { status: 204 }));
  assert.equal(await keva.get(KEY), null);
});

Deno.test("KevaClient.get() asks for a stale read only when told to", async () => {
  const { keva, calls } = client(
    new Response(null, { status: 204 }),
    new Response(null, { status: 204 }),
  );
  await keva.get(utf8(".."), { consistency: "stale" });
  await keva.get(KEY, { consistency: "linearizable" });
  assert.equal(
    calls[0]?.url,
    "http://host1:1/v1/storage/key/?key64=Li4&consistency=stale&timeout=2.25",
  );
  assert.equal(calls[1]?.url, "http://host1:1/v1/storage/key/k?timeout=2.25");
});

Deno.test("KevaClient.put() sends the bytes as they are, with its condition", async () => {
  const { keva, calls } = client(done({ revision: 7 }), done({ revision: 8 }));
  const once = { idempotencyKey: "k1" };
  assert.deepEqual(await keva.put(KEY, VALUE, { ifRevision: 0, ...once }), { revision: 7 });
  const alone = { idempotencyKey: null };
  await keva.put(KEY, VALUE, { ifRevision: 7, contentType: "text/plain", ...alone });
  assert.deepEqual(calls[0]?.body, VALUE);
  assert.equal(calls[0]?.method, "PUT");
  assert.deepEqual([...calls[0]?.headers ?? []], [
    ["content-type", "application/octet-stream"],
    ["idempotency-key", "k1"],
    ["if-none-match", "*"],
  ]);
  assert.deepEqual([...calls[1]?.headers ?? []], [
    ["content-type", "text/plain"],
    ["if-match", '"7"'],
  ]);
});

Deno.test("KevaClient.put() says how long an item stays, and get() until when", async () => {
  const headers = { "keva-revision": "42", "keva-expires": "1893456000000" };
  const answers = [done({ revision: 7 }), done({ revision: 8 }), new Response(VALUE, { headers })];
  const { keva, calls } = client(...answers);
  await keva.put(KEY, VALUE, { ttlMs: 1_001 });
  await keva.put(KEY, VALUE, { expiresMs: 1_893_456_000_000 });
  assert.equal(new URL(calls[0]?.url ?? "").searchParams.get("ttl"), "1.001");
  assert.equal(calls[1]?.headers.get("keva-expires"), "1893456000000");
  assert.equal((await keva.get(KEY))?.expiresMs, 1_893_456_000_000);
});

Deno.test("KevaClient.delete() tells whether there was something", async () => {
  const { keva } = client(done({ revision: 9, existed: true }));
  assert.deepEqual(await keva.delete(KEY), { revision: 9, existed: true });
});

Deno.test("KevaClient.get() goes to the next endpoint after any failure on the way", async () => {
  for (const step of ["refused", "reset", problem(500, { code: "internal" })] as Step[]) {
    const { keva, calls } = client(step, new Response(null, { status: 204 }));
    assert.equal(await keva.get(KEY), null);
    assert.deepEqual(calls.map((call) => new URL(call.url).host), ["host1:1", "host2:2"]);
  }
});

Deno.test("KevaClient.get() remembers which endpoint answered", async () => {
  const missing = () => new Response(null, { status: 204 });
  const { keva, calls } = client("refused", missing(), missing());
  await keva.get(KEY);
  await keva.get(KEY);
  assert.equal(new URL(calls[2]?.url as string).host, "host2:2");
});

Deno.test("KevaClient.get() waits for a silent node only for half of its time", async () => {
  const { keva, calls } = client("hang", new Response(null, { status: 204 }));
  assert.equal(await keva.get(KEY, { timeoutMs: 600 }), null);
  assert.deepEqual(calls.map(({ url }) => new URL(url).host), ["host1:1", "host2:2"]);
});

Deno.test("KevaClient.get() gives a node's reason rather than another's silence", async () => {
  const { keva } = client(noLeader(), "hang");
  const error = await failure(keva.get(KEY, { timeoutMs: 100 }));
  assert.deepEqual([error.code, error.status], ["noLeader", 503]);
});

Deno.test("KevaClient.get() that is aborted says so, whatever went before", async () => {
  const controller = new AbortController();
  const { keva } = client(noLeader(), "hang");
  const error = failure(keva.get(KEY, { signal: controller.signal }));
  setTimeout(() => controller.abort(), 5);
  assert.equal((await error).code, "aborted");
});

Deno.test("KevaClient.put() goes on when nothing was sent or the node says effect none", async () => {
  for (const step of ["refused", noLeader()] as Step[]) {
    const { keva, calls } = client(step, done({ revision: 1 }));
    assert.deepEqual(await keva.put(KEY, VALUE), { revision: 1 });
    assert.equal(calls.length, 2);
  }
});

Deno.test("KevaClient lets the node give up before it does itself", async () => {
  const cluster = fakeCluster(...[1, 2, 3].map(() => new Response(null, { status: 204 })));
  const keva = new KevaClient({ endpoints: ["h"], fetch: cluster.fetch, discover: false });
  for (const timeoutMs of [1, 1234, 3_600_000]) await keva.get(KEY, { timeoutMs });
  assert.deepEqual(cluster.calls.map((call) => new URL(call.url).search), [
    "?timeout=0.001",
    "?timeout=1.111",
    "?timeout=60",
  ]);
});

Deno.test("KevaClient.put() is sent again under the same key until it is known what happened", async () => {
  const { keva, calls } = client(
    "reset",
    problem(504, { code: "timeout", effect: "unknown", detail: "Too late." }),
    problem(503, { code: "noLeader", effect: "none", detail: "Nobody leads." }),
    new Response("<html>bad gateway</html>", { status: 502 }),
    done({ revision: 7 }),
  );
  assert.deepEqual(await keva.put(KEY, VALUE), { revision: 7 });
  const keys = new Set(calls.map(({ headers }) => headers.get("idempotency-key")));
  assert.equal(keys.size, 1);
  assert.match([...keys][0] as string, /^[0-9a-f]{32}$/);
  assert.equal(calls.length, 5);
});

Deno.test("KevaClient.put() takes no later refusal for the fate of an earlier attempt", async () => {
  const refused = problem(401, { code: "unauthenticated", effect: "none", detail: "Who?" });
  const error = await failure(client("reset", refused).keva.put(KEY, VALUE));
  assert.deepEqual([error.code, error.effect], ["unauthenticated", "unknown"]);
  assert.match(error.next, /^Send it again with the idempotency key [0-9a-f]{32}/);

  const decided = problem(412, { code: "conditionFailed", effect: "none", detail: "No." });
  const outcome = await failure(client("reset", decided).keva.put(KEY, VALUE));
  assert.deepEqual([outcome.code, outcome.effect], ["conditionFailed", "none"]);
});

Deno.test("KevaClient.put() without a key is never sent again when it may have happened", async () => {
  const unknown: Record<string, Step> = {
    connectionLost: "reset",
    timeout: problem(504, { code: "timeout", effect: "unknown", detail: "Too late." }),
    internal: problem(503, { code: "internal", detail: "No word about the effect." }),
    notKeva: new Response("<html>bad gateway</html>", { status: 502 }),
  };
  for (const [code, step] of Object.entries(unknown)) {
    const { keva, calls } = client(step);
    const error = await failure(keva.put(KEY, VALUE, { idempotencyKey: null }));
    assert.equal(error.code, code);
    assert.equal(error.effect, "unknown");
    assert.equal(calls.length, 1);
  }
});

Deno.test("KevaClient.put() reports a refusal without asking anybody else", async () => {
  const { keva, calls } = client(
    problem(412, {
      code: "conditionFailed",
      effect: "none",
      detail: "No.",
      next: "Go.",
      revision: 3,
    }),
  );
  const error = await failure(keva.put(KEY, VALUE, { ifRevision: 2 }));
  const { code, effect, message, next, status, revision } = error;
  assert.deepEqual({ code, effect, message, next, status, revision }, {
    code: "conditionFailed",
    effect: "none",
    message: "No.",
    next: "Go.",
    status: 412,
    revision: 3,
  });
  assert.equal(calls.length, 1);
});

Deno.test("KevaClient.put() asks all over again while an election goes on", async () => {
  const { keva, calls } = client(noLeader(), "refused", noLeader(), done({ revision: 5 }));
  assert.deepEqual(await keva.put(KEY, VALUE), { revision: 5 });
  assert.equal(calls.length, 4);
});

Deno.test("KevaClient.put() gives the node's reason when the time is up", async () => {
  const { keva } = client(...Array.from({ length: 20 }, noLeader));
  const error = await failure(keva.put(KEY, VALUE, { timeoutMs: 20 }));
  assert.equal(error.code, "noLeader");
  assert.equal(error.effect, "none");
});

Deno.test("KevaClient fails at once when no endpoint listens", async () => {
  const { keva } = client("refused", "refused");
  const error = await failure(keva.put(KEY, VALUE));
  assert.equal(error.code, "unreachable");
  assert.equal(error.effect, "none");
});

Deno.test("KevaClient.put() that hangs ends at its deadline with effect unknown", async () => {
  const { keva } = client("hang");
  const error = await failure(keva.put(KEY, VALUE, { timeoutMs: 10 }));
  assert.equal(error.code, "timeout");
  assert.equal(error.effect, "unknown");
  assert.equal(error.message, "host1:1 did not answer within 10 ms");
});

Deno.test("KevaClient.put() ends when its signal says so", async () => {
  const { keva, calls } = client("hang");
  const early = await failure(keva.put(KEY, VALUE, { signal: AbortSignal.abort() }));
  assert.deepEqual([early.code, early.effect, calls.length], ["aborted", "none", 0]);
  const controller = new AbortController();
  const running = failure(keva.put(KEY, VALUE, { signal: controller.signal }));
  controller.abort();
  const late = await running;
  assert.deepEqual([late.code, late.effect, calls.length], ["aborted", "unknown", 1]);
});

Deno.test("KevaClient.status() gives what the node sends", async () => {
  const status = { cluster: "keva", answeredBy: "host1", members: [] };
  const { keva, calls } = client(Response.json(status));
  assert.deepEqual(await keva.status(), status);
  assert.equal(calls[0]?.url, "http://host1:1/v1/cluster/status");
});

Deno.test("KevaClient asks by TLS where the endpoint says so, and goes on where TLS fails", async () => {
  const distrust = (text: string) => new TypeError(`error sending request: ${text}`);
  const endpoints = ["https://host1:1", "https://host2:2"];
  const certain = "client error (Connect): invalid peer certificate: UnknownIssuer";
  const moved = fakeCluster(distrust(certain), done({ revision: 1 }));
  const keva = new KevaClient({ endpoints, fetch: moved.fetch, discover: false });
  await keva.put(KEY, VALUE);
  assert.deepEqual(moved.calls.map(({ url }) => new URL(url).origin), endpoints);

  const told = async (text: string, ...more: Step[]) => {
    const { fetch } = fakeCluster(distrust(text), ...more);
    const { code, effect } = await failure(
      new KevaClient({ endpoints, fetch, discover: false }).put(KEY, VALUE),
    );
    return `${code}, effect ${effect}`;
  };
  // That one could not be understood tells more than that the other was down.
  assert.equal(await told(certain, "refused"), "tlsFailed, effect none");
  const alert = "client error (SendRequest): connection error: received fatal alert:";
  assert.equal(
    await told(`${alert} CertificateRequired`, distrust(certain)),
    "tlsFailed, effect none",
  );
  // Whoever stands in between can break a connection in use; the request may have passed.
  assert.equal(await told(`${alert} BadRecordMac`), "connectionLost, effect unknown");
  assert.equal(
    await told("client error (SendRequest): received corrupt message of type InvalidContentType"),
    "tlsFailed, effect unknown",
  );
});

Deno.test("KevaClient() refuses an endpoint that is none", () => {
  for (
    const text of [
      "",
      "a b",
      "host:0",
      "host:65536",
      "host:x",
      "ftp://h:1",
      "https://",
      "::1",
      "h:1/x",
    ]
  ) {
    const make = () => new KevaClient({ endpoints: [text] });
    assert.throws(
      make,
      (error) => error instanceof KevaError && error.code === "badEndpoint",
      text,
    );
  }
  assert.throws(() => new KevaClient({ endpoints: [] }), KevaError);
});

Deno.test("KevaClient() takes a host alone, an IPv6 address and a URL", async () => {
  for (const [text, host] of [["h", "h:380"], ["[::1]:5", "[::1]:5"], ["http://h:5/", "h:5"]]) {
    const cluster = fakeCluster(new Response(null, { status: 204 }));
    await new KevaClient({ endpoints: [text as string], fetch: cluster.fetch, discover: false })
      .get(KEY);
    assert.equal(cluster.calls[0]?.url, `http://${host}/v1/storage/key/k?timeout=4.5`);
  }
});

Deno.test("KevaClient recognises a connection that did not come about under Node", async () => {
  const causes = [{ code: "ECONNREFUSED" }, { code: "ENOTFOUND" }, { message: "bad port" }];
  for (const cause of causes) {
    const fetch = () => Promise.reject(new TypeError("fetch failed", { cause }));
    const keva = new KevaClient({ endpoints: ["h"], fetch, discover: false });
    const { code, effect } = await failure(keva.put(KEY, VALUE));
    assert.deepEqual([code, effect], ["unreachable", "none"]);
  }
});

Deno.test("KevaClient recognises a refused connection of the real fetch", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const keva = new KevaClient({ endpoints: [`127.0.0.1:${port}`], discover: false });
  const error = await failure(keva.put(KEY, VALUE));
  assert.equal(error.message, `no node answers at 127.0.0.1:${port}`);
  assert.equal(error.effect, "none");
});

Deno.test("KevaClient does not take the second attempt of fetch for the only one", async () => {
  // Deno's fetch sends a request anew when a kept connection breaks that took it already.
  const taken: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      taken.push(String(data).split(" ")[0] as string);
      if (taken.length === 1) {
        const body = '{"done":"true","revision":1}';
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      } else {
        server.close();
        socket.destroy();
      }
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const keva = new KevaClient({ endpoints: [`127.0.0.1:${port}`], discover: false });
  await keva.put(KEY, VALUE);
  const lost = await failure(keva.put(KEY, VALUE, { idempotencyKey: null }));
  assert.deepEqual([lost.effect, taken], ["unknown", ["PUT", "PUT"]]);
  const later = await failure(keva.put(KEY, VALUE, { idempotencyKey: null }));
  assert.deepEqual([later.code, later.effect], ["unreachable", "none"]);
});
