/** keva export and keva import, against a cluster in memory where it matters what is stored. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { bytesEqual, utf8 } from "../../src/base/mod.ts";
import { formatItem, parseItem } from "../../src/cli/item_line.ts";
import { type Context, run } from "../../src/cli/mod.ts";
import { MemoryDisk } from "../../src/memory/mod.ts";
import { createTestCluster, type TestCluster } from "../../src/mod.ts";
import { systemClock } from "../../src/platform/mod.ts";
import { fakeCluster, problem } from "../client/fake_cluster.ts";
import { eventStream, mark, put } from "../client/fake_events.ts";
import { keva, world } from "./fake_context.ts";

const BINARY = Uint8Array.from({ length: 256 }, (_, i) => i);

async function withCluster(test: (cluster: TestCluster) => Promise<void>): Promise<void> {
  const cluster = await createTestCluster(1);
  try {
    await test(cluster);
  } finally {
    await cluster.close();
  }
}

/** Runs one command against the cluster, on a disk that lasts. */
async function against(
  cluster: TestCluster,
  args: string[],
  { disk, stdin }: { disk?: MemoryDisk; stdin?: string } = {},
) {
  const fetch: Context["fetch"] = (input, init) => cluster.node("n1").fetch(input, init);
  const given = world({ args, stdin: utf8(stdin ?? "") });
  const ports = { ...given.context.ports, ...disk && { disk } };
  const exit = await run({ ...given.context, fetch, ports });
  return { exit, stdout: given.stdout(), stderr: given.stderr() };
}

Deno.test("a line is an item and an item a line, whatever its bytes", () => {
  const bytes = fc.oneof(fc.uint8Array(), fc.string({ unit: "binary" }).map(utf8));
  const expires = fc.oneof(fc.constant({}), fc.nat().map((ms) => ({ expiresMs: ms + 1 })));
  fc.assert(fc.property(bytes, bytes, expires, (key, value, expires) => {
    const line = formatItem({ key, value, contentType: "a/b", ...expires });
    assert.match(line, /^[^\n]*\n$/);
    const item = parseItem(line);
    assert.ok(item.ok && bytesEqual(item.value.key, key) && bytesEqual(item.value.value, value));
    const { key: _, value: __, ...about } = item.value;
    assert.deepEqual(about, { contentType: "a/b", ...expires });
  }));
});

Deno.test("parseItem() refuses what would be another item", () => {
  const cases: [string, RegExp][] = [
    ["", /not JSON/],
    ["[1]", /expected object/],
    ['{"value":"v"}', /either key or key64/],
    ['{"key":"k"}', /either value or value64/],
    ['{"key":"k","key64":"aw==","value":"v"}', /either key or key64/],
    ['{"key":"k","value64":"%"}', /^value64: /],
    ['{"key":"k","value":1}', /^value: /],
    ['{"key":"k","value":"v","expiresAt":7}', /expiresAt/],
    ['{"key":"\\ud800","value":"v"}', /key is not valid text/],
  ];
  for (const [text, says] of cases) {
    const item = parseItem(text);
    assert.ok(!item.ok, text);
    assert.match(item.error, says);
  }
});

Deno.test("what export writes, import stores", () =>
  withCluster(async (cluster) => {
    const client = cluster.node("n1").client();
    await client.put("a/text", "häßlich\n");
    await client.put(Uint8Array.of(97, 47, 255), BINARY, { contentType: "image/x" });
    await client.put("b", "");
    const all = await against(cluster, ["export"]);
    assert.equal(all.exit, 0);
    assert.deepEqual(all.stdout.trim().split("\n").map((line) => JSON.parse(line)), [
      { key: "a/text", value: "häßlich\n", contentType: "text/plain; charset=utf-8" },
      { key64: "YS//", value64: BINARY.toBase64(), contentType: "image/x" },
      { key: "b", value: "", contentType: "text/plain; charset=utf-8" },
    ]);
    assert.match(all.stderr, /^exported 3 items as of revision \d+\n$/);

    const disk = new MemoryDisk(systemClock());
    const some = await against(cluster, ["export", "a/", "--file", "/some.jsonl"], { disk });
    assert.deepEqual([some.exit, some.stdout, disk.list("/")], [0, "", ["some.jsonl"]]);
    for (const key of ["a/text", Uint8Array.of(97, 47, 255), "b"]) await client.delete(key);
    for (let times = 0; times < 2; times++) { // again is harmless
      const back = await against(cluster, ["import", "--file", "/some.jsonl"], { disk });
      assert.deepEqual([back.exit, back.stdout], [0, "stored 2 items\n"]);
    }
    assert.deepEqual((await client.get(Uint8Array.of(97, 47, 255)))?.value, BINARY);
    assert.equal(await client.get("b"), null);
    const piped = await against(cluster, ["import"], { stdin: all.stdout });
    assert.equal(piped.stdout, "stored 3 items\n");
    assert.equal((await against(cluster, ["export"])).stdout, all.stdout);
  }));

