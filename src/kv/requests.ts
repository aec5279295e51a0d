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
  bytesEqual,
  type ByteWriter,
  DecodeError,
  type Hash,
  invariant,
  limits,
  utf8,
} from "../base/mod.ts";
import { ItemsDigest } from "./digest.ts";
import { keyBytes, keyText } from "./key_text.ts";

/** Enough that two requests are told apart; nobody gains by forging one of his own. */
export const PROOF_BYTES = 16;

/** A request as it is remembered. Its bytes are kept as text, which takes less memory. */
export type KeptRequest = {
  /** Tells the request from others under the same name. */
  readonly proofText: string;
  /** The outcome as `encodeOutcome` writes it. */
  readonly outcomeText: string;
  /** When it was applied, by the cluster's time. */
  readonly timeMs: number;
};

export class Requests {
  readonly #hash: Hash;
  readonly #digest: ItemsDigest;
  /** The oldest first. */
  readonly #kept = new Map<string, KeptRequest>();
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
    return [...this.#kept];
  }

  /** The first bytes of a cryptographic digest of `command`. */
  proofOf(command: Uint8Array): Uint8Array {
    return this.#hash.sha256(command).subarray(0, PROOF_BYTES);
  }

  add(name: string, proof: Uint8Array, outcome: Uint8Array, timeMs: number): void {
    this.restore(name, { proofText: keyText(proof), outcomeText: keyText(outcome), timeMs });
    while (this.#isFull) this.#forgetOldest();
  }

  /** Those that are older than they need be, now that it is `timeMs`. */
  forgetUntil(timeMs: number): void {
    for (const { timeMs: applied } of this.#kept.values()) {
      if (applied + limits.requestRetentionMs > timeMs) return;
      this.#forgetOldest();
    }
  }

  /** Of an image, in its order. */
  restore(name: string, kept: KeptRequest): void {
    invariant("S10", !this.#kept.has(name), () => `request ${JSON.stringify(name)} twice`);
    this.#kept.set(name, kept);
    this.#bytes += sizeOf(name, kept);
    this.#digest.add(...this.#digested(name, kept));
  }

  restoreForgotten(timeMs: number): void {
    this.#forgottenMs = timeMs;
  }

  /** What the digest of the whole state is made of beside the items. */
  digest(): readonly number[] {
    return [this.size, this.#forgottenMs, ...this.#digest.sums];
  }

  get #isFull(): boolean {
    return this.size > limits.requestsMax || this.#bytes > limits.requestsBytesMax;
  }

  #forgetOldest(): void {
    const [name, kept] = this.#kept.entries().next().value as [string, KeptRequest];
    this.#kept.delete(name);
    this.#bytes -= sizeOf(name, kept);
    this.#digest.remove(...this.#digested(name, kept));
    this.#forgottenMs = kept.timeMs;
  }

  #digested(name: string, kept: KeptRequest): Parameters<ItemsDigest["add"]> {
    const bytes = utf8(name);
    const [proof, outcome] = [keyBytes(kept.proofText), keyBytes(kept.outcomeText)];
    const check = this.#hash.crc32(outcome, this.#hash.crc32(proof));
    const digestible = { check, contentType: "", length: outcome.length, revision: kept.timeMs };
    return [this.#hash.crc32(bytes), bytes.length, digestible];
  }
}

export function isSameRequest(kept: KeptRequest, proof: Uint8Array): boolean {
  return bytesEqual(keyBytes(kept.proofText), proof);
}

export function writeRequestName(writer: ByteWriter, name: string): void {
  assert(isName(utf8(name)) && name.isWellFormed(), "the name of a request is short text");
  writer.text(name);
}

export function readRequestName(reader: ByteReader): string {
  const name = reader.text();
  if (!isName(utf8(name))) throw new DecodeError("name of a request that is empty or long");
  return name;
}

function isName(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes.length <= limits.requestNameBytesMax;
}

/** Of what it says, not of the memory that it takes. */
function sizeOf(name: string, { proofText, outcomeText }: KeptRequest): number {
  return name.length + proofText.length + outcomeText.length;
}
