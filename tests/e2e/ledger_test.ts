/** The judge of the other tests must itself be able to say no. */

import assert from "node:assert/strict";
import { bytesOf, type WriteOutcome } from "./support/kv.ts";
import { Ledger } from "./support/ledger.ts";

const KEY = bytesOf("key");
const [ONE, TWO, THREE] = [bytesOf("1"), bytesOf("2"), bytesOf("3")];

type Write = readonly [value: Uint8Array, effect: WriteOutcome["effect"]];

const CASES: [name: string, writes: Write[], found: Uint8Array | null, allowed: boolean][] = [
  ["finds an acknowledged value", [[ONE, "done"]], ONE, true],
  ["misses a lost value", [[ONE, "done"]], null, false],
  ["misses a changed value", [[ONE, "done"]], TWO, false],
  ["misses an old value", [[ONE, "done"], [TWO, "done"]], ONE, false],
  ["lets an unknown write have happened", [[ONE, "done"], [TWO, "unknown"]], TWO, true],
  ["lets an unknown write not have happened", [[ONE, "done"], [TWO, "unknown"]], ONE, true],
  ["lets an unknown first write be absent", [[ONE, "unknown"]], null, true],
  ["refuses what was said to have no effect", [[ONE, "done"], [TWO, "none"]], TWO, false],
  ["refuses what nobody wrote", [[ONE, "done"], [TWO, "unknown"]], THREE, false],
  ["keeps an unknown write open for ever", [[ONE, "unknown"], [TWO, "done"]], ONE, true],
  ["does not take an unknown write for a deletion", [[ONE, "done"], [TWO, "unknown"]], null, false],
];

for (const [name, writes, found, allowed] of CASES) {
  Deno.test(`ledger: ${name}`, async () => {
    const ledger = new Ledger();
    for (const [value, effect] of writes) ledger.record(KEY, value, { effect, why: "" });
    const contradictions = await ledger.contradictions(() => Promise.resolve(found));
    assert.equal(contradictions.length, allowed ? 0 : 1);
  });
}
