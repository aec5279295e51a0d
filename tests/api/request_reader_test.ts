/**
 * The parser by itself: every limit, every ambiguity that is refused, and the two properties: the
 * cut of the input into reads does not matter, and no bytes make it throw.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { BodyMemory } from "../../src/api/http/body_memory.ts";
import { type RequestLimits, RequestReader } from "../../src/api/http/request_reader.ts";
import { latin1Bytes } from "./support.ts";

const LIMITS: RequestLimits = {
  targetBytesMax: 64,
  headerBytesMax: 200,
  headerFieldsMax: 5,
  bodyBytesMax: 100,
};

/** What the parser makes of `bytes`, cut before each offset of `cuts`. */
function parse(
  bytes: Uint8Array,
  cuts: readonly number[] = [],
  limits = LIMITS,
  memory = new BodyMemory(1e9),
): string[] {
  const reader = new RequestReader(limits, memory);
  const seen: string[] = [];
  const offsets = [...cuts, bytes.length].filter((cut) => cut <= bytes.length).sort((a, b) =>
    a - b
  );
  let at = 0;
  for (const cut of offsets) {
    while (at < cut && reader.error === null) {
      const space = reader.space();
      assert.ok(space.length > 0, "there is always room for a read");
      const piece = bytes.subarray(at, Math.min(cut, at + space.length));
      space.set(piece);
      reader.received(piece.length);
      at += piece.length;
      consume(reader, seen);
    }
  }
  reader.release();
  assert.equal(memory.heldBytes, 0);
  return seen;
}

function consume(reader: RequestReader, seen: string[]): void {
  for (;;) {
    const event = reader.next();
    if (event === "more") return;
    if (event === "error") return void seen.push(`error ${reader.error?.code}`);
    if (event === "head") {
      reader.acceptBody();
      continue;
    }
    const target = String.fromCharCode(...reader.target);
    const body = String.fromCharCode(...reader.body);
    const { method, minorVersion, keepAlive } = reader;
    const tag = reader.header("x-tag");
    seen.push(`${method} ${target} 1.${minorVersion} ${keepAlive} ${tag} [${body}]`);
    reader.finish();
  }
}

function parseText(text: string, limits = LIMITS): string[] {
  return parse(latin1Bytes(text), [], limits);
}

function codeOf(text: string, limits = LIMITS): string {
  return parseText(text, limits).at(-1) ?? "more";
}

const get = (rest: string) => `GET /a HTTP/1.1\r\nHost: h\r\n${rest}\r\n`;
const post = (headers: string, body: string) =>
  `POST /a HTTP/1.1\r\nHost: h\r\n${headers}\r\n\r\n${body}`;

Deno.test("RequestReader reads pipelined requests of every kind", () => {
  const text = get("") + post("Content-Length: 5\r\nX-Tag: one", "hello") +
    post("Transfer-Encoding: Chunked", "3\r\nabc\r\n0000a\r\n0123456789\r\n0\r\nT: x\r\n\r\n") +
    "\r\nHEAD http://h:1/b?c=d HTTP/1.1\r\nhOST:\th \r\nconnection: Close\r\n\r\n" +
    "OPTIONS * HTTP/1.0\r\n\r\n" + "PATCH /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" +
    "GET https://h HTTP/1.1\r\nHost:\r\n\r\n" + "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n";
  assert.deepEqual(parseText(text), [
    "GET /a 1.1 true null []",
    "POST /a 1.1 true one [hello]",
    "POST /a 1.1 true null [abc0123456789]",
    "HEAD /b?c=d 1.1 false null []",
    "OPTIONS * 1.0 false null []",
    "PATCH /x 1.0 true null []",
    "GET / 1.1 true null []",
    "CONNECT h:443 1.1 true null []",
  ]);
});

Deno.test("RequestReader.header() ignores case, joins repetitions, trims blanks", () => {
  assert.deepEqual(parseText(get("X-TAG: \t one \t\r\nx-tag:two\r\n")), [
    "GET /a 1.1 true one, two []",
  ]);
  assert.deepEqual(parseText(get("X-Tag:\r\n")), ["GET /a 1.1 true  []"]);
});

