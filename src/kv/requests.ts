/**
 * The requests that were sent under a name of their own (an idempotency key), and what came of
 * them: so that the same request, sent again through any node, is answered and not done again.
 *
 * It is part of the replicated state. How long a request is remembered goes by the cluster's time,
 * and by how much there is to remember; what is forgotten is the oldest.
 *
 * Invariants:
 * - S10 a name is remembered once, and in the order of the log.
 * - S11 what is remembered is bounded in count and in bytes.
 */

import {
  assert,
  ByteReader,
  bytesEqual,
  ByteWriter,
  DecodeError,
  fromUtf8,
  type Hash,
  invariant,
  isAscii,
  limits,
  printable,
  u32At,
} from "../base/mod.ts";
import { ByteQueue, type Place, type Run } from "./byte_queue.ts";
import { type Digestible, ItemsDigest } from "./digest.ts";

/** Before a text. */
const LENGTH_BYTES = 2;
/** Of a record, behind its name; and what is before its outcome. */
const TIME_AND_PROOF_BYTES = 12;
const OUTCOME_LENGTH_BYTES = 4;

/** A request as it is remembered. */
export type KeptRequest = {
  /** Tells the request from others under the same name. */
  readonly proof: number;
  /** As `writeOutcome` writes it; a view. */
  readonly outcome: Uint8Array;
  /** When it was applied, by the cluster's time. */
  readonly timeMs: number;
};

export class Requests {
  readonly #hash: Hash;
  readonly #digest: ItemsDigest;
  /** Each as an image has it: some 70 bytes. */
  readonly #records = new ByteQueue(lengthAt);
  /** The newest of those whose name has this CRC-32, and before each of them the next newest. */
  readonly #newest = new Map<number, Place>();
  readonly #older = new Map<Place, Place>();
  /** When the oldest was applied; means nothing when there is none. */
  #oldestMs = 0;
  readonly #writer = new ByteWriter();
  #forgottenMs = 0;

  constructor(hash: Hash) {
    this.#hash = hash;
    this.#digest = new ItemsDigest(hash);
  }

  get size(): number {
    return this.#records.size;
  }

  /** Whether it ever held anything: until then it is no part of the digest. */
  get isUsed(): boolean {
    return this.size > 0 || this.#forgottenMs > 0;
  }

  /** The time of the last request that was forgotten; 0: none ever was. */
  get forgottenMs(): number {
    return this.#forgottenMs;
  }

  /** `name` in UTF-8, here and below. */
  get(name: Uint8Array): KeptRequest | undefined {
    const record = this.#find(this.#hash.crc32(name), name);
    return record && readKept(record);
  }

  /** As an image has them, the oldest first, and as they are now, in runs of about `bytesMax`. */
  frozen(bytesMax: number): Iterable<Run> {
    return this.#records.frozen(bytesMax);
  }

  /**
   * For `command` without its name. It is to find a client's mistake, not a forger, who could fool
   * nobody but himself: so a CRC is enough.
   */
  proofOf(command: Uint8Array): number {
    return this.#hash.crc32(command, command.length);
  }

