/**
 * What KevaClient does against a real cluster, in words that Deno and Node both understand. A
 * program of its own: it takes endpoints, of which the first is one where nobody listens, and prints
 * a line for each case.
 */

import assert from "node:assert/strict";
import { createServer } from "node:net";
import process from "node:process";
import { KevaClient, KevaError, type WatchEvent } from "../../../src/client/mod.ts";

/** What the parent waits for before it kills the leader, and how long the suite then goes on. */
const READY_FOR_A_KILL = "ready for a kill";
const WRITES_AFTER_KILL = 100;

const endpoints = process.argv.slice(2);
const keva = new KevaClient({ endpoints });
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

const cases: Record<string, () => Promise<void>> = {
  "text, bytes and JSON come back as they went": async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    await keva.put("text", "häßlich ✓");
    const item = await keva.get("text");
    assert.equal(text(item?.value), "häßlich ✓");
    assert.equal(item?.contentType, "text/plain; charset=utf-8");
    assert.equal(item?.consistency, "linearizable");
    const { revision } = await keva.put(bytes, bytes, { contentType: "image/x" });
    const binary = await keva.get(bytes, { consistency: "stale" });
    // A node of its own choice may be behind; then it has nothing yet.
    if (binary !== null) assert.deepEqual([binary.value, binary.contentType], [bytes, "image/x"]);
    assert.equal((await keva.get(bytes))?.revision, revision);
    await keva.putJson("json", { a: [1, null, "ä"] });
    assert.deepEqual((await keva.getJson("json"))?.value, { a: [1, null, "ä"] });
  },

  "keys that URL parsers would tidy stay as they are": async () => {
    for (const key of [".", "..", "a/../b", "a//b", "%2e", "a b?c#d", "\0", "ключ", "\\"]) {
      await keva.put(key, `value of ${key}`);
      assert.equal(text((await keva.get(key))?.value), `value of ${key}`);
    }
  },

  "a value of a megabyte": async () => {
    const value = new Uint8Array(1024 * 1024).fill(7);
    await keva.put("large", value);
    assert.deepEqual((await keva.get("large"))?.value, value);
    await fails(keva.put("larger", new Uint8Array(value.length + 1)), {
      code: "valueTooLarge",
      effect: "none",
      status: 413,
    });
  },

  "a missing key is null, and deleting tells whether it was there": async () => {
    assert.equal(await keva.get("missing"), null);
    assert.equal(await keva.getJson("missing"), null);
    await keva.put("gone", "x");
    assert.equal((await keva.delete("gone")).existed, true);
    assert.equal((await keva.delete("gone")).existed, false);
    assert.equal(await keva.get("gone"), null);
  },

  "a list is in order over its pages, and a transaction is done as a whole": async () => {
    const bytes = Uint8Array.of(255, 0);
    const moved = await keva.txn({
      checks: [{ check: "absent", key: "list/b" }],
      then: [
        { op: "put", key: "list/b", value: bytes },
        { op: "put", key: "list/a", value: "ä" },
        { op: "sum", key: "list/n", value: 2n ** 63n - 1n },
        { op: "get", key: "list/b" },
      ],
    });
    assert.deepEqual([moved.branch, moved.results[2]], [
      "then",
      { kind: "number", value: 2n ** 63n - 1n },
    ]);
    const listed: [string, Uint8Array | undefined][] = [];
    for await (const { key, value } of keva.list({ prefix: "list/", values: true, pageItems: 1 })) {
      listed.push([text(key), value]);
    }
    assert.deepEqual(listed.map(([key]) => key), ["list/a", "list/b", "list/n"]);
    assert.deepEqual(listed[1]?.[1], bytes);
    const sum = { op: "sum", key: "list/n", value: 1 } as const;
    await fails(keva.txn({ then: [{ op: "delete", key: "list/a" }, sum] }), {
      code: "stepFailed",
      effect: "none",
      status: 409,
    });
    assert.equal(text((await keva.get("list/a"))?.value), "ä");
    const { results } = await keva.txn({ then: [{ op: "delete-range", prefix: "list/" }] });
    assert.deepEqual(results, [{ kind: "deleted", count: 3 }]);
  },

  "conditions hold or say what is there": async () => {
    await keva.delete("lock");
    const { revision } = await keva.put("lock", "mine", { ifRevision: 0 });
    const refusal = { code: "conditionFailed", effect: "none", status: 412, revision } as const;
    await fails(keva.put("lock", "yours", { ifRevision: 0 }), refusal);
    await keva.put("lock", "still mine", { ifRevision: revision });
    await fails(keva.delete("lock", { ifRevision: revision }), { code: "conditionFailed" });
  },

  "the status names every member": async () => {
    const { members } = await keva.status();
    assert.equal(members.length, endpoints.length - 1);
    assert.equal(members.filter(({ status }) => status?.role === "leader").length, 1);
  },

  "nobody listens, or nobody answers in time, or nobody waits": async () => {
    const alone = new KevaClient({ endpoints: endpoints.slice(0, 1) });
    await fails(alone.put("k", "v"), { code: "unreachable", effect: "none" });
    await alone.close();
    const server = createServer((socket) => void socket.on("error", () => {}));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const silent = new KevaClient({ endpoints: [`127.0.0.1:${port}`], discover: false });
    const late = silent.put("k", "v", { timeoutMs: 50 });
    await fails(late, { code: "timeout", effect: "unknown" });
    const ending = new AbortController();
    const left = silent.put("k", "v", { signal: ending.signal });
    setTimeout(() => ending.abort(), 20);
    await fails(left, { code: "aborted", effect: "unknown" });
    await fails(silent.get("k", { signal: AbortSignal.abort() }), { code: "aborted" });
    server.close();
  },

  "a connection that breaks leaves a write unknown": async () => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.destroy());
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const broken = new KevaClient({ endpoints: [`127.0.0.1:${port}`], discover: false });
    await fails(broken.put("k", "v"), { code: "connectionLost", effect: "unknown" });
    server.close();
  },

  "a watch tells items, then changes, as they are": async () => {
    await keva.put("w/1", "one");
    const told: WatchEvent[] = [];
    for await (const event of keva.watch({ prefix: "w/", initial: true })) {
      told.push(event);
      if (event.kind === "synced") {
        await keva.put(Uint8Array.of(119, 47, 255), Uint8Array.of(254));
        await keva.delete("w/1");
      }
      if (event.kind === "delete") break;
    }
    const items = told.map((event) => [event.kind, "value" in event ? [...event.value] : null]);
    assert.deepEqual(items, [
      ["put", [111, 110, 101]],
      ["synced", null],
      ["put", [254]],
      ["delete", null],
    ]);
    await keva.delete(Uint8Array.of(119, 47, 255));
  },

  "reads, writes and a watch go on over a killed leader": async () => {
    const prefix = `${crypto.randomUUID()}/`;
    const ending = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (
        const event of keva.watch({ prefix, signal: ending.signal, initial: true })
      ) {
        if (event.kind === "reset") seen.push("reset");
        if (event.kind === "put") seen.push(text(event.value));
        if (seen.at(-1) === "last") return;
      }
    })();
    await keva.put(`${prefix}first`, "first");
    console.log(READY_FOR_A_KILL);
    let unknown = 0;
    for (let i = 0; i < WRITES_AFTER_KILL; i++) {
      const wasWritten = await keva.put(`${prefix}${i}`, `${i}`).then(() => true, (error) => {
        // Nobody can tell, so the client does not guess; anything else it must get over.
        assert.equal((error as KevaError).effect, "unknown", String(error));
        unknown++;
        return false;
      });
      const item = await keva.get(`${prefix}${i}`);
      if (wasWritten) assert.equal(text(item?.value), `${i}`);
    }
    assert.ok(unknown <= 2, `${unknown} writes of unknown outcome`);
    await keva.put(`${prefix}last`, "last");
    await watching;
    ending.abort();
    const numbers = seen.filter((value) => /\d/.test(value));
    assert.ok(numbers.length >= WRITES_AFTER_KILL - unknown, `${numbers.length} seen`);
    assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => Number(a) - Number(b)));
    assert.ok(!seen.includes("reset"));
  },
};

async function fails(call: Promise<unknown>, expected: Partial<KevaError>): Promise<void> {
  const error: unknown = await call.then(() => null, (reason: unknown) => reason);
  assert.ok(error instanceof KevaError, String(error));
  const found = Object.keys(expected).map((name) => [name, error[name as keyof KevaError]]);
  assert.deepEqual(Object.fromEntries(found), expected);
}

let failed = 0;
for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (error) {
    failed++;
    console.log(`failed ${name}: ${(error as Error).stack}`);
  }
}
await keva.close();
console.log(`${Object.keys(cases).length} cases, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