/** Requests with two readings, and what is no request at all. */
const MALFORMED: Record<string, string> = {
  "Content-Length and chunked": post(
    "Content-Length: 3\r\nTransfer-Encoding: chunked",
    "0\r\n\r\n",
  ),
  "chunked and Content-Length": post(
    "Transfer-Encoding: chunked\r\nContent-Length: 3",
    "0\r\n\r\n",
  ),
  "two Content-Lengths": post("Content-Length: 3\r\nContent-Length: 4", "abcd"),
  "two equal Content-Lengths": post("Content-Length: 3\r\nContent-Length: 3", "abc"),
  "a list as Content-Length": post("Content-Length: 3, 3", "abc"),
  "negative Content-Length": post("Content-Length: -1", ""),
  "signed Content-Length": post("Content-Length: +3", "abc"),
  "hexadecimal Content-Length": post("Content-Length: 0x3", "abc"),
  "empty Content-Length": post("Content-Length:", ""),
  "blank inside Content-Length": post("Content-Length: 1 0", "abc"),
  "endless Content-Length": post("Content-Length: 9999999999999999", "abc"),
  "Transfer-Encoding gzip": post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"),
  "Transfer-Encoding identity": post("Transfer-Encoding: identity", "abc"),
  "Transfer-Encoding xchunked": post("Transfer-Encoding: xchunked", "0\r\n\r\n"),
  "Transfer-Encoding chunked twice": post("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"),
  "two Transfer-Encodings": post(
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "0\r\n\r\n",
  ),
  "Transfer-Encoding with vertical tab": post("Transfer-Encoding: \x0bchunked", "0\r\n\r\n"),
  "Transfer-Encoding in HTTP/1.0":
    "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "space before the colon": get("Transfer-Encoding : chunked\r\n"),
  "tab before the colon": get("X\t: y\r\n"),
  "line folding": get("X: y\r\n z\r\n"),
  "line folding by tab": get("X: y\r\n\tz\r\n"),
  "folded first header": "GET /a HTTP/1.1\r\n Host: h\r\n\r\n",
  "bare LF after the request line": "GET /a HTTP/1.1\nHost: h\r\n\r\n",
  "bare LF after a header": "GET /a HTTP/1.1\r\nHost: h\n\r\n",
  "bare LF as the end": "GET /a HTTP/1.1\r\nHost: h\r\n\n",
  "bare CR in a header": get("X: a\rb\r\n"),
  "NUL in a value": get("X: a\0b\r\n"),
  "DEL in a value": get("X: a\x7fb\r\n"),
  "ESC in a value": get("X: \x1b[2J\r\n"),
  "NUL in a name": get("X\0: a\r\n"),
  "non-ASCII in a name": get("X\xe9: a\r\n"),
  "empty name": get(": a\r\n"),
  "no colon": get("Xyz\r\n"),
  "no Host": "GET /a HTTP/1.1\r\n\r\n",
  "two Hosts": get("Host: h\r\n"),
  "two Hosts in HTTP/1.0": "GET /a HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
  "Host with a blank": "GET /a HTTP/1.1\r\nHost: a b\r\n\r\n",
  "Host with user": "GET /a HTTP/1.1\r\nHost: u@h\r\n\r\n",
  "Host with path": "GET /a HTTP/1.1\r\nHost: h/x\r\n\r\n",
  "two spaces in the request line": "GET  /a HTTP/1.1\r\nHost: h\r\n\r\n",
  "tab in the request line": "GET\t/a HTTP/1.1\r\nHost: h\r\n\r\n",
  "blank in the target": "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
  "HTTP/0.9": "GET /a\r\n\r\n",
  "no HTTP at all": "\x16\x03\x01\x02\x00\x01",
  "blank before the method": " GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
  "blank after the version": "GET /a HTTP/1.1 \r\nHost: h\r\n\r\n",
  "lower-case version": "GET /a http/1.1\r\nHost: h\r\n\r\n",
  "method with a colon": "GE:T /a HTTP/1.1\r\nHost: h\r\n\r\n",
  "endless method": "ABCDEFGHIJKLMNOPQ /a HTTP/1.1\r\nHost: h\r\n\r\n",
  "two empty lines first": "\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n",
  "chunk extension": post("Transfer-Encoding: chunked", "3;x=y\r\nabc\r\n0\r\n\r\n"),
  "chunk size with blank": post("Transfer-Encoding: chunked", "3 \r\nabc\r\n0\r\n\r\n"),
  "chunk size in 0x": post("Transfer-Encoding: chunked", "0x3\r\nabc\r\n0\r\n\r\n"),
  "negative chunk size": post("Transfer-Encoding: chunked", "-3\r\nabc\r\n0\r\n\r\n"),
  "endless chunk size": post("Transfer-Encoding: chunked", "000000003\r\nabc\r\n0\r\n\r\n"),
  "empty chunk size": post("Transfer-Encoding: chunked", "\r\nabc\r\n0\r\n\r\n"),
  "chunk size ended by LF": post("Transfer-Encoding: chunked", "3\nabc\r\n0\r\n\r\n"),
  "chunk longer than its size": post("Transfer-Encoding: chunked", "3\r\nabcd\r\n0\r\n\r\n"),
  "chunk ended by LF": post("Transfer-Encoding: chunked", "3\r\nabc\n0\r\n\r\n"),
  "trailer with a control byte": post("Transfer-Encoding: chunked", "0\r\nT: \0\r\n\r\n"),
  "trailer ended by LF": post("Transfer-Encoding: chunked", "0\r\nT: x\n\r\n"),
};