  /** Remembers what is not remembered yet, and for it forgets the oldest, if need be. */
  add(name: Uint8Array, { proof, outcome, timeMs }: KeptRequest): void {
    const writer = this.#writer.reset().u16(name.length).raw(name);
    this.restore(writer.u64(timeMs).u32(proof).bytes(outcome).view());
    while (this.#isFull) this.#forgetOldest();
  }

  /** Those that are older than they need be, now that it is `timeMs`. */
  forgetUntil(timeMs: number): void {
    while (this.size > 0 && this.#oldestMs + limits.requestRetentionMs <= timeMs) {
      this.#forgetOldest();
    }
  }

  /** Remembers a record of an image, in its order. */
  restore(record: Uint8Array): void {
    const name = nameOf(record);
    const check = this.#hash.crc32(name);
    invariant("S10", !this.#find(check, name), () => `request ${printable(name)} twice`);
    const place = this.#records.push(record);
    const older = this.#newest.get(check);
    if (older !== undefined) this.#older.set(place, older);
    this.#newest.set(check, place);
    if (this.size === 1) this.#oldestMs = timeMsOf(record);
    this.#digest.add(check, name.length, this.#digestible(record));
  }

  restoreForgotten(timeMs: number): void {
    this.#forgottenMs = timeMs;
  }

  /** What the digest of the whole state is made of beside the items. */
  digest(): readonly number[] {
    return [this.size, this.#forgottenMs, ...this.#digest.sums];
  }

  get #isFull(): boolean {
    return this.size > limits.requestsMax || this.#records.sizeBytes > limits.requestsBytesMax;
  }

  #digestible(record: Uint8Array): Digestible {
    const { length } = record;
    return { check: this.#hash.crc32(record), contentType: "", length, revision: 0 };
  }

  #find(check: number, name: Uint8Array): Uint8Array | undefined {
    let place = this.#newest.get(check);
    for (; place !== undefined; place = this.#older.get(place)) {
      const record = this.#records.at(place);
      if (bytesEqual(nameOf(record), name)) return record;
    }
    return undefined;
  }

  #forgetOldest(): void {
    const place = this.#records.first;
    const record = this.#records.at(place);
    const name = nameOf(record);
    const check = this.#hash.crc32(name);
    this.#unlink(check, place);
    this.#digest.remove(check, name.length, this.#digestible(record));
    this.#forgottenMs = this.#oldestMs;
    this.#records.shift();
    if (this.size > 0) this.#oldestMs = timeMsOf(this.#records.at(this.#records.first));
  }

  /** The oldest of all is the oldest with its check, too. */
  #unlink(check: number, oldest: Place): void {
    let place = this.#newest.get(check) as Place;
    if (place === oldest) {
      this.#newest.delete(check);
      return;
    }
    for (let next = place; next !== oldest; next = this.#older.get(next) as Place) place = next;
    this.#older.delete(place);
  }
}

/** Of the record that begins at `at`: where its name ends. */
function nameEnd(bytes: Uint8Array, at: number): number {
  return at + LENGTH_BYTES + ((bytes[at] as number) | ((bytes[at + 1] as number) << 8));
}

function lengthAt(bytes: Uint8Array, at: number): number {
  const outcomeAt = nameEnd(bytes, at) + TIME_AND_PROOF_BYTES;
  return outcomeAt + OUTCOME_LENGTH_BYTES + u32At(bytes, outcomeAt) - at;
}

function nameOf(record: Uint8Array): Uint8Array {
  return record.subarray(LENGTH_BYTES, nameEnd(record, 0));
}

function timeMsOf(record: Uint8Array): number {
  const at = nameEnd(record, 0);
  return u32At(record, at + 4) * 2 ** 32 + u32At(record, at);
}

function readKept(record: Uint8Array): KeptRequest {
  const reader = new ByteReader(record.subarray(nameEnd(record, 0)));
  return { timeMs: reader.u64(), proof: reader.u32(), outcome: reader.bytes() };
}

export function writeRequestName(writer: ByteWriter, name: string): void {
  const before = writer.length;
  writer.text(name);
  const bytes = writer.length - before - LENGTH_BYTES;
  const isShort = bytes > 0 && bytes <= limits.requestNameBytesMax;
  assert(isShort && name.isWellFormed(), "the name of a request is short text");
}

/** A view of the name, in UTF-8: nobody who applies a command needs its text. */
export function readRequestName(reader: ByteReader): Uint8Array {
  const name = reader.raw(reader.u16());
  if (name.length === 0 || name.length > limits.requestNameBytesMax) {
    throw new DecodeError("name of a request that is empty or long");
  }
  if (!isAscii(name) && !fromUtf8(name).ok) {
    throw new DecodeError("name of a request that is no text");
  }
  return name;
}
