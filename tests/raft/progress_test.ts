import assert from "node:assert/strict";
import fc from "fast-check";
import { limits } from "../../src/base/mod.ts";
import { Progress } from "../../src/raft/progress.ts";

const stepArbitrary = fc.record({
  kind: fc.constantFrom("send", "send", "accepted", "rejected", "lost", "installing", "heartbeat"),
  value: fc.nat(30),
  bytes: fc.nat(8 * 1024 * 1024),
});

Deno.test("R6 Progress stays in order and within its bounds whatever the follower answers", () => {
  const property = fc.property(fc.array(stepArbitrary, { maxLength: 200 }), (steps) => {
    const last = 30;
    const progress = new Progress(last);
    let matched = 0;
    let messages = 0;
    let bytesInFlight = 0;
    for (const { kind, value, bytes } of steps) {
      const before = progress.mode;
      if (kind === "send") {
        if (!progress.ready) continue;
        assert.notEqual(progress.mode, "snapshot");
        const count = Math.min(value, last + 1 - progress.next);
        progress.sent(count, bytes);
        if (before === "probe") assert.equal(progress.ready, false, "one probe at a time");
        else if (count > 0) {
          messages++;
          bytesInFlight += bytes;
        }
      } else if (kind === "accepted") progress.accepted(value);
      else if (kind === "rejected") progress.rejected(value, bytes % 30);
      else if (kind === "lost") progress.lost();
      else if (kind === "installing") progress.installing(Math.max(value, progress.matched));
      else progress.heartbeat(last);
      if (kind === "lost") assert.equal(progress.ready, false, "a probe waits for a heartbeat");
      if (kind !== "send" && kind !== "heartbeat") messages = bytesInFlight = 0;
      assert.ok(progress.matched >= matched, "matched never decreases");
      assert.ok(progress.matched < progress.next);
      assert.ok(messages <= limits.inflightAppendsMax);
      assert.ok(bytesInFlight <= limits.inflightAppendBytesMax + 8 * 1024 * 1024);
      matched = progress.matched;
    }
  });
  fc.assert(property, { numRuns: 1_000 });
});

Deno.test("Progress.sent() moves on while replicating, and stays while probing", () => {
  const progress = new Progress(5);
  progress.sent(3, 10);
  assert.deepEqual([progress.mode, progress.next, progress.ready], ["probe", 5, false]);
  progress.accepted(7);
  assert.deepEqual([progress.mode, progress.next, progress.ready], ["replicate", 8, true]);
  progress.sent(2, 10);
  assert.equal(progress.next, 10);
});

Deno.test("Progress.rejected() goes back to where the logs may agree, never below matched", () => {
  const progress = new Progress(10);
  assert.equal(progress.rejected(9, 4), true);
  assert.equal(progress.next, 5);
  assert.equal(progress.rejected(9, 2), false, "an answer to an older probe");
  progress.accepted(4);
  progress.sent(6, 10);
  assert.equal(progress.rejected(4, 1), false, "it has matched meanwhile");
  assert.equal(progress.rejected(8, 1), true);
  assert.deepEqual([progress.mode, progress.next], ["probe", 5]);
});

Deno.test("Progress.lost() repeats a probe where it was", () => {
  const progress = new Progress(10);
  progress.sent(1, 10);
  progress.lost();
  assert.equal(progress.next, 10);
  progress.heartbeat(10);
  assert.equal(progress.ready, true);
});

Deno.test("Progress.lost() returns to what matched from a pipeline or a snapshot", () => {
  const pipeline = new Progress(10);
  pipeline.accepted(4);
  pipeline.sent(5, 10);
  pipeline.lost();
  assert.deepEqual([pipeline.mode, pipeline.next], ["probe", 5]);
  const snapshot = new Progress(10);
  snapshot.installing(20);
  assert.deepEqual([snapshot.mode, snapshot.next, snapshot.ready], ["snapshot", 21, false]);
  snapshot.accepted(19);
  assert.equal(snapshot.mode, "snapshot", "an answer from before the snapshot");
  snapshot.lost();
  assert.deepEqual([snapshot.mode, snapshot.next], ["probe", 1]);
});

Deno.test("Progress.heartbeat() tells when a pipeline has stood still since the last one", () => {
  const progress = new Progress(1);
  progress.accepted(3);
  progress.sent(2, 10);
  assert.equal(progress.heartbeat(5), false);
  assert.equal(progress.heartbeat(5), true);
  progress.accepted(4);
  assert.equal(progress.heartbeat(5), false);
  progress.accepted(5);
  assert.equal(progress.heartbeat(5), false);
  assert.equal(progress.heartbeat(5), false, "nothing is under way");
});