for (const [name, text] of Object.entries(MALFORMED)) {
  Deno.test(`RequestReader refuses: ${name}`, () => {
    const events = parseText(`${text}GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n`);
    assert.deepEqual(events, ["error malformedRequest"]);
  });
}

Deno.test("RequestReader names other refusals by their own code", () => {
  const line = (target: string) => `GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`;
  for (
    const target of [
      "a",
      "*",
      "/a#b",
      "/\xe4",
      "ftp://h/a",
      "http://",
      "http:///a",
      "http://u@h/a",
      "h:443",
      "http:/a",
      "http://h?x",
    ]
  ) {
    assert.equal(codeOf(line(target)), "error badTarget", target);
  }
  assert.equal(codeOf("GET /a HTTP/2.0\r\n\r\n"), "error versionUnsupported");
  assert.equal(codeOf("GET /a HTTP/1.2\r\n\r\n"), "error versionUnsupported");
  assert.equal(codeOf(get("Expect: 200-ok\r\n")), "error expectationFailed");
});

Deno.test("RequestReader holds to every limit at one less, at it, and at one more", () => {
  const ok = "GET /";
  const target = (bytes: number) => `GET /${"a".repeat(bytes - 1)} HTTP/1.1\r\nHost: h\r\n\r\n`;
  assert.ok(codeOf(target(63)).startsWith(ok));
  assert.ok(codeOf(target(64)).startsWith(ok));
  assert.equal(codeOf(target(65)), "error targetTooLong");
  assert.equal(codeOf(`GET /${"a".repeat(1000)}`), "error targetTooLong");

  const section = (bytes: number) =>
    get(`X: ${"y".repeat(bytes - "Host: h\r\nX: \r\n\r\n".length)}\r\n`);
  assert.ok(codeOf(section(199)).startsWith(ok));
  assert.ok(codeOf(section(200)).startsWith(ok));
  assert.equal(codeOf(section(201)), "error headersTooLarge");
  assert.equal(codeOf(section(202)), "error headersTooLarge");
  assert.equal(codeOf(section(203)), "error headersTooLarge");

  const fields = (count: number) => get("X: y\r\n".repeat(count - 1));
  assert.ok(codeOf(fields(4)).startsWith(ok));
  assert.ok(codeOf(fields(5)).startsWith(ok));
  assert.equal(codeOf(fields(6)), "error headersTooLarge");

  const body = (bytes: number) => post(`Content-Length: ${bytes}`, "x".repeat(bytes));
  assert.ok(codeOf(body(99)).startsWith("POST"));
  assert.ok(codeOf(body(100)).startsWith("POST"));
  assert.equal(codeOf(body(101)), "error valueTooLarge");
  assert.equal(codeOf(post("Content-Length: 101", "")), "error valueTooLarge", "before reading");

  const chunks = (bytes: number) =>
    post("Transfer-Encoding: chunked", `${"1\r\nx\r\n".repeat(bytes)}0\r\n\r\n`);
  assert.ok(codeOf(chunks(99)).startsWith("POST"));
  assert.ok(codeOf(chunks(100)).startsWith("POST"));
  assert.equal(codeOf(chunks(101)), "error valueTooLarge");
  const huge = post("Transfer-Encoding: chunked", `ffffffff\r\n${"x".repeat(101)}`);
  assert.equal(codeOf(huge), "error valueTooLarge", "counted while read");

  const trailer = (bytes: number) =>
    post("Transfer-Encoding: chunked", `0\r\nT: ${"x".repeat(bytes - 3)}\r\n\r\n`);
  assert.ok(codeOf(trailer(196)).startsWith("POST"));
  assert.equal(codeOf(trailer(400)), "error headersTooLarge");
});

Deno.test("RequestReader takes memory for what came, and refuses when there is none left", () => {
  const memory = new BodyMemory(150);
  const reader = () => new RequestReader(LIMITS, memory);
  const begin = (body: string): [RequestReader, string] => {
    const made = reader();
    const head = latin1Bytes(post("Content-Length: 100", ""));
    made.space().set(head);
    made.received(head.length);
    assert.equal(made.next(), "head");
    made.acceptBody();
    const event = made.next();
    if (body === "") return [made, event];
    made.space().set(latin1Bytes(body));
    made.received(body.length);
    return [made, made.next()];
  };
  const [idle, idleEvent] = begin("");
  assert.equal(idleEvent, "more");
  assert.equal(memory.heldBytes, 0, "an announced body costs nothing");
  const [first, firstEvent] = begin("x".repeat(100));
  assert.equal(firstEvent, "request");
  assert.equal(memory.heldBytes, 100);
  const [second, secondEvent] = begin("x");
  assert.equal(secondEvent, "error");
  assert.equal(second.error?.code, "memoryLimit");
  first.finish();
  assert.equal(memory.heldBytes, 100, "held until the request is answered");
  for (const one of [first, second, idle]) one.release();
  assert.equal(memory.heldBytes, 0);
  assert.equal(begin("x")[1], "more");
});

