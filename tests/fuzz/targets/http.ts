/** What HTTP clients send: requests, and the targets in them. */

import { bytesEqual, hex } from "../../../src/base/mod.ts";
import { BodyMemory } from "../../../src/api/http/body_memory.ts";
import { type RequestLimits, RequestReader } from "../../../src/api/http/request_reader.ts";
import {
  isKeyTarget,
  KEY_PREFIX,
  parseKeyTarget,
  parseQuery,
  splitTarget,
} from "../../../src/api/http/target.ts";
import { keyTarget } from "../../../src/client/key_target.ts";
import { latin1Bytes } from "../corpus.ts";
import { joined } from "../mutate.ts";
import type { Target } from "../target.ts";
import { expect, expectPrintable, expectSame } from "./check.ts";

const LIMITS: RequestLimits = {
  targetBytesMax: 300,
  headerBytesMax: 1_000,
  headerFieldsMax: 12,
  bodyBytesMax: 2_000,
};
const PARAMETERS = ["timeout", "consistency", "missing"];
const HEADERS = ["x-tag", "host", "content-length", "if-match"];
/** A small body gets its memory at once, and growth doubles. */
const BODY_BYTES_FIRST = 64 * 1024;

type Seen = {
  readonly requests: string[];
  readonly targets: Uint8Array[];
  readonly error: string | undefined;
};

export const requests: Target = {
  name: "http-requests",
  smokeCases: 15_000,
  seeds: () =>
    [
      "GET /v1/storage/key/a HTTP/1.1\r\nHost: h\r\n\r\n",
      "PUT /v1/storage/key/a?timeout=1 HTTP/1.1\r\nHost: h:1\r\nContent-Length: 5\r\n\r\nhello",
      "POST http://h/v1/storage/key/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n" +
      'Expect: 100-continue\r\nIf-Match: "4"\r\n\r\n3\r\nabc\r\n0a\r\n0123456789\r\n0\r\nT: x\r\n\r\n',
      "\r\nGET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nDELETE /v1/storage/key/%00 HTTP/1.1\r\n" +
      "Host: h\r\nX-Tag: \t one \r\nX-Tag: two\r\nConnection: close\r\n\r\n",
    ].map(latin1Bytes),
  tokens: [
    "\r\n",
    "\r\n\r\n",
    "\n",
    " ",
    "\t",
    ":",
    "HTTP/1.1",
    "HTTP/1.0",
    "GET ",
    "PUT ",
    "OPTIONS * ",
    "CONNECT h:1 ",
    "Host: h\r\n",
    "Content-Length: 3\r\n",
    "Content-Length: 99999999999999999999\r\n",
    "Transfer-Encoding: chunked\r\n",
    "transfer-encoding: gzip, chunked\r\n",
    "Connection: close, keep-alive\r\n",
    "Expect: 100-continue\r\n",
    "FFFFFFFF\r\n",
    "0\r\n\r\n",
    "%2e%2e",
    "#",
    "@",
  ],
  run(input) {
    const whole = readRequests(input, input.length);
    const step = 1 + input.length % 41;
    const pieces = readRequests(input, step);
    const same = whole.requests.join("\n") === pieces.requests.join("\n") &&
      whole.error === pieces.error;
    expect(same, () => `at once: ${JSON.stringify(whole)}; by ${step}: ${JSON.stringify(pieces)}`);
    for (const target of whole.targets) judgeTarget(target);
    return `${whole.requests.length} ${whole.error}`;
  },
};

/** What follows the prefix of keys. */
export const targets: Target = {
  name: "http-targets",
  smokeCases: 20_000,
  seeds: () =>
    [
      "a",
      "a/b%2Fc//..?consistency=stale&timeout=1.5",
      "%00%ff%2e%2E",
      "?key64=Li4",
      "?missing=404&timeout=5",
    ].map(latin1Bytes),
  tokens: ["%", "%2", "%2F", "%00", "%zz", "?", "&", "=", "key64=", "Lg", "-_", "..", "/", "+"],
  run(input) {
    const key = parseKeyTarget(latin1Bytes(keyTarget(input)), []);
    expect(key.ok && bytesEqual(key.value.key, input), () => `key ${hex(input)} does not return`);
    return judgeTarget(joined(latin1Bytes(KEY_PREFIX), input));
  },
};

function judgeTarget(target: Uint8Array): string {
  if (!isKeyTarget(target)) {
    const parsed = parseQuery(splitTarget(target).query, PARAMETERS);
    if (!parsed.ok) expectPrintable(parsed.error.detail, "the detail");
    return parsed.ok ? `${parsed.value.size} parameters` : parsed.error.code;
  }
  const parsed = parseKeyTarget(target, PARAMETERS);
  if (!parsed.ok) {
    expectPrintable(parsed.error.detail, "the detail");
    return `${parsed.error.code} ${parsed.error.detail.split('"')[0]}`;
  }
  const { key, parameters } = parsed.value;
  expect(key.length <= target.length, () => `a key of ${key.length} bytes`);
  const again = parseKeyTarget(latin1Bytes(keyTarget(key)), []);
  expect(again.ok, () => `the target of key ${hex(key)} is refused`);
  if (again.ok) expectSame(again.value.key, key, "the key");
  return `${[...parameters.keys()]}`;
}

function readRequests(input: Uint8Array, step: number): Seen {
  const memory = new BodyMemory(BODY_BYTES_FIRST + 8 * input.length);
  const reader = new RequestReader(LIMITS, memory);
  const seen: Seen = { requests: [], targets: [], error: undefined };
  let error: string | undefined;
  for (let at = 0; at < input.length && error === undefined;) {
    const space = reader.space();
    expect(space.length > 0, () => "no room for a read");
    const piece = input.subarray(at, at + Math.min(step, space.length));
    space.set(piece);
    reader.received(piece.length);
    at += piece.length;
    error = consume(reader, seen);
  }
  const held = memory.heldBytes;
  reader.release();
  expect(memory.heldBytes === 0, () => `${memory.heldBytes} of ${held} bytes stay counted`);
  return { ...seen, error };
}

function consume(reader: RequestReader, seen: Seen): string | undefined {
  for (;;) {
    const event = reader.next();
    if (event === "more") return undefined;
    if (event === "error") {
      const detail = reader.error?.detail ?? "";
      expectPrintable(detail, "the detail");
      return `${reader.error?.code} ${detail}`;
    }
    if (event === "head") {
      reader.acceptBody();
      continue;
    }
    const { method, minorVersion, keepAlive, body } = reader;
    const headers = HEADERS.map((name) => reader.header(name));
    expect(body.length <= LIMITS.bodyBytesMax, () => `a body of ${body.length} bytes`);
    seen.targets.push(reader.target.slice());
    const said = [method, minorVersion, keepAlive, hex(reader.target), hex(body), ...headers];
    seen.requests.push(JSON.stringify(said));
    reader.finish();
    reader.release();
  }
}
