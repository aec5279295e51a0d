import assert from "node:assert/strict";
import { type ErrorCode, type ErrorRow, errorTable, explain } from "../../src/service/mod.ts";
import { golden } from "../support/golden.ts";

const codes = Object.keys(errorTable) as ErrorCode[];
/** What the replica reports; everything else is decided before a write leaves. */
const FAILURES = ["noLeader", "overloaded", "timeout", "leaderChanged", "diskFull", "stopping"];

Deno.test("explain() gives every error the status, retryability and advice of its row", () => {
  const lines = codes.flatMap((code) => {
    const effects = FAILURES.includes(code) || code === "internal" ? ["none", "unknown"] : ["none"];
    return effects.map((effect) => {
      const row = explain({ code, effect: effect as "none" | "unknown", detail: "" });
      const retry = row.retryable ? `retryable after ${row.retryAfterSeconds ?? 0} s` : "final";
      return `${code} (${effect}): ${row.status}, ${retry}\n  ${row.title}. ${row.next}\n`;
    });
  });
  golden(import.meta.url, "errors.txt", lines.join(""));
});

Deno.test("explain() says 504 for an unknown effect, and never that it can be retried", () => {
  for (const code of FAILURES as ErrorCode[]) {
    const unknown = explain({ code, effect: "unknown", detail: "" });
    assert.equal(unknown.status, 504, code);
    assert.equal(unknown.retryable, false, code);
    assert.equal(unknown.retryAfterSeconds, undefined, code);
    const none = explain({ code, effect: "none", detail: "" });
    assert.notEqual(none.status, 504, code);
    assert.equal(none.retryable, true, code);
    assert.ok(none.retryAfterSeconds, code);
  }
});

Deno.test("errorTable has a title and an advice for every code", () => {
  for (const code of codes) {
    const row: ErrorRow = errorTable[code];
    assert.match(row.title, /^[A-Z].*[^.]$/, code);
    assert.match(row.next, /^[A-Z].*\.$/, code);
    assert.ok(row.status >= 400 && row.status < 600, code);
  }
});
