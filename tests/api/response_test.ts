/** The way out: framing, and that nothing stored can end a header line. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { entityTag, namesRevision, writeConditions } from "../../src/api/http/conditions.ts";
import type { Request } from "../../src/api/http/request.ts";
import { problemResponse, type Response, textResponse } from "../../src/api/http/response.ts";
import { type Framing, ResponseWriter } from "../../src/api/http/response_writer.ts";
import { type ErrorCode, type ErrorRow, errorTable } from "../../src/service/mod.ts";

const PLAIN: Framing = { headOnly: false, connection: null };

function written(response: Response, framing: Framing = PLAIN): string {
  const writer = new ResponseWriter();
  writer.write(response, framing);
  return String.fromCharCode(...writer.take());
}

Deno.test("ResponseWriter.write() frames a body, and hides it from HEAD", () => {
  const head = "HTTP/1.1 200 OK\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n" +
    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n";
  assert.equal(written(textResponse(200, "ok")), `${head}\r\nok\n`);
  assert.equal(
    written(textResponse(200, "ok"), { headOnly: true, connection: "close" }),
    `${head}Connection: close\r\n\r\n`,
  );
  assert.equal(
    written(textResponse(200, "ok"), { headOnly: false, connection: "keep-alive" }),
    `${head}Connection: keep-alive\r\n\r\nok\n`,
  );
});

Deno.test("ResponseWriter.write() gives 204 and 304 neither length nor body", () => {
  for (const status of [204, 304]) {
    const text = written({ status, headers: {}, body: null });
    assert.ok(text.endsWith("no-store\r\n\r\n"), text);
    assert.doesNotMatch(text, /Content-Length/);
  }
});

Deno.test("ResponseWriter.take() starts anew, and large batches fit", () => {
  const writer = new ResponseWriter();
  const body = new Uint8Array(100_000).fill(7);
  for (let round = 0; round < 3; round++) {
    writer.write({ status: 200, headers: {}, body }, PLAIN);
    writer.write({ status: 204, headers: {}, body: null }, PLAIN);
    const bytes = writer.take();
    assert.ok(bytes.length > 100_000 && bytes.length < 101_000);
    assert.equal(writer.length, 0);
  }
});

Deno.test("ResponseWriter.write() lets no header value end its line", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 50 }), (value) => {
      const text = written({ status: 200, headers: { "Content-Type": value }, body: "x" });
      const lines = text.split("\r\n");
      assert.equal(lines.length, 7, "status line, four headers, the empty line, the body");
      assert.match(lines[3] as string, /^Content-Type: [\x20-\x7e]*$/);
      assert.doesNotMatch(text.replaceAll("\r\n", ""), /[\r\n]/);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("problemResponse() is ASCII JSON whatever the detail", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 50 }), (detail) => {
      const { body } = problemResponse({ code: "noLeader", effect: "none", detail });
      assert.match(body as string, /^[\x20-\x7e]*\n$/);
      assert.equal(JSON.parse(body as string).detail, detail);
    }),
  );
});

Deno.test("problemResponse() can be written for every error code", () => {
  for (const code of Object.keys(errorTable) as ErrorCode[]) {
    for (const effect of ["none", "unknown"] as const) {
      const response = problemResponse({ code, effect, detail: "d", leader: "n2", revision: 4 });
      const text = written(response);
      assert.ok(text.startsWith(`HTTP/1.1 ${response.status} `), code);
      const problem = JSON.parse(text.split("\r\n\r\n")[1] as string);
      assert.equal(problem.code, code);
      assert.equal(problem.effect, effect);
      assert.equal(problem.leader, "n2");
      assert.equal(problem.revision, 4);
      const row: ErrorRow = errorTable[code];
      const waits = effect === "none" ? row.retryAfterSeconds : undefined;
      assert.equal(response.headers["Retry-After"], waits?.toString(), code);
    }
  }
});

function withHeaders(headers: Record<string, string>): Request {
  return {
    method: "PUT",
    target: new Uint8Array(),
    body: new Uint8Array(),
    header: (name) => headers[name] ?? null,
  };
}

Deno.test("writeConditions() takes one revision or *, and refuses what it cannot check", () => {
  const conditions = (headers: Record<string, string>) => {
    const parsed = writeConditions(withHeaders(headers));
    return parsed.ok ? parsed.value : parsed.error.code;
  };
  assert.equal(conditions({}), undefined);
  assert.deepEqual(conditions({ "if-match": '"42"' }), { revision: 42 });
  assert.deepEqual(conditions({ "if-match": "*" }), { exists: true });
  assert.deepEqual(conditions({ "if-none-match": "*" }), { exists: false });
  const longest = "9".repeat(15);
  assert.deepEqual(conditions({ "if-match": `"${longest}"` }), { revision: 999_999_999_999_999 });
  const bad = [
    "",
    "42",
    '"0"',
    '"042"',
    '"-1"',
    '"1.0"',
    'W/"42"',
    '"1", "2"',
    '"a"',
    `"${longest}9"`,
  ];
  for (const value of bad) {
    assert.equal(conditions({ "if-match": value }), "conditionInvalid", value);
  }
  assert.equal(conditions({ "if-none-match": '"42"' }), "conditionInvalid");
  assert.equal(conditions({ "if-match": "*", "if-none-match": "*" }), "conditionInvalid");
});

Deno.test("namesRevision() compares lists, weakly where that is allowed", () => {
  assert.equal(entityTag(7), '"7"');
  assert.ok(namesRevision('"7"', 7, false));
  assert.ok(namesRevision("*", 7, false));
  assert.ok(namesRevision('"1" , "7"', 7, false));
  assert.ok(namesRevision('W/"7"', 7, true));
  assert.equal(namesRevision('W/"7"', 7, false), false);
  for (const list of ["", "7", '"77"', '"8"', 'w/"7"', '"7']) {
    assert.equal(namesRevision(list, 7, true), false, list);
  }
});
