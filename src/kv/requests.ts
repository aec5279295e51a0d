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
  type ByteReader,
  type ByteWriter,
  DecodeError,
  type Hash,
  invariant,
  limits,
} from "../base/mod.ts";
import { type Digestible, ItemsDigest } from "./digest.ts";
import { keyBytes, keyText } from "./key_text.ts";

/** Before a text. */
const LENGTH_BYTES = 2;

/** A request as it is remembered: some 250 bytes with its name. */
export type KeptRequest = {
  /** Tells the request from others under the same name. */
  readonly proof: number;
  /** The outcome as `encodeOutcome` writes it; a short text takes less memory than bytes do. */
  readonly outcomeText: string;
  /** When it was applied, by the cluster's time. */
  readonly timeMs: number;
};

/** With what its part of the digest is taken away again, which would be long to find out anew. */
type Kept = KeptRequest & { readonly name: string; readonly outcomeCheck: number };

export class Requests {
  readonly #hash: Hash;
  readonly #digest: ItemsDigest;
  readonly #kept = new Map<string, Kept>();
  /** The oldest first; those before `#head` are forgotten, and go for good in bulk. */
  #inOrder: Kept[] = [];
  #head = 0;
  #bytes = 0;
  #forgottenMs = 0;

  constructor(hash: Hash) {
    this.#hash = hash;
    this.#digest = new ItemsDigest(hash);
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Whether it ever held anything: until then it is no part of the digest. */
  get isUsed(): boolean {
    return this.size > 0 || this.#forgottenMs > 0;
  }

  /** The time of the last request that was forgotten; 0: none ever was. */
  get forgottenMs(): number {
    return this.#forgottenMs;
  }

  get(name: string): KeptRequest | undefined {
    return this.#kept.get(name);
  }

  /** The oldest first; a copy. */
  all(): [name: string, KeptRequest][] {
    return this.#inOrder.slice(this.#head).map((kept) => [kept.name, kept]);
  }

  /**
   * For `command` without its name. It is to find a client's mistake, not a forger, who could fool
   * nobody but himself: so a CRC is enough.
   */
  proofOf(command: Uint8Array): number {
    return this.#hash.crc32(command, command.length);
  }

  add(name: string, proof: number, outcome: Uint8Array, timeMs: number): void {
    const outcomeCheck = this.#hash.crc32(outcome);
    this.#keep({ name, proof, outcomeText: keyText(outcome), timeMs, outcomeCheck });
    while (this.#isFull) this.#forgetOldest();
  }

  /** Those that are older than they need be, now that it is `timeMs`. */
  forgetUntil(timeMs: number): void {
    while (this.size > 0) {
      const oldest = this.#inOrder[this.#head] as Kept;
      if (oldest.timeMs + limits.requestRetentionMs > timeMs) return;
      this.#forgetOldest();
    }
  }

  /** Of an image, in its order. */
  restore(name: string, kept: KeptRequest): void {
    const outcomeCheck = this.#hash.crc32(keyBytes(kept.outcomeText));
    this.#keep({ ...kept, name, outcomeCheck });
  }

  restoreForgotten(timeMs: number): void {
    this.#forgottenMs = timeMs;
  }

  /** What the digest of the whole state is made of beside the items. */
  digest(): readonly number[] {
    return [this.size, this.#forgottenMs, ...this.#digest.sums];
  }

  #keep(kept: Kept): void {
    const { name } = kept;
    this.#inOrder.push(kept);
    this.#kept.set(name, kept);
    const count = this.#inOrder.length - this.#head;
    invariant("S10", this.size === count, () => `request ${JSON.stringify(name)} twice`);
    this.#bytes += sizeOf(kept);
    this.#digest.add(checkOf(name), name.length, digestible(kept));
  }

  get #isFull(): boolean {
    return this.size > limits.requestsMax || this.#bytes > limits.requestsBytesMax;
  }

  #forgetOldest(): void {
    const kept = this.#inOrder[this.#head++] as Kept;
    const { name } = kept;
    this.#kept.delete(name);
    this.#bytes -= sizeOf(kept);
    this.#digest.remove(checkOf(name), name.length, digestible(kept));
    this.#forgottenMs = kept.timeMs;
    if (2 * this.#head < this.#inOrder.length) return;
    this.#inOrder = this.#inOrder.slice(this.#head);
    this.#head = 0;
  }
}

function digestible({ proof, outcomeText, timeMs, outcomeCheck }: Kept): Digestible {
  const check = outcomeCheck ^ proof;
  return { check, contentType: "", length: outcomeText.length, revision: timeMs };
}

/** FNV-1a over the characters: their bytes would first have to be made. */
function checkOf(name: string): number {
  let check = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) {
    check = Math.imul(check ^ name.charCodeAt(at), 0x01000193);
  }
  return check;
}

export function writeRequestName(writer: ByteWriter, name: string): void {
  const before = writer.length;
  writer.text(name);
  const bytes = writer.length - before - LENGTH_BYTES;
  const isShort = bytes > 0 && bytes <= limits.requestNameBytesMax;
  assert(isShort && name.isWellFormed(), "the name of a request is short text");
}

export function readRequestName(reader: ByteReader): string {
  const before = reader.offset;
  const name = reader.text();
  const bytes = reader.offset - before - LENGTH_BYTES;
  if (bytes === 0 || bytes > limits.requestNameBytesMax) {
    throw new DecodeError("name of a request that is empty or long");
  }
  return name;
}

/** Of what it says, not of the memory that it takes. */
function sizeOf({ name, outcomeText }: Kept): number {
  return name.length + outcomeText.length;
}
