/**
 * The first frames of a link. The dialer says who it is and whom it wants; the other side answers
 * with its own greeting or with the reason why it will not talk.
 *
 * ```
 * hello, welcome   kinds 1, 2: magic "KEVA", lowest and highest version u16, cluster id (16 bytes),
 *                  from, to: texts, data-directory id (16 bytes), boot counter u64
 * refusal          kind 3: text
 * ```
 */

import {
  type ByteReader,
  bytesEqual,
  ByteWriter,
  decode,
  DecodeError,
  err,
  type Hash,
  hex,
  ok,
  type Result,
  utf8,
} from "../base/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import { type Frame, writeFrame } from "./frame.ts";

export const PROTOCOL_VERSION = 1;
const MAGIC = utf8("KEVA");
const HELLO = 1;
const WELCOME = 2;
const REFUSAL = 3;

/** Who a node is, as it greets its peers. */
export type SelfIdentity = {
  readonly id: NodeId;
  /** 16 bytes. */
  readonly cluster: Uint8Array;
  /** 16 bytes: the data directory that this process runs on. */
  readonly directory: Uint8Array;
  /** Counts the starts on that directory. */
  readonly boot: number;
};

export type Greeting = {
  readonly versionMin: number;
  readonly versionMax: number;
  readonly cluster: Uint8Array;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly directory: Uint8Array;
  readonly boot: number;
};

export function encodeHello(hash: Hash, self: SelfIdentity, to: NodeId): Uint8Array {
  return encodeGreeting(hash, HELLO, self, to);
}

export function encodeWelcome(hash: Hash, self: SelfIdentity, to: NodeId): Uint8Array {
  return encodeGreeting(hash, WELCOME, self, to);
}

export function encodeRefusal(hash: Hash, reason: string): Uint8Array {
  const writer = new ByteWriter();
  writeFrame(writer, hash, REFUSAL, (body) => body.text(reason));
  return writer.finish();
}

/** What the acceptor got from a dialer. */
export function decodeHello(frame: Frame): Result<Greeting, string> {
  if (frame.kind !== HELLO) return err("the first frame is no greeting");
  return decode(frame.body, readGreeting);
}

/** What the dialer got back: a greeting, or why not. */
export function decodeAnswer(frame: Frame): Result<Greeting, string> {
  if (frame.kind === WELCOME) return decode(frame.body, readGreeting);
  if (frame.kind !== REFUSAL) return err("the answer is neither greeting nor refusal");
  const reason = decode(frame.body, (reader) => reader.text());
  return err(reason.ok ? `refused: ${reason.value}` : reason.error);
}

/** Whether `greeting` fits this node; the error is a sentence for the other side and for the log. */
export function checkGreeting(greeting: Greeting, self: SelfIdentity): Result<void, string> {
  const { versionMin, versionMax, cluster, from, to } = greeting;
  if (versionMin > PROTOCOL_VERSION || versionMax < PROTOCOL_VERSION) {
    return err(
      `${from} speaks versions ${versionMin} to ${versionMax}, ${self.id} speaks ` +
        `${PROTOCOL_VERSION}`,
    );
  }
  if (!bytesEqual(cluster, self.cluster)) {
    return err(`${from} is of cluster ${hex(cluster)}, ${self.id} of ${hex(self.cluster)}`);
  }
  if (to !== self.id) return err(`${from} wants ${to}, but this is ${self.id}`);
  if (from === self.id) return err(`${from} claims the identity of this node`);
  return ok();
}

function encodeGreeting(hash: Hash, kind: number, self: SelfIdentity, to: NodeId): Uint8Array {
  const writer = new ByteWriter();
  writeFrame(writer, hash, kind, (body) => {
    body.raw(MAGIC).u16(PROTOCOL_VERSION).u16(PROTOCOL_VERSION).raw(self.cluster);
    body.text(self.id).text(to).raw(self.directory).u64(self.boot);
  });
  return writer.finish();
}

function readGreeting(reader: ByteReader): Greeting {
  if (!bytesEqual(reader.raw(MAGIC.length), MAGIC)) throw new DecodeError("not a Keva node");
  return {
    versionMin: reader.u16(),
    versionMax: reader.u16(),
    cluster: reader.raw(16),
    from: reader.text(),
    to: reader.text(),
    directory: reader.raw(16),
    boot: reader.u64(),
  };
}