Deno.test("RequestReader leaves a body where it is when it came along with its head", () => {
  const memory = new BodyMemory(0);
  const reader = new RequestReader(LIMITS, memory);
  const bytes = latin1Bytes(post("Content-Length: 3", "abc") + "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  reader.space().set(bytes);
  reader.received(bytes.length);
  assert.equal(reader.next(), "head");
  reader.acceptBody();
  assert.equal(reader.next(), "request");
  const { body } = reader;
  assert.deepEqual(body, latin1Bytes("abc"));
  reader.finish();
  assert.equal(reader.next(), "request", "what follows is the next request");
  assert.equal(reader.method, "GET");
  assert.deepEqual(body, latin1Bytes("abc"), "untouched while nothing more is read");
});

Deno.test("RequestReader reads large bodies straight into their place", () => {
  const limits = { ...LIMITS, bodyBytesMax: 1 << 20 };
  const body = Uint8Array.from({ length: 300_000 }, (_, i) => i * 7);
  const head = latin1Bytes(post(`Content-Length: ${body.length}`, ""));
  const reader = new RequestReader(limits, new BodyMemory(1 << 20));
  const stream = new Uint8Array([...head, ...body]);
  let at = 0;
  for (let event = reader.next(); event !== "request"; event = reader.next()) {
    if (event === "head") reader.acceptBody();
    if (event !== "more") continue;
    const space = reader.space();
    const piece = stream.subarray(at, at + space.length);
    space.set(piece);
    reader.received(piece.length);
    at += piece.length;
  }
  assert.deepEqual(reader.body, body);
  assert.equal(reader.body.buffer.byteLength, body.length, "no more memory than it needs");
});

const fragments = fc.constantFrom(
  "GET ",
  "PUT ",
  "/a",
  "/v1/storage/key/%00",
  " HTTP/1.1",
  " HTTP/1.0",
  "\r\n",
  "\r\n\r\n",
  "\r",
  "\n",
  "Host: h",
  "Content-Length: 5",
  "Transfer-Encoding: chunked",
  "Connection: close",
  "Expect: 100-continue",
  ": ",
  " ",
  "5\r\nhello\r\n0\r\n\r\n",
  "hello",
  "0\r\n\r\n",
  get(""),
  post("Content-Length: 5", "hello"),
  post("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\nT: x\r\n\r\n"),
);
const requests = fc.array(
  fc.constantFrom(
    get(""),
    get("X-Tag: v\r\n"),
    `\r\n${get("")}`,
    post("Content-Length: 5", "hello"),
    post("Content-Length: 0", ""),
    post("Transfer-Encoding: chunked", "2\r\nhe\r\n3\r\nllo\r\n0\r\nT: x\r\n\r\n"),
    post("Content-Length: 90", "y".repeat(90)),
    ...Object.values(MALFORMED),
  ),
  { maxLength: 6 },
).map((parts) => latin1Bytes(parts.join("")));
const garbage = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc.array(fragments, { maxLength: 20 }).map((parts) => latin1Bytes(parts.join(""))),
);
const mutated = fc.tuple(
  requests,
  fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 4 }),
).map(([bytes, changes]) => {
  for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
  return bytes;
});
const input = fc.oneof(requests, garbage, mutated);

Deno.test("RequestReader gives the same for any cut of the input", () => {
  const cuts = fc.array(fc.nat(600), { maxLength: 12 });
  fc.assert(
    fc.property(input, cuts, (bytes, cut) => {
      assert.deepEqual(parse(bytes, cut), parse(bytes));
    }),
    { numRuns: 3000 },
  );
});

Deno.test("RequestReader gives the same for one byte at a time", () => {
  fc.assert(
    fc.property(input, (bytes) => {
      assert.deepEqual(parse(bytes, Array.from(bytes, (_, at) => at)), parse(bytes));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("RequestReader never throws, whatever the bytes", () => {
  const tight = { targetBytesMax: 8, headerBytesMax: 16, headerFieldsMax: 1, bodyBytesMax: 4 };
  fc.assert(
    fc.property(input, fc.boolean(), (bytes, narrow) => {
      const limits = narrow ? tight : LIMITS;
      assert.deepEqual(parse(bytes, [7, 50, 51], limits), parse(bytes, [], limits));
    }),
    { numRuns: 3000 },
  );
});
