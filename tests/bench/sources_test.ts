/** Which requests a source gives, and when they are due. */

import assert from "node:assert/strict";
import type { Request } from "../../bench/load/clients.ts";
import { eachKey, requestsOf } from "../../bench/load/sources.ts";
import { workload } from "./support.ts";

const DATA = { keys: 20, valueBytes: 256 };

function keyOf(request: Request | null): string {
  return new TextDecoder().decode(request?.key);
}

Deno.test("eachKey() writes every key once", () => {
  const source = eachKey(DATA);
  const requests = Array.from({ length: DATA.keys }, () => source() as Request);
  assert.ok(requests.every(({ operation }) => operation === "write"));
  assert.equal(new Set(requests.map(keyOf)).size, DATA.keys);
  assert.equal(source(), null);
});

Deno.test("requestsOf() keeps to the share of reads, and to one key when it is hot", () => {
  const draw = (changes: Parameters<typeof workload>[0]): Request[] => {
    const { source } = requestsOf(workload({ data: DATA, ...changes }));
    return Array.from({ length: 2_000 }, () => source() as Request);
  };
  const mixed = draw({ readShare: 0.9 });
  const reads = mixed.filter(({ operation }) => operation === "read").length;
  assert.ok(reads > 1_700 && reads < 1_900, `${reads} reads of 2,000 for a share of 0.9`);
  assert.equal(new Set(mixed.map(keyOf)).size, DATA.keys);
  const hot = draw({ hot: true, readShare: 1 });
  assert.equal(new Set(hot.map(keyOf)).size, 1);
  assert.ok(hot.every(({ operation }) => operation === "read"));
});

Deno.test("a source that has ended gives nothing, to nobody", async () => {
  const closed = requestsOf(workload({ data: DATA }));
  closed.end();
  assert.equal(closed.source(), null);
  const paced = requestsOf(workload({ data: DATA, perSecond: 1 }));
  const [first, second, third] = [paced.source(), paced.source(), paced.source()];
  paced.end();
  assert.ok(await first !== null, "the first request is due at once");
  assert.deepEqual(await Promise.all([second, third, paced.source()]), [null, null, null]);
});

Deno.test("at a rate, what was not asked for in time is due since then", async () => {
  const { source, end } = requestsOf(workload({ data: DATA, perSecond: 1_000 }));
  const first = await source() as Request;
  await new Promise((resolve) => setTimeout(resolve, 50));
  const late = Array.from({ length: 10 }, () => source() as Request);
  late.forEach(({ dueAt }, i) => assert.equal(Math.round(dueAt - first.dueAt), i + 1));
  assert.ok(performance.now() - (late[0] as Request).dueAt >= 48);
  end();
});
