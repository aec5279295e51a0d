/** What a leader answers to a forwarded command, through its bytes. */

import assert from "node:assert/strict";
import { ok } from "../../src/base/mod.ts";
import { decodeReply, encodeReplies, type Reply } from "../../src/node/reply.ts";

const CODES = ["noLeader", "overloaded", "timeout", "leaderChanged", "diskFull", "stopping"];

Deno.test("decodeReply() gives back every failure, each code with either effect", () => {
  for (const code of CODES) {
    for (const effect of ["none", "unknown"]) {
      for (const leader of ["n1", null]) {
        const error = { code, effect, reason: "why", leader };
        const reply = { ok: false, error } as Reply;
        assert.deepEqual(decodeReply(bytesOf(reply)), ok(reply), `${code} ${effect}`);
      }
    }
  }
});

Deno.test("decodeReply() gives back outcomes and the word that somebody else leads", () => {
  const replies: Reply[] = [
    "notLeader",
    ok({ kind: "applied", revision: 2 ** 40, existed: [true, false] }),
    ok({ kind: "checkFailed", check: 3, revision: 0 }),
  ];
  const bytes = encodeReplies(replies);
  assert.deepEqual(bytes.map(decodeReply), replies.map((reply) => ok(reply)));
});

Deno.test("decodeReply() refuses what is no reply", () => {
  const unknownCode = bytesOf(
    { ok: false, error: { code: "nonsense", effect: "none", reason: "", leader: null } } as never,
  );
  for (const bytes of [new Uint8Array(0), Uint8Array.of(3), Uint8Array.of(0), unknownCode]) {
    assert.equal(decodeReply(bytes).ok, false);
  }
});

function bytesOf(reply: Reply): Uint8Array {
  return encodeReplies([reply])[0] as Uint8Array;
}
