/** The scripts are worth what their harness would notice: that is shown here. */

import assert from "node:assert/strict";
import { limits } from "../../src/base/mod.ts";
import { diffLines } from "./harness/diff.ts";
import { parseScript, runScript, ScriptError } from "./harness/script.ts";

function failureOf(lines: string[]): string {
  try {
    runScript(lines.join("\n"));
  } catch (error) {
    assert.ok(error instanceof ScriptError);
    return error.message;
  }
  throw new Error("the script succeeded");
}

Deno.test("runScript() names the line that it cannot run", () => {
  assert.match(
    failureOf(["cluster nodes=1", "", "dance n1"]),
    /^line 3: dance n1\nno such command/,
  );
  assert.match(failureOf(["tick n1"]), /begins with cluster/);
  assert.match(failureOf(["cluster nodes=1", "cluster nodes=1"]), /one cluster/);
  assert.match(failureOf(["cluster nodes=1 colour=red"]), /not colour/);
  assert.match(failureOf(["cluster nodes=1", "tick n1 1 2"]), /not 2/);
  assert.match(failureOf(["cluster nodes=1", "tick n1 many"]), /a number, not many/);
  assert.match(failureOf(["cluster nodes=1", "drop n1"]), /under way/);
});

Deno.test("runScript() gives the same transcript every time", () => {
  const source = "cluster nodes=5 seed=3\nrun 40\nstatus";
  assert.equal(runScript(source), runScript(source));
});

Deno.test("runScript() leaves the limits as they were", () => {
  const before = { ...limits };
  runScript("cluster nodes=1 tail=3 inflight=1 batch=1");
  failureOf(["cluster nodes=1 tail=3", "dance n1"]);
  assert.deepEqual(limits, before);
});

Deno.test("runScript() notices two leaders in one term", () => {
  const script = ["cluster nodes=3 timeouts=10,12,14", "campaign n1", "campaign n2"];
  script.push("deliver", "deliver", "forge n3 n1 voteReply term=1 granted=1");
  script.push("forge n3 n2 voteReply term=1 granted=1");
  assert.match(failureOf(script), /term 1 has one leader: n1, not n2/);
});

Deno.test("runScript() notices logs that do not match", () => {
  const script = ["cluster nodes=3", "elect n1", "disk n2 term=1 log=1"];
  assert.match(failureOf(script), /n1 holds 1@1 noop, n2 holds 1@1 x=1@1/);
});

Deno.test("runScript() notices a leader that lacks what was committed", () => {
  const script = ["cluster nodes=3", "elect n1", "propose n1 a=1", "drop"];
  script.push("forge n2 n1 accepted term=1 matched=2", "drop n1", "crash n1");
  script.push("disconnected n2 n1", "disconnected n3 n1", "elect n2");
  assert.match(failureOf(script), /leader n2 of term 2 holds 2@1/);
});

Deno.test("runScript() notices nodes that commit different entries", () => {
  const script = ["cluster nodes=3"];
  script.push("forge n1 n2 append term=1 entries=1 commit=1");
  script.push("forge n1 n3 append term=2 entries=2 commit=1");
  assert.match(failureOf(script), /n3 commits 1@2 x=1@2, not 1@1 x=1@1/);
});

Deno.test("parseScript() separates commands from the transcript", () => {
  assert.deepEqual(parseScript("a\nb\n---\n> a\n"), { source: "a\nb", expected: "> a\n" });
  assert.deepEqual(parseScript("a\n"), { source: "a", expected: "" });
});

Deno.test("diffLines() shows what changed, and little else", () => {
  const numbers = Array.from({ length: 20 }, (_, at) => `${at}`);
  const actual = numbers.with(10, "ten").join("\n");
  const near = ["  …", "  6", "  7", "  8", "  9", "- 10", "+ ten", "  11", "  12", "  13", "  14"];
  assert.deepEqual(diffLines(numbers.join("\n"), actual).split("\n"), [...near.slice(1), "  …"]);
  assert.equal(diffLines("a\nb", "a\nb"), "");
});
