/** The counts of the last line are those of the test runner, and a failed run never counts zero. */

import assert from "node:assert/strict";
import { totalsOf } from "../../tools/test_run.ts";

Deno.test("totalsOf() reads the summary of the runner, coloured or not", () => {
  const summary =
    "\x1b[31mFAILED\x1b[0m | 12 passed (3 steps) | 2 failed (1 step) | 4 ignored (182ms)";
  assert.deepEqual(totalsOf(`x ... ok\n${summary}\n\n`, false), {
    passed: 12,
    failed: 2,
    ignored: 4,
  });
  assert.deepEqual(totalsOf("ok | 7 passed | 0 failed (1s)\n", true), {
    passed: 7,
    failed: 0,
    ignored: 0,
  });
});

Deno.test("totalsOf() takes the last summary, since a test may print one", () => {
  const output = "ok | 99 passed | 0 failed (1s)\nok | 1 passed | 0 failed (1s)\n";
  assert.equal(totalsOf(output, true).passed, 1);
});

Deno.test("totalsOf() counts a run that broke off as one failure", () => {
  assert.deepEqual(totalsOf("error: killed\n", false), { passed: 0, failed: 1, ignored: 0 });
  assert.equal(totalsOf("ok | 1 passed | 0 failed (1s)\n", false).failed, 1);
});
