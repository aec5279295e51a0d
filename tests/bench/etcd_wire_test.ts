/** The bytes of HTTP/2, HPACK and Protocol Buffers, compared with those of the standards. */

import assert from "node:assert/strict";
import { CallFrames, frame, opening } from "../../bench/etcd/frames.ts";
import { encodeInteger, encodeRequestHeaders, grpcStatusOf } from "../../bench/etcd/hpack.ts";
import { itemFault, KvCall, revisionOf } from "../../bench/etcd/kv.ts";
import { bytesField, MessageReader } from "../../bench/etcd/protobuf.ts";
import { concat, hex, utf8 } from "../../src/base/mod.ts";

function unhex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/[0-9a-f]{2}/g) ?? [], (byte) => parseInt(byte, 16));
}

Deno.test("encodeInteger() as in the examples of RFC 7541, C.1", () => {
  const cases: [value: number, prefixBits: number, bytes: number[]][] = [
    [10, 5, [10]],
    [1337, 5, [31, 154, 10]],
    [42, 8, [42]],
    [15, 4, [15, 0]],
    [31, 4, [15, 16]],
  ];
  for (const [value, prefixBits, bytes] of cases) {
    assert.deepEqual(encodeInteger(value, prefixBits), bytes, `${value} in ${prefixBits} bits`);
  }
});

Deno.test("encodeRequestHeaders() uses the static table and leaves nothing in the dynamic one", () => {
  const block = hex(encodeRequestHeaders("/a", "b:1"));
  assert.equal(
    block,
    "8386" + // :method POST, :scheme http
      "04022f61" + "0103623a31" + // :path, :authority
      "0f1010" + hex(utf8("application/grpc")) + // content-type
      "00027465" + "08" + hex(utf8("trailers")),
  );
});

const NAME = "0b" + hex(utf8("grpc-status"));
const HUFFMAN_NAME = "889acac8b21234da8f";
const BLOCKS: [what: string, block: string, status: number | null][] = [
  ["plain", `00${NAME}0130`, 0],
  ["in Huffman code", `00${HUFFMAN_NAME}0130`, 0],
  ["of two digits", `00${HUFFMAN_NAME}023134`, 14],
  ["with indexing", `40${HUFFMAN_NAME}0135`, 5],
  ["never indexed", `10${HUFFMAN_NAME}0135`, 5],
  ["behind a new table size", "20" + `00${HUFFMAN_NAME}0130`, 0],
  ["behind an indexed field", "88" + `00${HUFFMAN_NAME}0130`, 0],
  ["behind a field with a name of the table", "0f1001" + "78" + `00${HUFFMAN_NAME}0130`, 0],
  ["behind another name", "0001610162" + `00${HUFFMAN_NAME}0130`, 0],
  ["missing", "88", null],
];

for (const [what, block, status] of BLOCKS) {
  Deno.test(`grpcStatusOf() finds the status ${what}`, () => {
    assert.equal(grpcStatusOf(unhex(block)), status);
  });
}

Deno.test("what is cut off is refused, not read for ever", () => {
  assert.throws(() => grpcStatusOf(unhex("00ff")), /cut off/);
  assert.throws(() => new MessageReader(unhex("0880"), 0, 2).find(1), /cut off/);
});

Deno.test("frame() writes length, type, flags and stream", () => {
  const bytes = frame({ type: 1, flags: 5, stream: 0x01020304 }, Uint8Array.of(7, 8));
  assert.equal(hex(bytes), "000002" + "01" + "05" + "01020304" + "0708");
});

Deno.test("opening() asks for no dynamic table and for the largest windows", () => {
  const preface = hex(utf8("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  const settings = "000012040000000000" + "000100000000" + "000200000000" + "00047fffffff";
  assert.equal(hex(opening()), preface + settings + "000004080000000000" + "7fff0000");
});

Deno.test("CallFrames: headers, then the message with its length, on the stream that is set", () => {
  const call = new CallFrames(Uint8Array.of(0x83), Uint8Array.of(1, 2, 3));
  call.stream = 5;
  const headers = "000001" + "01" + "04" + "00000005" + "83";
  const data = "000008" + "00" + "01" + "00000005" + "0000000003" + "010203";
  assert.equal(hex(call.bytes), headers + data);
  assert.equal(hex(call.bytes.subarray(call.messageAt)), "010203");
  assert.equal(call.flowBytes, 8);
});

Deno.test("CallFrames: a message longer than a frame takes several, and only the last ends it", () => {
  const call = new CallFrames(Uint8Array.of(0x83), new Uint8Array(16_384));
  call.stream = 7;
  assert.equal(call.flowBytes, 16_389);
  const second = 9 + 1 + 9 + 16_384;
  assert.equal(hex(call.bytes.subarray(10, 19)), "004000" + "00" + "00" + "00000007");
  assert.equal(hex(call.bytes.subarray(second, second + 9)), "000005" + "00" + "01" + "00000007");
  assert.equal(call.bytes.length, second + 9 + 5);
});

Deno.test("bytesField() writes tag, length and content", () => {
  assert.equal(hex(bytesField(1, Uint8Array.of(9))), "0a0109");
  assert.equal(hex(bytesField(2, new Uint8Array(300)).subarray(0, 3)), "12ac02");
});

Deno.test("MessageReader finds fields in order, numbers beyond 32 bits, and inner messages", () => {
  const inner = "18" + "80808080808001"; // field 3, varint 2^42
  const message = unhex("08ffffffffffffffffff01" + "1208" + inner + "2a0161");
  const reader = new MessageReader(message, 0, message.length);
  assert.ok(reader.find(2));
  const header = reader.inner();
  assert.ok(header.find(3));
  assert.equal(header.value, 2 ** 42);
  assert.ok(!header.find(4));
  assert.ok(reader.find(5));
  assert.equal(hex(message.subarray(reader.start, reader.end)), "61");
  assert.ok(!reader.find(6));
});

Deno.test("KvCall writes the key in the key's place and at the start of the value", () => {
  const key = utf8("0123456789abcdef");
  for (const [operation, length] of [["read", 18], ["write", 18 + 3 + 256]] as const) {
    const call = new KvCall(operation, { port: 1, valueBytes: 256 });
    call.key = key;
    const message = call.frames.bytes.subarray(call.frames.messageAt);
    assert.equal(message.length, length);
    const reader = new MessageReader(message, 0, message.length);
    assert.ok(reader.find(1));
    assert.deepEqual(message.subarray(reader.start, reader.end), key);
    assert.equal(reader.find(2), operation === "write");
    if (operation === "write") {
      assert.equal(reader.end - reader.start, 256);
      assert.deepEqual(message.subarray(reader.start, reader.start + 16), key);
    }
  }
});

Deno.test("an answer to a read must hold the value of its key", () => {
  const key = utf8("0123456789abcdef");
  const header = bytesField(1, unhex("1807"));
  const item = (revision: string, value: Uint8Array) =>
    bytesField(2, concat([bytesField(1, key), unhex(revision), bytesField(5, value)]));
  const value = concat([key, new Uint8Array(4)]);
  const cases: [fault: string | null, items: Uint8Array][] = [
    [null, item("1807", value)],
    ["no value", new Uint8Array()],
    ["wrong: no revision", item("1800", value)],
    ["wrong: the length of the value", item("1807", key)],
    ["wrong: the value of another key", item("1807", new Uint8Array(20))],
  ];
  for (const [fault, items] of cases) {
    const message = concat([header, items]);
    const reader = new MessageReader(message, 0, message.length);
    assert.equal(revisionOf(reader), 7);
    assert.equal(itemFault(reader, key, 20), fault);
  }
});
