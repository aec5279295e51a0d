/** The two calls of etcd that the bench makes: their frames, and what a right answer holds. */

import { randomValue, valueFault } from "../load/session.ts";
import { KEY_BYTES, type Operation } from "../workload.ts";
import { concat } from "../../src/base/mod.ts";
import { CallFrames } from "./frames.ts";
import { encodeRequestHeaders } from "./hpack.ts";
import { bytesField, type MessageReader } from "./protobuf.ts";

const PATH: Readonly<Record<Operation, string>> = {
  write: "/etcdserverpb.KV/Put",
  read: "/etcdserverpb.KV/Range",
};

// The numbers of fields in etcd's rpc.proto and kv.proto.
const REQUEST = { key: 1, value: 2 };
const RESPONSE = { header: 1, items: 2 };
const HEADER = { revision: 3 };
const ITEM = { revision: 3, value: 5 };

/** A call with room for a key, which is set anew each time. */
export class KvCall {
  readonly frames: CallFrames;
  readonly #keyAt: number;
  /** Where the value begins, which repeats the key; a read has none. */
  readonly #valueAt: number | null;

  constructor(operation: Operation, { port, valueBytes }: { port: number; valueBytes: number }) {
    const headers = encodeRequestHeaders(PATH[operation], `127.0.0.1:${port}`);
    const key = bytesField(REQUEST.key, new Uint8Array(KEY_BYTES));
    // A Range that does not ask for `serializable` is linearizable.
    const value = operation === "write"
      ? bytesField(REQUEST.value, randomValue(valueBytes))
      : new Uint8Array();
    this.frames = new CallFrames(headers, concat([key, value]));
    this.#keyAt = this.frames.messageAt + key.length - KEY_BYTES;
    this.#valueAt = operation === "write"
      ? this.frames.messageAt + key.length + value.length - valueBytes
      : null;
  }

  set key(key: Uint8Array) {
    this.frames.bytes.set(key, this.#keyAt);
    if (this.#valueAt !== null) this.frames.bytes.set(key, this.#valueAt);
  }
}

/** The revision that an answer carries, or 0. */
export function revisionOf(message: MessageReader): number {
  if (!message.find(RESPONSE.header)) return 0;
  const header = message.inner();
  return header.find(HEADER.revision) ? header.value : 0;
}

/** Null when the answer to a read holds the value of `key`. */
export function itemFault(
  message: MessageReader,
  key: Uint8Array,
  valueBytes: number,
): string | null {
  if (!message.find(RESPONSE.items)) return "no value";
  const item = message.inner();
  if (!item.find(ITEM.revision) || item.value === 0) return "wrong: no revision";
  if (!item.find(ITEM.value)) return "wrong: no value";
  return valueFault(item, key, valueBytes);
}
