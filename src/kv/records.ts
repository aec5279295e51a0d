/**
 * The records: few and small, so a plain map is enough. With their part of the bytes of commands
 * and images.
 *
 * Invariant S8: there are at most `limits.recordsMax`.
 */

import {
  assert,
  type ByteReader,
  type ByteWriter,
  DecodeError,
  type Hash,
  invariant,
  limits,
  utf8,
} from "../base/mod.ts";
import { type Digestible, ItemsDigest } from "./digest.ts";
import type { Mutation, RecordKind, StateRecord } from "./types.ts";

const KINDS: readonly RecordKind[] = ["token", "policy"];

export type RecordName = { readonly of: RecordKind; readonly name: string };

export class Records {
  /** The index of the last change. */
  version = 0;
  readonly #hash: Hash;
  readonly #digest: ItemsDigest;
  readonly #records = new Map<string, StateRecord>();

  constructor(hash: Hash) {
    this.#hash = hash;
    this.#digest = new ItemsDigest(hash);
  }

  get size(): number {
    return this.#records.size;
  }

  get(kind: RecordKind, name: string): StateRecord | undefined {
    return this.#records.get(keyOf(kind, name));
  }

  /** In the order of their names. */
  of(kind: RecordKind): StateRecord[] {
    return this.all().filter((record) => record.kind === kind);
  }

  /** In one order, whatever order they came in. */
  all(): StateRecord[] {
    const entries = [...this.#records].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
    return entries.map(([, record]) => record);
  }

  /** Whether all of `mutations` fit: a command happens as a whole or not at all. */
  hasRoomFor(mutations: readonly Mutation[]): boolean {
    if (mutations.every(({ kind }) => kind !== "setRecord")) return true; // as most are
    const added = new Set<string>();
    for (const mutation of mutations) {
      if (mutation.kind === "setRecord") added.add(keyOf(mutation.of, mutation.name));
    }
    let count = this.size;
    for (const key of added) if (!this.#records.has(key)) count++;
    return count <= limits.recordsMax;
  }

  /** True when it was there before. */
  set(record: StateRecord): boolean {
    const existed = this.#remove(keyOf(record.kind, record.name));
    this.#records.set(keyOf(record.kind, record.name), record);
    invariant("S8", this.size <= limits.recordsMax, () => `${this.size} records`);
    this.#digest.add(...this.#digested(record));
    return existed;
  }

  delete(kind: RecordKind, name: string, index: number): boolean {
    const existed = this.#remove(keyOf(kind, name));
    if (existed) this.version = index;
    return existed;
  }

  /** What the digest of the whole state is made of beside the items. */
  digest(): readonly number[] {
    return [this.size, ...this.#digest.sums];
  }

  #remove(key: string): boolean {
    const before = this.#records.get(key);
    if (before === undefined) return false;
    this.#digest.remove(...this.#digested(before));
    return this.#records.delete(key);
  }

  #digested({ kind, name, body, revision }: StateRecord): [number, number, Digestible] {
    const bytes = utf8(name);
    const check = this.#hash.crc32(body);
    const digestible = { check, contentType: kind, length: body.length, revision };
    return [this.#hash.crc32(bytes), bytes.length, digestible];
  }
}

export function writeRecordName(writer: ByteWriter, { of, name }: RecordName): void {
  assert(isName(utf8(name)) && name.isWellFormed(), "the name of a record is short text");
  writer.u8(KINDS.indexOf(of) + 1).text(name);
}

export function readRecordName(reader: ByteReader): RecordName {
  const of = KINDS[reader.tag([1, 2], "kind of record") - 1] as RecordKind;
  const name = reader.text();
  if (!isName(utf8(name))) throw new DecodeError("name of a record that is empty or long");
  return { of, name };
}

export function readRecordBody(reader: ByteReader): Uint8Array {
  const body = reader.bytes();
  if (body.length > limits.recordBodyBytesMax) throw new DecodeError("long body of a record");
  return body;
}

function isName(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes.length <= limits.recordNameBytesMax;
}

function keyOf(kind: RecordKind, name: string): string {
  return `${kind} ${name}`;
}
