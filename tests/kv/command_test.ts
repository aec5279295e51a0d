/** Commands and outcomes as bytes: one spelling each, every bound kept, nothing thrown. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { fromUtf8, limits, type Result, utf8 } from "../../src/base/mod.ts";
import {
  type Command,
  decodeCommand,
  decodeOutcome,
  describeCommand,
  encodeCommand,
  type Outcome,
  stampCommand,
  type StampedCommand,
} from "../../src/kv/mod.ts";
import { golden, hexDump } from "../support/golden.ts";
import { command, outcome } from "./arbitraries.ts";
import { encodeOutcome } from "./outcome_bytes.ts";

const EXAMPLE: Command = {
  checks: [
    { kind: "revision", key: utf8("colour"), revision: 2 ** 40 + 7 },
    { kind: "exists", key: Uint8Array.of(0, 255) },
    { kind: "record", of: "token", name: "ci", revision: 0 },
  ],
  mutations: [
    { kind: "put", key: utf8("colour"), value: utf8("red"), contentType: "text/plain" },
    { kind: "delete", key: utf8("old") },
    { kind: "setRecord", of: "token", name: "ci", body: utf8("salted") },
    { kind: "deleteRecord", of: "policy", name: "role:ä" },
  ],
};

const EXPIRING: Command = {
  checks: [],
  mutations: [
    {
      kind: "put",
      key: utf8("lock"),
      value: utf8("mine"),
      contentType: "text/plain",
      lifetime: { afterMs: 30_000 },
    },
    {
      kind: "put",
      key: utf8("offer"),
      value: utf8("open"),
      contentType: "",
      lifetime: { atMs: Date.UTC(2030, 0, 1) },
    },
    { kind: "expire", countMax: 1_000 },
  ],
};

const TRANSACTION: Command = {
  checks: [
    { kind: "value", key: utf8("colour"), value: utf8("red") },
    { kind: "revision", key: utf8("new"), revision: 0 },
  ],
  steps: [
    { kind: "get", key: utf8("colour") },
    { kind: "put", key: utf8("colour"), value: utf8("blue"), contentType: "text/plain" },
    { kind: "delete", key: utf8("old") },
    { kind: "deleteRange", range: { start: utf8("a/"), end: utf8("a0") } },
    { kind: "sum", key: utf8("n"), operand: -5n },
    { kind: "min", key: utf8("n"), operand: -(2n ** 63n) },
    { kind: "max", key: utf8("n"), operand: 2n ** 63n - 1n },
    { kind: "append", key: utf8("log"), value: utf8("secret"), bytesMax: 1024 },
  ],
  elseSteps: [{ kind: "deleteRange", range: { start: utf8(""), end: null } }],
};

function valueOf<T>(result: Result<T, string>): T {
  assert.ok(result.ok, result.ok ? "" : result.error);
  return result.value;
}

function encodePut(
  put: { key?: Uint8Array; value?: Uint8Array; contentType?: string },
): Uint8Array {
  const whole = { key: utf8("k"), value: utf8("v"), contentType: "", ...put };
  return encodeCommand({ checks: [], mutations: [{ kind: "put", ...whole }] });
}

Deno.test("decodeCommand() gives back what encodeCommand() was given", () => {
  fc.assert(fc.property(command, fc.maxSafeNat(), (command, timeMs) => {
    const bytes = encodeCommand(command);
    assert.equal(valueOf(decodeCommand(bytes)).timeMs, 0);
    stampCommand(bytes, timeMs);
    const { named, ...decoded } = valueOf(decodeCommand(bytes));
    const { request, ...unnamed } = command;
    assert.deepEqual(decoded, { ...unnamed, timeMs });
    if (request === undefined) return assert.equal(named, undefined);
    assert.deepEqual(named, { name: utf8(request), plain: encodeCommand(unnamed) });
  }));
});

Deno.test("stampCommand() stamps a view of a larger frame", () => {
  const frame = new Uint8Array(200).fill(0xee);
  const bytes = encodePut({});
  frame.set(bytes, 50);
  stampCommand(frame.subarray(50, 50 + bytes.length), 123_456_789_012);
  assert.equal(valueOf(decodeCommand(frame.slice(50, 50 + bytes.length))).timeMs, 123_456_789_012);
  assert.ok(frame.subarray(0, 50).every((byte) => byte === 0xee));
  assert.ok(frame.subarray(50 + bytes.length).every((byte) => byte === 0xee));
});

Deno.test("decodeCommand() refuses every prefix and every extension", () => {
  const named = { ...EXAMPLE, request: "ci\nkey" };
  for (const bytes of [EXAMPLE, EXPIRING, named, TRANSACTION].map(encodeCommand)) {
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(decodeCommand(bytes.subarray(0, length)).ok, false, `${length} bytes`);
    }
    assert.equal(decodeCommand(new Uint8Array([...bytes, 0])).ok, false);
  }
});

Deno.test("decodeCommand() and decodeOutcome() answer any bytes with a value or an error", () => {
  const mutated = fc.tuple(
    fc.oneof(command.map(encodeCommand), outcome.map(encodeOutcome), fc.uint8Array()),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
  ).map(([bytes, changes]) => {
    for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(mutated, (bytes) => {
      const command = decodeCommand(bytes);
      if (command.ok) assert.deepEqual(encodeStamped(command.value), bytes);
      const outcome = decodeOutcome(bytes);
      if (outcome.ok) assert.deepEqual(encodeOutcome(outcome.value), bytes);
      assert.equal(typeof describeCommand(bytes), "string");
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("decodeCommand() refuses each extreme of each length without allocating for it", () => {
  const bytes = encodeCommand(EXAMPLE);
  for (let at = 9; at + 4 <= bytes.length; at++) {
    for (const extreme of [0xffffffff, 0x7fffffff, 0x80000000]) {
      const broken = bytes.slice();
      new DataView(broken.buffer).setUint32(at, extreme, true);
      const decoded = decodeCommand(broken);
      if (decoded.ok) assert.equal(encodeStamped(decoded.value).length, bytes.length);
    }
  }
});

Deno.test("decodeCommand() holds every bound at its limit, and refuses one more", () => {
  const { keyBytesMax, valueBytesCeiling, contentTypeBytesMax, operationsPerCommandMax } = limits;
  const sized = (size: number) => new Uint8Array(size).fill(97);
  const typed = (size: number) => encodePut({ contentType: "t".repeat(size) });
  assert.ok(decodeCommand(encodePut({ key: sized(keyBytesMax) })).ok);
  assert.equal(decodeCommand(encodePut({ key: sized(keyBytesMax + 1) })).ok, false);
  assert.equal(decodeCommand(encodePut({ key: sized(0) })).ok, false);
  assert.ok(decodeCommand(encodePut({ value: sized(valueBytesCeiling) })).ok);
  assert.equal(decodeCommand(encodePut({ value: sized(valueBytesCeiling + 1) })).ok, false);
  assert.ok(decodeCommand(typed(contentTypeBytesMax)).ok);
  assert.equal(decodeCommand(typed(contentTypeBytesMax + 1)).ok, false);
  assert.equal(decodeCommand(encodePut({ contentType: "ä".repeat(128) })).ok, false);

  const check = { kind: "exists", key: utf8("k") } as const;
  const remove = { kind: "delete", key: utf8("k") } as const;
  const checks = new Array(operationsPerCommandMax - 1).fill(check);
  const full = encodeCommand({ checks, mutations: [remove] });
  assert.ok(decodeCommand(full).ok);
  assert.throws(() => encodeCommand({ checks, mutations: [remove, remove] }));
  const tooMany = new Uint8Array([...full, ...full.subarray(full.length - 6)]);
  new DataView(tooMany.buffer).setUint16(full.length - 8, 2, true);
  assert.equal(decodeCommand(tooMany).ok, false);
});

Deno.test("decodeCommand() holds the bounds of records at their limits, and refuses one more", () => {
  const { recordNameBytesMax, recordBodyBytesMax } = limits;
  const set = (name: string, bodyBytes = 0) => {
    const body = new Uint8Array(bodyBytes);
    return encodeCommand({
      checks: [],
      mutations: [{ kind: "setRecord", of: "token", name, body }],
    });
  };
  assert.ok(decodeCommand(set("ä".repeat(recordNameBytesMax / 2))).ok);
  for (const name of ["", "n".repeat(recordNameBytesMax + 1), "\ud800"]) {
    assert.throws(() => set(name), JSON.stringify(name));
  }
  assert.ok(decodeCommand(set("n", recordBodyBytesMax)).ok);
  assert.equal(decodeCommand(set("n", recordBodyBytesMax + 1)).ok, false);
  const named = set("n");
  const at = named.length - 8; // the kind of record, before name (u16 + 1) and body (u32)
  assert.equal(named[at], 1);
  for (const kind of [0, 3]) assert.equal(decodeCommand(named.with(at, kind)).ok, false);
  assert.equal(decodeCommand(named.with(at + 1, 0)).ok, false);
});

Deno.test("decodeCommand() holds the bounds of a request's name, and takes one time only", () => {
  const named = (request: string) => encodeCommand({ checks: [], mutations: [], request });
  const { requestNameBytesMax } = limits;
  assert.ok(decodeCommand(named("ä".repeat(requestNameBytesMax / 2))).ok);
  for (const name of ["", "n".repeat(requestNameBytesMax + 1), "\ud800"]) {
    assert.throws(() => named(name), JSON.stringify(name));
  }
  const bytes = named("n");
  stampCommand(bytes, 7);
  assert.ok(decodeCommand(bytes).ok);
  const at = 1 + 8 + 2 + 1; // kind, time, name; then the plain command
  assert.equal(decodeCommand(bytes.with(at + 1, 1)).ok, false);
  assert.equal(decodeCommand(bytes.with(at, 16)).ok, false);
});

Deno.test("a lifetime is of something", () => {
  const bytes = encodeCommand(EXPIRING);
  const at = 1 + 8 + 2 + 2 + 1; // kind, time, no checks, count, kind of the put
  assert.ok(decodeCommand(bytes.with(at, 1)).ok);
  const none = bytes.slice();
  none.fill(0, at, at + 8);
  assert.equal(decodeCommand(none).ok, false);
});

Deno.test("encodeCommand() and decodeCommand() hold the bound of the whole command", () => {
  const value = new Uint8Array(limits.valueBytesCeiling / 2);
  const put = { kind: "put", key: utf8("k"), value, contentType: "" } as const;
  assert.ok(decodeCommand(encodeCommand({ checks: [], mutations: [put, put] })).ok);
  assert.throws(() => encodeCommand({ checks: [], mutations: [put, put, put] }));
  assert.equal(decodeCommand(new Uint8Array(limits.commandBytesMax + 1)).ok, false);
});

Deno.test("decodeOutcome() gives back what encodeOutcome() was given", () => {
  fc.assert(fc.property(outcome, (outcome) => {
    assert.deepEqual(valueOf(decodeOutcome(encodeOutcome(outcome))), outcome);
  }));
});

Deno.test("decodeOutcome() refuses every prefix and every extension", () => {
  for (const outcome of OUTCOMES) {
    const bytes = encodeOutcome(outcome);
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(decodeOutcome(bytes.subarray(0, length)).ok, false, `${length} bytes`);
    }
    assert.equal(decodeOutcome(new Uint8Array([...bytes, 0])).ok, false);
  }
});

Deno.test("encodeCommand() and encodeOutcome() write the bytes that are in logs already", () => {
  const commands = { command: EXAMPLE, transaction: TRANSACTION, expiring_command: EXPIRING };
  for (const [name, command] of Object.entries(commands)) {
    const bytes = encodeCommand(command);
    stampCommand(bytes, Date.UTC(2020, 0, 1));
    golden(import.meta.url, `${name}.txt`, hexDump(bytes));
  }
  const named = encodeCommand({ checks: [], mutations: [], request: "ci\nkey" });
  golden(import.meta.url, "named_command.txt", hexDump(named));
  golden(
    import.meta.url,
    "outcome.txt",
    OUTCOMES.map((one) => hexDump(encodeOutcome(one))).join("\n"),
  );
});

Deno.test("describeCommand() shows keys escaped, sizes, and no value", () => {
  const bytes = encodeCommand(EXAMPLE);
  const text = describeCommand(bytes);
  assert.equal(
    text,
    "if colour at 1099511627783, if \\x00\\xff exists, if token ci at 0, put colour (3 bytes), " +
      "delete old, set token ci (6 bytes), delete policy role:ä",
  );
  assert.ok(!text.includes("red") && !text.includes("salted"));
  assert.match(describeCommand(bytes.subarray(1)), /^unreadable command/);
  assert.equal(
    describeCommand(encodeCommand(EXPIRING)),
    "put lock (4 bytes) for 30000 ms, put offer (4 bytes) until 1893456000000, " +
      "delete what is due, up to 1000 items",
  );
  assert.equal(
    describeCommand(encodeCommand(TRANSACTION)),
    "transaction: if colour has a value of 3 bytes, if new at 0, then get colour, " +
      "put colour (4 bytes), delete old, delete from a/ to a0, sum n, min n, max n, " +
      "append to log (6 bytes), else delete from  on",
  );
});

Deno.test("decodeCommand() counts both branches of a transaction, and bounds what may be appended to", () => {
  const get = { kind: "get", key: utf8("k") } as const;
  const many = (count: number) => new Array(count).fill(get);
  const half = limits.operationsPerCommandMax / 2;
  const full = { checks: [], steps: many(half), elseSteps: many(half) };
  assert.ok(decodeCommand(encodeCommand(full)).ok);
  assert.throws(() => encodeCommand({ ...full, elseSteps: many(half + 1) }));
  const append = (bytesMax: number) => {
    const step = { kind: "append", key: utf8("k"), value: utf8("v"), bytesMax } as const;
    return decodeCommand(encodeCommand({ checks: [], steps: [step], elseSteps: [] })).ok;
  };
  assert.equal(append(limits.valueBytesCeiling), true);
  assert.equal(append(limits.valueBytesCeiling + 1), false);
});

const OUTCOMES: Outcome[] = [
  { kind: "applied", revision: 2 ** 40 + 7, existed: [true, false] },
  { kind: "checkFailed", check: 1, revision: 3 },
  { kind: "recordsFull" },
  { kind: "repeated", first: { kind: "checkFailed", check: 0, revision: 9 } },
  { kind: "requestReused" },
  {
    kind: "transacted",
    revision: 12,
    failedCheck: null,
    results: [
      { kind: "got", item: { value: utf8("red"), contentType: "text/plain", revision: 9 } },
      { kind: "got", item: null },
      { kind: "changed", existed: true },
      { kind: "deleted", count: 3 },
      { kind: "number", value: -7n },
      { kind: "appended", bytes: 6 },
    ],
  },
  { kind: "transacted", revision: 13, failedCheck: 1, results: [] },
  { kind: "stepFailed", isElse: true, step: 2, reason: "notANumber" },
  {
    kind: "transacted",
    revision: 14,
    failedCheck: null,
    results: [
      { kind: "got", item: { value: utf8("x"), contentType: "", revision: 9, expiresMs: 2 ** 40 } },
    ],
  },
];

function encodeStamped({ timeMs, named, ...command }: StampedCommand): Uint8Array {
  const request = named && { request: valueOf<string>(fromUtf8(named.name)) };
  const bytes = encodeCommand({ ...command, ...request });
  stampCommand(bytes, timeMs);
  return bytes;
}
