/** Whom a client asks once it knows the members, and what happens when it does not. */

import assert from "node:assert/strict";
import { KevaClient, KevaError } from "../../src/client/mod.ts";
import { done, problem } from "./fake_cluster.ts";

/** Three nodes, `n1` to `n3` at `n1:1` and so on, each of which answers as it is told to. */
class FakeNodes {
  leader: string | null = "n1";
  readonly down = new Set<string>();
  /** The status that `inspect` is refused with. */
  refusedWith: number | null = null;
  /** What the next requests for keys are answered with. */
  readonly refusals: Response[] = [];
  readonly calls: string[] = [];
  /** Of the requests so far. */
  readonly protocols = new Set<string>();

  readonly fetch: typeof fetch = (input, init) => {
    const { protocol, host, hostname, pathname } = new URL(String(input));
    this.protocols.add(protocol);
    this.calls.push(`${init?.method} ${hostname}${pathname}`);
    if (this.down.has(hostname)) {
      return Promise.reject(
        new TypeError("error sending request: client error (Connect): refused"),
      );
    }
    assert.equal(host, `${hostname}:1`);
    return Promise.resolve(this.#answer(hostname, pathname));
  };

  /** Who was asked for keys since the last time. */
  asked(): string[] {
    const keys = this.calls.splice(0).filter((call) => call.includes("/key/"));
    return keys.map((call) => call.replace(/\/.*/, ""));
  }

  #answer(name: string, path: string): Response {
    if (path === "/livez") return new Response("ok");
    if (path !== "/v1/cluster/status") return this.refusals.shift() ?? done({ revision: 1 });
    if (this.refusedWith !== null) {
      return problem(this.refusedWith, { code: "denied", effect: "none", detail: "No." });
    }
    const members = ["n1", "n2", "n3"].map((id) => ({
      id,
      clientAddress: `${id}:1`,
      status: { role: id === this.leader ? "leader" : "follower" },
    }));
    return Response.json({ cluster: "c", answeredBy: name, members });
  }
}

/** A client that was given only n2, and by now knows the members and that n1 leads. */
async function settled(nodes: FakeNodes, endpoint = "n2:1"): Promise<KevaClient> {
  const keva = new KevaClient({ endpoints: [endpoint], fetch: nodes.fetch });
  do await keva.put("k", "v"); while (nodes.asked().at(-1) !== "PUT n1");
  return keva;
}

Deno.test("KevaClient sends writes to the leader and reads to the others in turn", async () => {
  const nodes = new FakeNodes();
  const keva = await settled(nodes);
  await keva.put("k", "v");
  await keva.delete("k");
  for (let i = 0; i < 4; i++) await keva.get("k");
  const asked = nodes.asked();
  assert.deepEqual(asked.slice(0, 2), ["PUT n1", "DELETE n1"]);
  assert.deepEqual(asked.slice(2).sort(), ["GET n2", "GET n2", "GET n3", "GET n3"]);
});

Deno.test("KevaClient asks all members by TLS when it found them by TLS", async () => {
  const nodes = new FakeNodes();
  const keva = await settled(nodes, "https://n2:1");
  for (let i = 0; i < 4; i++) await keva.get("k");
  assert.deepEqual([...new Set(nodes.asked())].sort(), ["GET n2", "GET n3"]);
  assert.deepEqual([...nodes.protocols], ["https:"]);
  await keva.close();
});

Deno.test("KevaClient leaves out members that do not answer where they say they are", async () => {
  const nodes = new FakeNodes();
  nodes.down.add("n3");
  const keva = await settled(nodes);
  for (let i = 0; i < 3; i++) await keva.get("k");
  assert.deepEqual(nodes.asked(), ["GET n2", "GET n2", "GET n2"]);
});

Deno.test("KevaClient asks a node that failed after all others for a while", async () => {
  const nodes = new FakeNodes();
  const keva = await settled(nodes);
  nodes.down.add("n2").add("n1");
  for (let i = 0; i < 4; i++) await keva.get("k");
  const asked = nodes.asked();
  assert.equal(asked.filter((call) => call === "GET n2").length, 1);
  assert.equal(asked.filter((call) => call === "GET n3").length, 4);
  await keva.put("k", "v");
  await keva.put("k", "v");
  assert.deepEqual(nodes.asked(), ["PUT n1", "PUT n3", "PUT n3"]);
});

Deno.test("KevaClient follows what a refusal says of the leader", async () => {
  const nodes = new FakeNodes();
  const keva = await settled(nodes);
  nodes.refusals.push(
    problem(503, { code: "overloaded", effect: "none", detail: "No.", leader: "n3" }),
  );
  await keva.put("k", "v");
  assert.equal(nodes.asked()[0], "PUT n1");
  await keva.put("k", "v");
  assert.deepEqual(nodes.asked(), ["PUT n3"]);
});

Deno.test("KevaClient goes on with its endpoints when it may not inspect the cluster", async () => {
  for (const status of [401, 403]) {
    const nodes = new FakeNodes();
    nodes.refusedWith = status;
    const keva = new KevaClient({ endpoints: ["n1:1", "n2:1"], fetch: nodes.fetch });
    for (let i = 0; i < 3; i++) await keva.get("k");
    assert.deepEqual(nodes.asked(), ["GET n1", "GET n1", "GET n1"]);
  }
});

Deno.test("KevaClient.getJson() and putJson() keep values as JSON", async () => {
  const value = { a: [1, "ä", null] };
  const calls: { body: string; type: string | null }[] = [];
  const fetch: typeof globalThis.fetch = (_, init) => {
    if (init?.method === "GET") {
      return Promise.resolve(Response.json(value, { headers: { "keva-revision": "7" } }));
    }
    const body = new TextDecoder().decode(init?.body as Uint8Array);
    calls.push({ body, type: new Headers(init?.headers).get("content-type") });
    return Promise.resolve(done({ revision: 8 }));
  };
  const keva = new KevaClient({ endpoints: ["h"], fetch, discover: false });
  assert.deepEqual(await keva.putJson("k", value), { revision: 8 });
  assert.deepEqual(calls, [{ body: JSON.stringify(value), type: "application/json" }]);
  const item = await keva.getJson("k");
  assert.deepEqual([item?.value, item?.revision], [value, 7]);
  await assert.rejects(() => keva.putJson("k", undefined), { code: "notJson", effect: "none" });
});

Deno.test("KevaClient.getJson() says when a value is not JSON", async () => {
  const fetch = () => Promise.resolve(new Response("{"));
  const keva = new KevaClient({ endpoints: ["h"], fetch, discover: false });
  const isNotJson = (error: unknown) => error instanceof KevaError && error.code === "notJson";
  await assert.rejects(() => keva.getJson("k"), isNotJson);
});