Deno.test("import stores the later of two lines for one key later", () =>
  withCluster(async (cluster) => {
    const lines = Array.from({ length: 50 }, (_, i) =>
      formatItem({
        key: utf8("k"),
        value: utf8(`${i}`),
        contentType: "",
      }));
    await against(cluster, ["import"], { stdin: lines.join("") });
    const item = await cluster.node("n1").client().get("k");
    assert.deepEqual(item?.value, utf8("49"));
  }));

Deno.test("import stops at the first line that fails, and says how many are stored", () =>
  withCluster(async (cluster) => {
    const good = (key: string) => formatItem({ key: utf8(key), value: utf8("v"), contentType: "" });
    const stdin = `${good("1")}\n${good("2")}no JSON\n${good("3")}`;
    const { exit, stderr } = await against(cluster, ["import"], { stdin });
    assert.equal(exit, 1);
    assert.match(
      stderr,
      /^keva: line 4: it is not JSON\nkeva: stored 2 items before that; correct/,
    );
    assert.equal(await cluster.node("n1").client().get("3"), null);
    const long = formatItem({
      key: new Uint8Array(4097).fill(97),
      value: utf8(""),
      contentType: "",
    });
    const refused = await against(cluster, ["import"], { stdin: good("4") + long });
    assert.match(refused.stderr, /^keva: line 2: The key has 4097 bytes/);
    const binary = await keva(["import"], { stdin: Uint8Array.of(255, 10) });
    assert.deepEqual([binary.exit, binary.stderr], [1, "keva: line 1 is not UTF-8 text\n"]);
  }));

Deno.test("import waits for no terminal, and says what it cannot read", async () => {
  assert.equal((await keva(["import"], { stdin: "terminal" })).exit, 2);
  const missing = await keva(["import", "--file", "none"]);
  assert.deepEqual([missing.exit, missing.stderr], [1, "keva: cannot read none: no such file\n"]);
});

Deno.test("export that is cut off starts a file over, and fails where it cannot", async () => {
  const cut = () =>
    fakeCluster(
      eventStream([put("a", 1), put("b", 2)]),
      eventStream([put("b", 3), mark("synced", 4)]),
    );
  const printed = await keva(["export"], { cluster: cut() });
  assert.equal(printed.exit, 1);
  assert.match(printed.stderr, /the connection broke in between; run it again/);
  const disk = new MemoryDisk(systemClock());
  const given = world({ args: ["export", "--file", "/f"], cluster: cut() });
  const exit = await run({ ...given.context, ports: { ...given.context.ports, disk } });
  assert.equal(exit, 0);
  assert.equal(
    new TextDecoder().decode(disk.read("/f", 1_000)),
    '{"key":"b","value":"v3","contentType":"text/plain"}\n',
  );
});

Deno.test("export that fails leaves no file, and the old one as it was", async () => {
  const disk = new MemoryDisk(systemClock());
  disk.open("/f", "create").close();
  const cluster = fakeCluster(eventStream([put("a", 1)]), problem(403, { detail: "No." }));
  const given = world({ args: ["export", "--file", "/f"], cluster });
  const exit = await run({ ...given.context, ports: { ...given.context.ports, disk } });
  assert.deepEqual([exit, disk.list("/"), disk.read("/f", 9).length], [1, ["f"], 0]);
});

Deno.test("on a terminal export and import count, and take the count away", () =>
  withCluster(async (cluster) => {
    await cluster.node("n1").client().put("k", "v");
    const fetch: Context["fetch"] = (input, init) => cluster.node("n1").fetch(input, init);
    const given = world({ args: ["export"] });
    const { stderr } = given.context;
    await run({ ...given.context, fetch, stderr: { ...stderr, isTerminal: true } });
    const counted = "\r\x1b[Kexported 1 item, 0.0 MB\r\x1b[Kexported 1 item as of revision";
    assert.ok(given.stderr().startsWith(counted), given.stderr());
  }));
