/**
 * The first frames of a link. The dialer says who it is and whom it wants; the other side answers
 * with its own greeting or with the reason why it will not talk.
 *
 * ```
 * hello, welcome   kinds 1, 2: magic "KEVA", lowest and highest version u16, cluster id (16 bytes),
 *                  from, to: texts, data-directory id (16 bytes), boot counter u64
 * refusal          kind 3: text
 * renewal          kind 7: as hello, of who has a link already and is about to move to this one
 * ```
 */

import {
  assert,
  type ByteReader,
  bytesEqual,
  ByteWriter,
  decode,
  DecodeError,
  err,
  type Hash,
  hex,
  ok,
  printableText,
  type Result,
  utf8,
} from "../base/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import { type Frame, writeFrame } from "./frame.ts";

const PROTOCOL_VERSION = 1;
const MAGIC = utf8("KEVA");
const ID_BYTES = 16;
const SHOWN_CHARACTERS_MAX = 64;
const HELLO = 1;
const WELCOME = 2;
const REFUSAL = 3;
const RENEWAL = 7;

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

export function encodeRenewal(hash: Hash, self: SelfIdentity, to: NodeId): Uint8Array {
  return encodeGreeting(hash, RENEWAL, self, to);
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
  if (frame.kind !== HELLO && frame.kind !== RENEWAL) return err("the first frame is no greeting");
  return decode(frame.body, readGreeting);
}

/** What the dialer got back: a greeting, or why not. */
export function decodeAnswer(frame: Frame): Result<Greeting, string> {
  if (frame.kind === WELCOME) return decode(frame.body, readGreeting);
  if (frame.kind !== REFUSAL) return err("the answer is neither greeting nor refusal");
  const reason = decode(frame.body, (reader) => reader.text());
  return err(reason.ok ? `refused: ${printableText(reason.value)}` : reason.error);
}

/** Whether the dialer has a link already, all of which comes before anything on this one. */
export function isRenewal(frame: Frame): boolean {
  return frame.kind === RENEWAL;
}

/** Whether the dialer was turned away, so that the error of `decodeAnswer` is the peer's own word. */
export function isRefusal(frame: Frame): boolean {
  return frame.kind === REFUSAL;
}

/** Whether `greeting` fits this node; the error is a sentence for the other side and for the log. */
export function checkGreeting(greeting: Greeting, self: SelfIdentity): Result<void, string> {
  const { versionMin, versionMax, cluster, from, to } = greeting;
  const name = shown(from);
  if (versionMin > PROTOCOL_VERSION || versionMax < PROTOCOL_VERSION) {
    const versions = `${versionMin} to ${versionMax}`;
    return err(`${name} speaks versions ${versions}, ${self.id} speaks ${PROTOCOL_VERSION}`);
  }
  if (!bytesEqual(cluster, self.cluster)) {
    return err(`${name} is of cluster ${hex(cluster)}, ${self.id} of ${hex(self.cluster)}`);
  }
  if (to !== self.id) return err(`${name} wants ${shown(to)}, but this is ${self.id}`);
  if (from === self.id) return err(`${name} claims the identity of this node`);
  return ok();
}

/** Whatever a stranger calls himself, fit for a log line and an answer. */
export function shown(id: NodeId): string {
  const text = printableText(id.slice(0, SHOWN_CHARACTERS_MAX));
  return id.length > SHOWN_CHARACTERS_MAX ? `${text}…` : text;
}

function encodeGreeting(hash: Hash, kind: number, self: SelfIdentity, to: NodeId): Uint8Array {
  assert(self.cluster.length === ID_BYTES && self.directory.length === ID_BYTES, "ids of 16 bytes");
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
    cluster: reader.raw(ID_BYTES),
    from: reader.text(),
    to: reader.text(),
    directory: reader.raw(ID_BYTES),
    boot: reader.u64(),
  };
}
