import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/mod.ts";
import { keyTarget } from "../../src/client/mod.ts";

const ROUTE = "/v1/storage/key/";

/** What a server reads out of a target: the raw rest of the path, or the parameter. */
function keyOf(target: string): Uint8Array {
  assert.ok(target.startsWith(ROUTE));
  const [path, parameters] = target.slice(ROUTE.length).split("?") as [string, string?];
  if (parameters !== undefined) {
    const base64 = new URLSearchParams(parameters).get("key64") as string;
    return Uint8Array.fromBase64(base64, { alphabet: "base64url" });
  }
  const bytes = path.match(/%[0-9A-F]{2}|[^%]/g) ?? [];
  return Uint8Array.from(
    bytes,
    (part) => part.length === 3 ? parseInt(part.slice(1), 16) : part.charCodeAt(0),
  );
}

/** What a URL parser, as in every `fetch`, makes of the target. */
function throughUrl(target: string): string {
  const url = new URL(`http://localhost:380${target}`);
  return url.pathname + url.search;
}

Deno.test("keyTarget() carries any bytes through a URL parser unchanged", () => {
  const dots = fc.array(fc.constantFrom(0x2e, 0x2f, 0x25, 0x32, 0x65), {
    minLength: 1,
    maxLength: 8,
  })
    .map((bytes) => Uint8Array.from(bytes));
  const key = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 64 }), dots);
  fc.assert(
    fc.property(key, (bytes) => {
      const target = keyTarget(bytes);
      assert.equal(throughUrl(target), target);
      assert.deepEqual(keyOf(target), bytes);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("keyTarget() gives different targets to different keys", () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 3 });
  fc.assert(fc.property(bytes, bytes, (a, b) => {
    return `${a}` === `${b}` || keyTarget(a) !== keyTarget(b);
  }));
});

const TARGETS: Record<string, string> = {
  "greeting": "greeting",
  "a/b": "a%2Fb",
  "a b?c#d": "a%20b%3Fc%23d",
  "ключ": "%D0%BA%D0%BB%D1%8E%D1%87",
  "..": "?key64=Li4",
  ".": "?key64=Lg",
  "...": "...",
  "%2e%2e": "%252e%252e",
  "../../etc/passwd": "..%2F..%2Fetc%2Fpasswd",
  "\\": "%5C",
  "\0": "%00",
};

for (const [key, target] of Object.entries(TARGETS)) {
  Deno.test(`keyTarget() of ${JSON.stringify(key)} is ${target}`, () => {
    assert.equal(keyTarget(utf8(key)), ROUTE + target);
  });
}
