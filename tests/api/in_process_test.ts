/** The routes without a connection, in the words of `fetch`. */

import assert from "node:assert/strict";
import { createTestCluster, type TestCluster } from "../../src/mod.ts";

async function withNode(
  test: (cluster: TestCluster, fetch: typeof globalThis.fetch) => Promise<void>,
) {
  const cluster = await createTestCluster(1);
  try {
    await test(cluster, cluster.node("n1").fetch);
  } finally {
    await cluster.close();
  }
}

const URL_OF_KEY = "http://keva/v1/storage/key/";

Deno.test("a body of any kind is stored as its bytes, by a Request as well", () =>
  withNode(async (_, fetch) => {
    const bodies: BodyInit[] = ["ä", Uint8Array.of(195, 164), new Blob(["ä"])];
    for (const body of bodies) {
      const put = await fetch(`${URL_OF_KEY}k`, { method: "PUT", body });
      assert.equal(put.status, 200);
      assert.equal(await (await fetch(new URL(`${URL_OF_KEY}k`))).text(), "ä");
      await fetch(`${URL_OF_KEY}k`, { method: "DELETE" });
    }
    await fetch(new Request(`${URL_OF_KEY}k`, { method: "PUT", body: "by request" }));
    assert.equal(await (await fetch(new Request(`${URL_OF_KEY}k`))).text(), "by request");
  }));

Deno.test("a key stays as it was written", () =>
  withNode(async (_, fetch) => {
    await fetch(`${URL_OF_KEY}../a//b`, { method: "PUT", body: "v" });
    assert.equal((await fetch(`${URL_OF_KEY}../a//b?missing=404`)).status, 200);
    assert.equal((await fetch(`${URL_OF_KEY}a//b?missing=404`)).status, 404);
  }));

Deno.test("HEAD has no body, and an unknown path its problem", () =>
  withNode(async (_, fetch) => {
    await fetch(`${URL_OF_KEY}k`, { method: "PUT", body: "v" });
    const head = await fetch(`${URL_OF_KEY}k`, { method: "HEAD" });
    assert.deepEqual([head.status, await head.text()], [200, ""]);
    const unknown = await fetch("http://keva/nowhere");
    assert.deepEqual([unknown.status, (await unknown.json()).code], [404, "routeUnknown"]);
  }));

Deno.test("a stream ends with its signal, when it is left, and with its node", () =>
  withNode(async (cluster, fetch) => {
    const watch = (signal: AbortSignal | null) => fetch("http://keva/v1/storage/watch", { signal });
    const aborted = new AbortController();
    const first = await watch(aborted.signal);
    aborted.abort();
    assert.equal(await first.text(), "");
    await (await watch(null)).body?.cancel();
    const last = await watch(null);
    await cluster.stop("n1");
    assert.equal(await last.text(), "");
    await assert.rejects(fetch(`${URL_OF_KEY}k`), TypeError);
  }));
