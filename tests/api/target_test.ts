/** Keys and parameters: the table of `src/api/http/target.ts`, and that it loses nothing. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  isKeyTarget,
  KEY_PREFIX,
  parseKeyTarget,
  parseQuery,
  quote,
  splitTarget,
} from "../../src/api/http/target.ts";
import { hex, type Result } from "../../src/base/mod.ts";
import { keyTarget } from "../../src/client/mod.ts";
import type { ServiceError } from "../../src/service/mod.ts";
import { latin1Bytes } from "./support.ts";

/** The key in hexadecimal, or the error. */
function keyOf(rest: string, known: readonly string[] = []): string {
  const target = latin1Bytes(KEY_PREFIX + rest);
  assert.ok(isKeyTarget(target));
  return show(parseKeyTarget(target, known), ({ key }) => hex(key));
}

function show<T>(result: Result<T, ServiceError>, value: (ok: T) => string): string {
  return result.ok ? value(result.value) : result.error.code;
}

Deno.test("parseKeyTarget() follows its table", () => {
  const table: Record<string, string> = {
    "a": "61",
    "%61": "61",
    "a/b": "612f62",
    "a%2Fb": "612f62",
    "a%2fb": "612f62",
    "a//b": "612f2f62",
    "/": "2f",
    "//": "2f2f",
    ".": "2e",
    "..": "2e2e",
    "%2e%2E": "2e2e",
    "../../etc/passwd": "2e2e2f2e2e2f6574632f706173737764",
    "a/../b": "612f2e2e2f62",
    "a+b": "612b62",
    "a%20b": "612062",
    "%00": "00",
    "%ff": "ff",
    "%FF%fe": "fffe",
    "%c0%af": "c0af",
    "%ed%a0%80": "eda080",
    "%25": "25",
    "%2541": "253431",
    "\\": "5c",
    "{key}": "7b6b65797d",
    "A": "41",
    "a%3Fb": "613f62",
    "a%23b": "612362",
    "a&b=c;d,e:f@g!$'()*|^`\"<>[]~": "61",
    "": "",
    "a?": "61",
    "%": "badTarget",
    "%4": "badTarget",
    "a%": "badTarget",
    "a%4": "badTarget",
    "%zz": "badTarget",
    "%4g": "badTarget",
    "%%41": "badTarget",
    "%-1": "badTarget",
    "%u0041": "badTarget",
    "%4?1": "badTarget",
    "a?b": "parameterUnknown",
    "a?b=%zz": "badTarget",
    "a?b=%ff": "badTarget",
    "?key64=Li4": "2e2e",
    "?key64=_-8": "ffef",
    "?key64=": "",
    "a?key64=Li4": "parameterInvalid",
    "a?key64=": "parameterInvalid",
    "?key64=Li4=": "parameterInvalid",
    "?key64=Li5": "parameterInvalid",
    "?key64=L": "parameterInvalid",
    "?key64=/+8": "parameterInvalid",
    "?key64=L%20i4": "parameterInvalid",
    "?key64=.": "parameterInvalid",
    "?key64=Li4&key64=Li4": "parameterInvalid",
  };
  for (const [rest, key] of Object.entries(table)) {
    const wanted = rest.startsWith("a&b") ? hex(latin1Bytes(rest)) : key;
    assert.equal(keyOf(rest), wanted, rest);
  }
});

Deno.test("parseKeyTarget() gives a key of its own, not a view", () => {
  const target = latin1Bytes(`${KEY_PREFIX}abc`);
  const parsed = parseKeyTarget(target, []);
  target.fill(0);
  assert.equal(show(parsed, ({ key }) => hex(key)), "616263");
});

const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 });

Deno.test("parseKeyTarget() undoes every way to encode a key", () => {
  fc.assert(
    fc.property(bytes, fc.infiniteStream(fc.boolean()), (key, choices) => {
      let rest = "";
      for (const byte of key) {
        const raw = byte > 0x20 && byte < 0x7f && !"%?#".includes(String.fromCharCode(byte));
        if (raw && choices.next().value) rest += String.fromCharCode(byte);
        else {
          const digits = byte.toString(16).padStart(2, "0");
          rest += `%${choices.next().value ? digits : digits.toUpperCase()}`;
        }
      }
      assert.equal(keyOf(rest), hex(key));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("parseKeyTarget() undoes what KevaClient writes", () => {
  const dots = fc.array(fc.constantFrom(0x2e, 0x2f), { minLength: 1, maxLength: 4 })
    .map((parts) => Uint8Array.from(parts));
  fc.assert(
    fc.property(fc.oneof(bytes, dots), (key) => {
      const parsed = parseKeyTarget(latin1Bytes(keyTarget(key)), []);
      assert.equal(show(parsed, (ok) => hex(ok.key)), hex(key));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("parseKeyTarget() never throws", () => {
  const visible = fc.uint8Array({ maxLength: 60, min: 0x21, max: 0x7e })
    .map((rest) => Uint8Array.of(...latin1Bytes(KEY_PREFIX), ...rest));
  fc.assert(fc.property(visible, (target) => void parseKeyTarget(target, ["a"])), {
    numRuns: 3000,
  });
});

Deno.test("isKeyTarget() wants the whole prefix, byte for byte", () => {
  for (
    const text of ["/v1/storage/key", "/v1/storage/keys/", "/V1/storage/key/a", "//v1/storage"]
  ) {
    assert.equal(isKeyTarget(latin1Bytes(text)), false, text);
  }
});

Deno.test("parseQuery() takes each known parameter once and names the others", () => {
  const known = ["a", "b"];
  const parse = (text: string) =>
    show(parseQuery(text, known), (map) => JSON.stringify([...map.entries()]));
  assert.equal(parse(""), "[]");
  assert.equal(parse("&&"), "[]");
  assert.equal(parse("a=1&b=x%20y"), '[["a","1"],["b","x y"]]');
  assert.equal(parse("a"), '[["a",""]]');
  assert.equal(parse("a=b=c"), '[["a","b=c"]]');
  assert.equal(parse("a=1+1"), '[["a","1+1"]]');
  assert.equal(parse("%61=1"), '[["a","1"]]');
  assert.equal(parse("a=1&a=1"), "parameterInvalid");
  assert.equal(parse("a=1&%61=2"), "parameterInvalid");
  assert.equal(parse("A=1"), "parameterUnknown");
  assert.equal(parse("__proto__=1"), "parameterUnknown");
  assert.equal(parse("a=%"), "badTarget");
  const unknown = parseQuery("x=1&a=2&y%0a", known);
  const detail = unknown.ok ? "" : unknown.error.detail;
  assert.equal(detail, 'Unknown: "x", "y\\u{a}". Known here: a, b.');
});

Deno.test("splitTarget() takes the path literally", () => {
  assert.deepEqual(splitTarget(latin1Bytes("/a/../b?c?d")), { path: "/a/../b", query: "c?d" });
  assert.deepEqual(splitTarget(latin1Bytes("/a")), { path: "/a", query: "" });
});

Deno.test("quote() shortens and defuses what the caller sent", () => {
  assert.equal(quote("a\r\n\x1b[2J\u202e"), '"a\\u{d}\\u{a}\\u{1b}[2J\\u{202e}"');
  assert.equal(quote("x".repeat(41)), `"${"x".repeat(40)}…"`);
});
